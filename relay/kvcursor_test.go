package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed/embedtest"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

func newBucket(t testing.TB) jetstream.KeyValue {
	t.Helper()
	kv, err := embedtest.New(t).CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "fleet"})
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

func newCursor(t testing.TB, kv jetstream.KeyValue, limit time.Duration) *KVCursor {
	t.Helper()
	c, err := NewKVCursor(t.Context(), kv, limit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func source(t testing.TB, up *testserver.Server, id string, cur client.Cursor) *client.EventSource {
	t.Helper()
	o := fast()
	o.Cursor, o.LastEventID = cur, "0"
	es, err := client.Session(up.URL, id, &o)
	if err != nil {
		t.Fatal(err)
	}
	return es
}

func text(t testing.TB, ev sse.Event) string {
	t.Helper()
	env, err := session.Parse(ev)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := env.Decode()
	m, _ := data.(session.MessageData)
	return m.Text
}

// A worker goes on behind the last event that the one before it has done.
func TestKVCursorGoesOn(t *testing.T) {
	kv, up := newBucket(t), testserver.New(t)
	s := up.Session("abc")
	for i := range 6 {
		s.Message("user", fmt.Sprintf("m%d", i+1))
	}
	var got []string
	for worker := range 2 {
		cur := newCursor(t, kv, time.Hour)
		es := source(t, up, "abc", cur)
		n := 0
		for ev, err := range es.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, text(t, ev))
			if n++; n == 3 {
				if err := es.Commit(); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		if claim := cur.Claim(es.Target()); claim != uint64(worker+1) {
			t.Errorf("claim %d, want %d", claim, worker+1)
		}
		if err := cur.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantTexts(t, got, 6)
}

// The loop of a worker that has lost its claim ends with ErrFenced, and keeps nothing.
func TestKVCursorFences(t *testing.T) {
	kv, up := newBucket(t), testserver.New(t)
	s := up.Session("abc")
	s.Message("user", "m1")
	slow, quick := newCursor(t, kv, 300*time.Millisecond), newCursor(t, kv, 300*time.Millisecond)
	es := source(t, up, "abc", slow)
	var end error
	for _, err := range es.Events(t.Context()) {
		if end = err; err != nil {
			break
		}
		// The worker is cut off: what it sends is refused as what comes too late would be.
		if err := slow.of(es.Target()).Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := quick.Load(t.Context(), es.Target()); ok || err != nil {
			t.Fatalf("taken over with a position: %v, %v", ok, err)
		}
	}
	if !errors.Is(end, ErrFenced) {
		t.Errorf("the loop ended with %v, want ErrFenced", end)
	}
	if p, ok, err := quick.Load(t.Context(), es.Target()); ok || err != nil {
		t.Errorf("kept: %+v, %v, %v", p, ok, err)
	}
}

func TestNewKVCursorRefuses(t *testing.T) {
	js := embedtest.New(t)
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "aging", TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewKVCursor(t.Context(), kv, 0); err == nil || !strings.Contains(err.Error(), "1h0m0s") {
		t.Errorf("a bucket with an age: %v", err)
	}
	if _, err := NewKVCursor(t.Context(), newBucket(t), time.Millisecond); err == nil {
		t.Error("a limit of a millisecond was taken")
	}
}

// Three workers share twelve streams; one of them is stopped and another begins late.
// Each event is handled at least once and in order, and a store that refuses what comes
// with an old claim, or twice, holds each exactly once.
func TestWork(t *testing.T) {
	kv, up := newBucket(t), testserver.New(t, &testserver.Options{Window: 1000})
	const streams, events = 12, 40
	var names []string
	var sessions []*server.Session
	for i := range streams {
		names = append(names, fmt.Sprintf("s%d", i))
		sessions = append(sessions, up.Session(names[i]))
	}
	var mu sync.Mutex
	results := make(map[string][]string) // what the handlers' store holds
	claims := make(map[string]uint64)
	done := make(map[string]map[string]bool)
	handle := func(_ context.Context, task Task, ev sse.Event) error {
		mu.Lock() // a transaction
		defer mu.Unlock()
		if task.Claim < claims[task.Stream] {
			return ErrFenced
		}
		claims[task.Stream] = task.Claim
		if done[task.Stream] == nil {
			done[task.Stream] = make(map[string]bool)
		}
		if m := text(t, ev); m != "" && !done[task.Stream][ev.ID] {
			done[task.Stream][ev.ID] = true
			results[task.Stream] = append(results[task.Stream], m)
		}
		return nil
	}
	worker := func(ctx context.Context, capacity int) error {
		cur := newCursor(t, kv, 2*time.Second)
		return Work(ctx, Fleet{
			Cursor: cur, Streams: names, Capacity: capacity, Handle: handle,
			Open: func(name string, o *client.Options) (*client.EventSource, error) {
				o.Backoff, o.LastEventID = fast().Backoff, "0"
				return client.Session(up.URL, name, o)
			},
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dies, kill := context.WithCancel(ctx)
	defer kill()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := worker(dies, 5); !errors.Is(err, context.Canceled) {
			t.Errorf("the worker that is stopped: %v", err)
		}
	})
	for range 2 {
		wg.Go(func() {
			if err := worker(ctx, 5); err != nil {
				t.Errorf("a worker: %v", err)
			}
		})
	}
	for i := range events {
		for _, s := range sessions {
			s.Message("user", fmt.Sprintf("m%d", i+1))
		}
		if i == events/2 {
			waitFor(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(results) >= 3 })
			kill()
		}
	}
	for _, s := range sessions {
		s.Ended("done")
	}
	wg.Wait()
	for _, name := range names {
		wantTexts(t, results[name], events)
	}
}

func TestWorkRefusesAFleetThatMakesNoSense(t *testing.T) {
	cur := newCursor(t, newBucket(t), 0)
	open := func(name string, o *client.Options) (*client.EventSource, error) {
		return client.New("http://127.0.0.1:1/same", o)
	}
	handle := func(context.Context, Task, sse.Event) error { return nil }
	for what, f := range map[string]Fleet{
		"no cursor":         {Open: open, Handle: handle},
		"negative capacity": {Cursor: cur, Open: open, Handle: handle, Capacity: -1},
		"a name twice":      {Cursor: cur, Open: open, Handle: handle, Streams: []string{"a", "a"}},
		"one target":        {Cursor: cur, Open: open, Handle: handle, Streams: []string{"a", "b"}},
	} {
		if err := Work(t.Context(), f); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}
