package outlet

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed/embedtest"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/server"
)

type noMetrics struct{}

func (noMetrics) Lag(store.Kind, uint64) {}

// stored returns an outlet that has learned of a store with those events of one session,
// of which nothing was fed.
func stored(t *testing.T, data ...string) *Outlet {
	t.Helper()
	st, err := store.Open(t.Context(), embedtest.New(t), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := New(t.Context(), st, server.Options{}, slog.New(slog.DiscardHandler), noMetrics{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Server().Shutdown(context.Background()) })
	last := uint64(0)
	for n, d := range data {
		e := &store.Event{Key: store.Key{Kind: store.Session, Name: "abc"}, Data: []byte(d), HasID: true, Origin: store.Origin{ID: strconv.Itoa(n + 1)}}
		if last, err = st.Append(t.Context(), e, last, 0); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// fed makes the outlet one that has given so many events to readers.
func (o *Outlet) fed(n uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.heads[store.Session] = n
}

const message, ended = `{"event":"message","id":1}`, `{"event":"ended","id":2}`

// A leader that knows less than what readers were given, as one does that was stopped
// and does not know yet that there is another, is no end of the history.
func TestHistoryOfAStaleLeader(t *testing.T) {
	o := stored(t, message, message, message)
	for _, test := range []struct {
		fed    uint64
		stream server.StreamID
		after  string
		err    error
	}{
		{3, server.StreamID{Kind: server.OfAll}, "3", nil},
		{5, server.StreamID{Kind: server.OfAll}, "3", store.ErrBehind},
		{5, server.StreamID{Kind: server.OfAll}, "1", store.ErrBehind},
		{3, server.StreamID{Kind: server.OfSession, Name: "other"}, "1", nil},
		{5, server.StreamID{Kind: server.OfSession, Name: "other"}, "1", store.ErrBehind},
	} {
		o.fed(test.fed)
		if p, err := o.history(t.Context(), test.stream, test.after); !errors.Is(err, test.err) {
			t.Errorf("fed %d, asked for %v behind %s: %+v, %v, want %v", test.fed, test.stream, test.after, p, err, test.err)
		}
	}
}

// A session is over for readers when its end was fed, and not before: its last events are
// still to come on the stream of all sessions.
func TestHistoryIsAheadOfAnEnd(t *testing.T) {
	o := stored(t, message, ended)
	for fed, over := range []bool{false, false, true} {
		o.fed(uint64(fed))
		p, err := o.history(t.Context(), server.StreamID{Kind: server.OfSession, Name: "abc"}, "0")
		if err != nil || p.Over != over {
			t.Errorf("fed %d: over %v, %v, want %v", fed, p.Over, err, over)
		}
		n := 0
		for _, err := range p.Events {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != 2 {
			t.Errorf("fed %d: %d events, want 2", fed, n)
		}
	}
}

// What a consumer brings again, made anew on a node that is behind, was given.
func TestGiveOnce(t *testing.T) {
	o := stored(t, message, message)
	e := func(seq, prev uint64) store.Event {
		return store.Event{Key: store.Key{Kind: store.Session, Name: "abc"}, Seq: seq, Prev: prev, Data: []byte(message)}
	}
	for _, e := range []store.Event{e(1, 0), e(2, 1), e(1, 0)} {
		o.give(e)
	}
	if n := o.Server().Stats().Events; n != 2 {
		t.Errorf("%d events were given, want 2", n)
	}
	if at := o.lasts[e(1, 0).Key]; at.seq != 2 || o.heads[store.Session] != 2 {
		t.Errorf("the last is %d, of all %d, want 2", at.seq, o.heads[store.Session])
	}
}
