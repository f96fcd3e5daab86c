package demo

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// A tally counts a demo's events at both ends: what the publisher has emitted,
// and what the follower has received.
type tally struct {
	mu       sync.Mutex
	emitted  map[int64]emission
	newest   int64 // emitted
	received []receipt
	arrival  chan struct{} // closed at the next receipt; nil if nobody waits
}

type emission struct {
	at   time.Time
	data any
}

type receipt struct {
	id   int64
	data json.RawMessage
}

func (t *tally) emit(id int64, data any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.emitted == nil {
		t.emitted = map[int64]emission{}
	}
	t.emitted[id] = emission{time.Now(), data}
	t.newest = id
}

// receive takes note of an event. One that is no envelope counts as foreign.
func (t *tally) receive(ev sse.Event) {
	r := receipt{id: -1}
	if env, err := session.Parse(ev); err == nil && ev.ID == strconv.FormatInt(env.ID, 10) {
		r = receipt{env.ID, env.Data}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.received = append(t.received, r)
	if t.arrival != nil {
		close(t.arrival)
		t.arrival = nil
	}
}

// caughtUp waits until the newest event has arrived.
func (t *tally) caughtUp(ctx context.Context) error {
	for {
		t.mu.Lock()
		for _, r := range slices.Backward(t.received) {
			if r.id == t.newest {
				t.mu.Unlock()
				return nil
			}
		}
		if t.arrival == nil {
			t.arrival = make(chan struct{})
		}
		arrival := t.arrival
		t.mu.Unlock()
		select {
		case <-arrival:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// counts are what a tally comes to.
type counts struct {
	emitted, received                 int
	lost, repeated, disorder, foreign int // foreign: never emitted, or with other data
}

func (t *tally) count() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := counts{emitted: len(t.emitted), received: len(t.received)}
	seen := map[int64]bool{}
	last := int64(0)
	for _, r := range t.received {
		e, known := t.emitted[r.id]
		switch {
		case !known || !same(e.data, r.data):
			c.foreign++
			continue
		case seen[r.id]:
			c.repeated++
		case r.id < last:
			c.disorder++
		}
		seen[r.id] = true
		last = max(last, r.id)
	}
	c.lost = len(t.emitted) - len(seen)
	return c
}

// same compares data as it was emitted with what has arrived.
func same(emitted any, arrived json.RawMessage) bool {
	b, err := json.Marshal(emitted)
	if err != nil {
		return false
	}
	var want, got any
	return json.Unmarshal(b, &want) == nil && json.Unmarshal(arrived, &got) == nil && reflect.DeepEqual(want, got)
}

// replayed counts from the server's journal the events that a connection got
// although they had been emitted before it asked.
func (t *tally) replayed(requests []testserver.Request) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range requests {
		after, err1 := strconv.ParseInt(r.LastEventID, 10, 64)
		upTo, err2 := strconv.ParseInt(r.LastSent, 10, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		for id, e := range t.emitted {
			if id > after && id <= upTo && e.at.Before(r.Time) {
				n++
			}
		}
	}
	return n
}
