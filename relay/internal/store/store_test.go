package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed/embedtest"
)

func open(t *testing.T, js jetstream.JetStream, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), js, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put appends one event, and fails the test where it can't.
func put(t *testing.T, s *Store, name, id string, last uint64) uint64 {
	t.Helper()
	seq, err := s.Append(t.Context(), event(name, id), last, 0)
	if err != nil {
		t.Fatalf("append %s of %s behind %d: %v", id, name, last, err)
	}
	return seq
}

func event(name, id string) *Event {
	return &Event{Key: Key{Session, name}, HasID: true, Data: []byte(`{"id":` + id + `}`), Origin: Origin{
		Upstream: "up", Run: Run{Number: 2, Name: "abc"}, ID: id, Time: time.UnixMilli(1700000000123), Hash: 0xfedcba9876543210,
	}}
}

func TestAppendedEventIsRead(t *testing.T) {
	s := open(t, embedtest.New(t), Options{})
	put(t, s, "other", "1", 0)
	want := event("a.b c*>é", "7")
	want.Type, want.Gap, want.Origin.Global = "note", "server's counter has a new run", true
	seq, err := s.Append(t.Context(), want, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	want.Seq = seq
	second := put(t, s, want.Key.Name, "8", seq)

	got, ok, err := s.Next(t.Context(), want.Key, 1)
	if !ok || err != nil {
		t.Fatalf("next: %v, %v", ok, err)
	}
	got.Stored = time.Time{}
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Errorf("stored and read differ (-stored +read):\n%s", diff)
	}
	last, ok, err := s.Last(t.Context(), want.Key)
	if !ok || err != nil || last.Seq != second || last.Prev != seq || last.Origin.ID != "8" {
		t.Errorf("last: %+v, %v, %v; want sequence %d behind %d", last, ok, err, second, seq)
	}
	if _, ok, err := s.Next(t.Context(), want.Key, second+1); ok || err != nil {
		t.Errorf("next behind the last: %v, %v", ok, err)
	}
}

func TestAppendConflicts(t *testing.T) {
	s := open(t, embedtest.New(t), Options{})
	first := put(t, s, "a", "1", 0)
	for _, last := range []uint64{0, first + 1} {
		if _, err := s.Append(t.Context(), event("a", "2"), last, 0); !errors.Is(err, ErrConflict) {
			t.Errorf("append behind %d where the last is %d: %v, want a conflict", last, first, err)
		}
	}
	put(t, s, "a", "2", first)
}

// Of many publishers that have the same events each is stored once, in order.
func TestRace(t *testing.T) {
	s := open(t, embedtest.New(t), Options{})
	const publishers, events = 8, 60
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			last := uint64(0)
			for n := 1; n <= events; {
				seq, err := s.Append(t.Context(), event("a", fmt.Sprint(n)), last, 0)
				switch {
				case err == nil:
					last, n = seq, n+1
				case errors.Is(err, ErrConflict):
					e, _, err := s.Last(t.Context(), Key{Session, "a"})
					if err != nil {
						t.Error(err)
						return
					}
					fmt.Sscan(e.Origin.ID, &n)
					last, n = e.Seq, n+1
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	n := 0
	err := s.Range(t.Context(), Key{Session, "a"}, 1, events, func(e Event) error {
		n++
		if e.Origin.ID != fmt.Sprint(n) {
			return fmt.Errorf("event %d has id %s", n, e.Origin.ID)
		}
		return nil
	})
	if err != nil || n != events {
		t.Errorf("%d events, %v; want %d", n, err, events)
	}
}

func TestOpenRefusesAnotherConfiguration(t *testing.T) {
	js := embedtest.New(t)
	open(t, js, Options{MaxAge: time.Hour})
	open(t, js, Options{MaxAge: time.Hour}) // as it is
	_, err := Open(t.Context(), js, Options{MaxAge: 2 * time.Hour, MaxEvents: 7})
	ce, ok := errors.AsType[*ConfigError](err)
	if !ok || len(ce.Differ) != 2 {
		t.Fatalf("got %v, want a ConfigError with two differences", err)
	}
	info, err := js.Stream(t.Context(), "SSE_SESSIONS")
	if err != nil || info.CachedInfo().Config.MaxAge != time.Hour {
		t.Errorf("the stream was changed: %v, %v", info, err)
	}
	s := open(t, js, Options{MaxAge: 2 * time.Hour, MaxEvents: 7, Update: true})
	if info, err := s.events[Session].Info(t.Context()); err != nil || info.Config.MaxAge != 2*time.Hour || info.Config.MaxMsgsPerSubject != 7 {
		t.Errorf("after the update: %+v, %v", info, err)
	}
	open(t, js, Options{MaxAge: 2 * time.Hour, MaxEvents: 7})
	for _, prefix := range []string{"a..b", "a b", ".", "a.*", "sse.>"} {
		if _, err := Open(t.Context(), js, Options{Prefix: prefix}); err == nil {
			t.Errorf("prefix %q was taken", prefix)
		}
	}
}

// What retention takes away in the middle shows in the first event that is left.
func TestRetentionShowsInThePredecessor(t *testing.T) {
	s := open(t, embedtest.New(t), Options{MaxEvents: 3})
	var seqs []uint64
	last := uint64(0)
	for n := 1; n <= 10; n++ {
		put(t, s, "noise", fmt.Sprint(n), noiseLast(t, s))
		last = put(t, s, "a", fmt.Sprint(n), last)
		seqs = append(seqs, last)
	}
	e, ok, err := s.Next(t.Context(), Key{Session, "a"}, 1)
	if !ok || err != nil || e.Seq != seqs[7] || e.Prev != seqs[6] {
		t.Fatalf("first that is left: %+v, %v, %v; want sequence %d behind %d", e, ok, err, seqs[7], seqs[6])
	}
}

func noiseLast(t *testing.T, s *Store) uint64 {
	e, _, err := s.Last(t.Context(), Key{Session, "noise"})
	if err != nil {
		t.Fatal(err)
	}
	return e.Seq
}

func TestLastsAndFollow(t *testing.T) {
	s := open(t, embedtest.New(t), Options{})
	want := map[string]uint64{}
	for n := range 50 {
		name := fmt.Sprintf("s%d", n%7)
		want[name] = put(t, s, name, fmt.Sprint(n), want[name])
	}
	got := map[string]uint64{}
	if err := s.Lasts(t.Context(), Session, func(e Event) error { got[e.Key.Name] = e.Seq; return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lasts (-want +got):\n%s", diff)
	}
	done := errors.New("done")
	seq := uint64(0)
	err := s.Follow(t.Context(), Session, 11, func(e Event) error {
		if seq == 0 {
			seq = 10
			go s.Append(t.Context(), event("late", "1"), 0, 0)
		}
		if seq++; e.Seq != seq {
			return fmt.Errorf("sequence %d, want %d", e.Seq, seq)
		}
		if e.Key.Name == "late" {
			return done
		}
		return nil
	})
	if err != done {
		t.Error(err)
	}
}

// Whatever is read leaves no consumer behind: the server has a limit of them.
func TestReadingLeavesNoConsumer(t *testing.T) {
	s := open(t, embedtest.New(t), Options{})
	for n := range 20 {
		put(t, s, fmt.Sprint(n), "1", 0)
	}
	enough := errors.New("enough")
	for range 5 {
		if err := s.Range(t.Context(), Key{Kind: Session}, 1, 20, func(Event) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := s.Range(t.Context(), Key{Kind: Session}, 1, 20, func(Event) error { return enough }); err != enough {
			t.Fatal(err)
		}
		if n, err := s.count(t.Context(), Session, 5); n != 16 || err != nil {
			t.Fatal(n, err)
		}
		if err := s.Lasts(t.Context(), Session, func(Event) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := s.Follow(t.Context(), Session, 1, func(Event) error { return enough }); err != enough {
			t.Fatal(err)
		}
	}
	state, err := s.State(t.Context(), Session)
	if err != nil || state.Consumers != 0 {
		t.Errorf("%d consumers are left, %v", state.Consumers, err)
	}
}

func TestPositionsOnlyGoOn(t *testing.T) {
	s := open(t, embedtest.New(t), Options{})
	k := Key{Plain, "a/b"}
	for _, seq := range []uint64{5, 9, 7} {
		if err := s.SavePosition(t.Context(), k, Position{Seq: seq, Origin: Origin{Upstream: "up", ID: fmt.Sprint(seq)}}); err != nil {
			t.Fatal(err)
		}
	}
	got := map[Key]Position{}
	if err := s.Positions(t.Context(), func(k Key, p Position) error { got[k] = p; return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[Key]Position{k: {Seq: 9, Origin: Origin{Upstream: "up", ID: "9"}}}, got); diff != "" {
		t.Errorf("positions (-want +got):\n%s", diff)
	}
}

func TestTokens(t *testing.T) {
	for _, name := range []string{"a", "A-b_9", "a.b", "*", ">", " ", "=", "é", "\x00", "a=41"} {
		token := Token(name)
		if back, ok := Untoken(token); !ok || back != name {
			t.Errorf("%q → %q → %q, %v", name, token, back, ok)
		}
	}
	for _, token := range []string{"", "=", "=4", "=zz", "=41", "a.b"} {
		if name, ok := Untoken(token); ok {
			t.Errorf("token %q was read as %q", token, name)
		}
	}
}
