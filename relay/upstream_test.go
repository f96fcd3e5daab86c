package relay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed/embedtest"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// stored returns the events under a key, in order.
func stored(t testing.TB, js jetstream.JetStream, o Options, kind store.Kind, name string) (list []store.Event) {
	t.Helper()
	st, err := store.Open(t.Context(), js, store.Options{MaxEvents: o.MaxEvents})
	if err != nil {
		t.Fatal(err)
	}
	k := store.Key{Kind: kind, Name: name}
	last, ok, err := st.Last(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return nil
	}
	if err := st.Range(t.Context(), k, 1, last.Seq, func(e store.Event) error {
		list = append(list, e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

// storedTexts returns the texts of a session's messages that are stored.
func storedTexts(t testing.TB, js jetstream.JetStream, o Options, id string) (texts []string) {
	t.Helper()
	for _, e := range stored(t, js, o, store.Session, id) {
		if m := text(t, sse.Event{Type: "message", Data: string(e.Data)}); m != "" {
			texts = append(texts, m)
		}
	}
	return texts
}

// publishing is a JetStream whose publishes of events go another way.
type publishing struct {
	jetstream.JetStream
	publish func(ctx context.Context, m *nats.Msg, send func() (*jetstream.PubAck, error)) (*jetstream.PubAck, error)
}

func (p *publishing) PublishMsg(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	return p.publish(ctx, m, func() (*jetstream.PubAck, error) { return p.JetStream.PublishMsg(ctx, m, opts...) })
}

// Publishes of two relays are rejected, time out unstored, stored, or stored later: each
// event is stored once and in order.
func TestPublishesFail(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 1000})
	js := embedtest.New(t)
	var late sync.WaitGroup
	flaky := func(seed uint64) jetstream.JetStream {
		var mu sync.Mutex
		rng := rand.New(rand.NewPCG(seed, 1))
		return &publishing{js, func(_ context.Context, m *nats.Msg, send func() (*jetstream.PubAck, error)) (*jetstream.PubAck, error) {
			mu.Lock()
			what := rng.IntN(12)
			mu.Unlock()
			switch what {
			case 0: // its copy is under way, says the server
				return nil, &jetstream.APIError{Code: 400, ErrorCode: 10158, Description: "expected last sequence is under way"}
			case 1:
				return nil, nats.ErrNoResponders
			case 2: // lost on its way
				return nil, nats.ErrTimeout
			case 3: // its answer is lost
				_, _ = send()
				return nil, nats.ErrTimeout
			case 4: // it comes late
				late.Go(func() { _, _ = js.PublishMsg(context.Background(), m) })
				return nil, nats.ErrTimeout
			}
			return send()
		}}
	}
	for seed := range uint64(2) {
		start(t, Options{Upstream: up.URL, All: true, JetStream: flaky(seed), HoleWait: 50 * time.Millisecond})
	}
	const sessions, n = 4, 25
	waitFor(t, func() bool { return up.Stats().Open >= 2 })
	for i := range n {
		for s := range sessions {
			up.Session(fmt.Sprintf("s%d", s)).Message("user", fmt.Sprintf("m%d", i+1))
		}
	}
	for s := range sessions {
		id := fmt.Sprintf("s%d", s)
		waitFor(t, func() bool { return len(storedTexts(t, js, Options{}, id)) >= n })
		late.Wait()
		wantTexts(t, storedTexts(t, js, Options{}, id), n)
	}
}

// A relay stands still before a publish, longer than any window of duplicates, while
// another goes on and retention takes away what it is about to publish. When it wakes up
// it stores nothing twice.
func TestRelayWakesUp(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 1000})
	js := embedtest.New(t)
	o := Options{Upstream: up.URL, All: true, JetStream: js, MaxEvents: 5, HoleWait: 50 * time.Millisecond}
	asleep, wake := make(chan struct{}), make(chan struct{})
	var once sync.Once
	sleeper := o
	sleeper.JetStream = &publishing{js, func(ctx context.Context, _ *nats.Msg, send func() (*jetstream.PubAck, error)) (*jetstream.PubAck, error) {
		once.Do(func() { close(asleep) })
		<-wake // as a process that is stopped, whatever its context says
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return send()
	}}
	start(t, sleeper)
	t.Cleanup(sync.OnceFunc(func() {
		select {
		case <-wake:
		default:
			close(wake)
		}
	}))
	s := up.Session("abc")
	s.Message("user", "m1")
	<-asleep
	const n = 40
	start(t, o)
	for i := 1; i < n; i++ {
		s.Message("user", fmt.Sprintf("m%d", i+1))
	}
	want := []string{"m36", "m37", "m38", "m39", "m40"}
	waitFor(t, func() bool { return slices.Equal(storedTexts(t, js, o, "abc"), want) })
	first := stored(t, js, o, store.Session, "abc")[0]
	waitFor(t, func() bool { return time.Since(first.Stored) > 1500*time.Millisecond }) // the streams' window is a second
	close(wake)
	s.Message("user", "m41")
	waitFor(t, func() bool { list := storedTexts(t, js, o, "abc"); return list[len(list)-1] == "m41" })
	s.Message("user", "m42") // behind whatever the sleeper had to say
	want = []string{"m38", "m39", "m40", "m41", "m42"}
	waitFor(t, func() bool { return slices.Equal(storedTexts(t, js, o, "abc"), want) })
	list := stored(t, js, o, store.Session, "abc")
	if seq := list[len(list)-1].Seq; seq != n+2 {
		t.Errorf("the last event has sequence %d, want %d: something was stored twice", seq, n+2)
	}
}

// A session whose events retention has all taken away goes on behind them: what the
// upstream still has of them is not stored again.
func TestEmptiedSessionGoesOn(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 1000})
	js := embedtest.New(t)
	o := Options{Upstream: up.URL, All: true, Alone: true, JetStream: js}
	_, _, stop := start(t, o)
	s := up.Session("abc")
	for i := range 10 {
		s.Message("user", fmt.Sprintf("m%d", i+1))
	}
	waitFor(t, func() bool { return len(storedTexts(t, js, o, "abc")) == 10 })
	stop()
	st, err := js.Stream(t.Context(), "SSE_SESSIONS")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, base, _ := start(t, o)
	s.Message("user", "m11")
	s.Ended("done")
	waitFor(t, func() bool { return len(stored(t, js, o, store.Session, "abc")) >= 2 })
	if got := storedTexts(t, js, o, "abc"); !slices.Equal(got, []string{"m11"}) {
		t.Errorf("stored again: %q", got)
	}
	for after, want := range map[string]bool{"10": false, "9": true} {
		if got, gap := readBehind(t, base, "abc", after); !slices.Equal(got, []string{"m11"}) || gap != want {
			t.Errorf("behind %s: %q, a gap: %v; want a gap: %v", after, got, gap, want)
		}
	}
}

// readBehind follows a session from an id to its end, and returns the texts of its
// messages and whether a gap was told.
func readBehind(t testing.TB, base, id, after string) (texts []string, gap bool) {
	t.Helper()
	o := fast()
	o.LastEventID = after
	o.Observer = func(tr client.Transition) {
		_, ok := errors.AsType[*client.GapError](tr.Cause)
		gap = gap || ok
	}
	es, err := client.Session(base, id, &o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ev, err := range es.Events(ctx) {
		if err != nil {
			t.Fatalf("behind %s: %v", after, err)
		}
		if m := text(t, ev); m != "" {
			texts = append(texts, m)
		}
	}
	return texts, gap
}

// What the upstream has lost is stored as a fact, and told to whoever reads across it.
func TestUpstreamGapIsTold(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 5})
	js := embedtest.New(t)
	o := Options{Upstream: up.URL, All: true, Alone: true, JetStream: js}
	_, _, stop := start(t, o)
	s := up.Session("abc")
	for i := range 3 {
		s.Message("user", fmt.Sprintf("m%d", i+1))
		waitFor(t, func() bool { return len(storedTexts(t, js, o, "abc")) == i+1 })
	}
	stop()
	for i := 3; i < 20; i++ {
		s.Message("user", fmt.Sprintf("m%d", i+1))
	}
	_, base, _ := start(t, o)
	s.Ended("done")
	waitFor(t, func() bool { return len(stored(t, js, o, store.Session, "abc")) >= 8 })
	var gaps []int
	for i, e := range stored(t, js, o, store.Session, "abc") {
		if e.Gap != "" {
			gaps = append(gaps, i)
		}
	}
	if !slices.Equal(gaps, []int{3}) {
		t.Errorf("gaps are stored before events %v, want one before the fourth", gaps)
	}
	for after, want := range map[string]bool{"1": true, "3": true, "4": false} {
		if _, gap := readBehind(t, base, "abc", after); gap != want {
			t.Errorf("behind %s: a gap: %v, want %v", after, gap, want)
		}
	}
}

// An upstream that restarts with its counter at 1 is a new run of the same session: all
// of both runs is stored, in order, and readers are told of the seam.
func TestUpstreamRestartsItsCounter(t *testing.T) {
	for name, profile := range map[string]testserver.Profile{"with names of runs": testserver.Ours, "without": testserver.Aegis133} {
		t.Run(name, func(t *testing.T) {
			up := testserver.New(t, &testserver.Options{Window: 1000, Profile: profile})
			js := embedtest.New(t)
			o := Options{Upstream: up.URL, Sessions: []string{"abc"}, JetStream: js, HoleWait: 100 * time.Millisecond}
			s := up.Session("abc")
			_, base, _ := start(t, o)
			start(t, o)
			const n, more = 10, 7 // fewer: without a name, ids tell
			emit := func(s *server.Session, from, to int) {
				for i := from; i <= to; i++ {
					s.Message("user", fmt.Sprintf("m%d", i))
				}
			}
			emit(s, 1, n)
			waitFor(t, func() bool { return len(storedTexts(t, js, o, "abc")) == n })
			if err := up.Reset(); err != nil {
				t.Fatal(err)
			}
			waitFor(t, func() bool { return up.Stats().Open >= 2 }) // the session may be taken for gone
			s = up.Session("abc")
			emit(s, n+1, n+more)
			waitFor(t, func() bool { return len(storedTexts(t, js, o, "abc")) >= n+more })
			s.Ended("done")
			wantTexts(t, storedTexts(t, js, o, "abc"), n+more)
			runs := map[uint64]int{}
			for _, e := range stored(t, js, o, store.Session, "abc") {
				runs[e.Origin.Run.Number]++
			}
			if runs[1] < n || runs[2] < more || len(runs) != 2 {
				t.Errorf("events by run: %v, want two runs", runs)
			}
			if got, gap := readBehind(t, base, "abc", "5"); len(got) != n+more-5 || !gap {
				t.Errorf("behind the fifth: %q, the seam told: %v", got, gap)
			}
		})
	}
}

// A plain stream without ids is followed by one relay at a time: equal events are all
// stored, and another relay goes on when the first has ended.
func TestPlainStreamWithoutIDs(t *testing.T) {
	up := testserver.New(t)
	js := embedtest.New(t)
	o := Options{Streams: map[string]string{"beat": up.StreamURL("beat")}, JetStream: js, HoleWait: 100 * time.Millisecond, ClaimLimit: time.Second}
	beat := up.Stream("beat")
	_, _, stop := start(t, o)
	waitFor(t, func() bool { return up.Stats().Open == 1 })
	_, base, _ := start(t, o)
	send := func(n int) {
		for range n {
			if err := beat.Send(sse.Event{Type: "tick", Data: "same"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(20)
	waitFor(t, func() bool { return len(stored(t, js, o, store.Plain, "beat")) == 20 })
	stop()
	waitFor(t, func() bool { return len(up.Requests()) == 2 && up.Stats().Open == 1 }) // the other one
	send(20)
	waitFor(t, func() bool { return len(stored(t, js, o, store.Plain, "beat")) == 40 })
	c := fast()
	c.LastEventID = "0"
	es, err := client.New(base+"/events?stream=beat", &c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := 0
	for ev, err := range es.Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; ev.Type != "tick" || ev.Data != "same" || ev.ID != fmt.Sprint(n) {
			t.Errorf("event %d: %+v", n, ev)
		}
		if n == 40 {
			break
		}
	}
}

// Events of a plain stream that have ids are stored once, whoever follows it.
func TestPlainStreamWithIDs(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 1000})
	js := embedtest.New(t)
	o := Options{Streams: map[string]string{"prices": up.StreamURL("prices")}, JetStream: js, HoleWait: 100 * time.Millisecond, ClaimLimit: time.Second}
	prices := up.Stream("prices")
	n := 0
	send := func(to int) {
		for n < to {
			n++
			if err := prices.Send(sse.Event{ID: fmt.Sprintf("e-%d", n), HasID: true, Type: "message", Data: fmt.Sprint(n)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, _, stop := start(t, o)
	waitFor(t, func() bool { return up.Stats().Open == 1 })
	send(10)
	waitFor(t, func() bool { return len(stored(t, js, o, store.Plain, "prices")) == 10 })
	stop()
	send(20)
	start(t, o)
	send(25)
	waitFor(t, func() bool { return len(stored(t, js, o, store.Plain, "prices")) >= 25 })
	for i, e := range stored(t, js, o, store.Plain, "prices") {
		if want := fmt.Sprintf("e-%d", i+1); e.Origin.ID != want {
			t.Errorf("event %d is %s, want %s", i+1, e.Origin.ID, want)
		}
	}
}

// A session that the upstream does not know is tried again: it may come later.
func TestNamedSessionComesLater(t *testing.T) {
	t.Parallel()
	up := testserver.New(t)
	r, _, _ := start(t, Options{Upstream: up.URL, Sessions: []string{"abc"}, Alone: true, JetStream: embedtest.New(t)})
	waitFor(t, func() bool {
		return slices.ContainsFunc(up.Requests(), func(r testserver.Request) bool { return r.Status == 404 })
	})
	up.Session("abc")
	waitFor(t, func() bool { return r.in.Following("abc") && up.Stats().Open == 2 })
}
