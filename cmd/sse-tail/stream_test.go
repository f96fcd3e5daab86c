package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// newTestStream is the one stream of a command line whose output goes nowhere.
func newTestStream(tb testing.TB, args ...string) *stream {
	tb.Helper()
	sys := &system{out: io.Discard, err: io.Discard, env: func(string) string { return "" }, args: args}
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := addFlags(fs, new(problems), sys.env)
	if err := fs.Parse(args); err != nil {
		tb.Fatal(err)
	}
	w, err := newFollower(sys, f, fs.Args())
	if err != nil {
		tb.Fatal(err)
	}
	return w.streams[0]
}

// TestDataCostsNoAllocation keeps the way of an event to the output cheap.
func TestDataCostsNoAllocation(t *testing.T) {
	s := newTestStream(t, "-o", "data", "http://127.0.0.1/events")
	ev := sse.Event{ID: "1", HasID: true, Type: "message", Data: `{"event":"message","data":{"text":"hello"}}`}
	got := testing.AllocsPerRun(1000, func() {
		s.status.Event()
		if done, err := s.take(t.Context(), ev); done || err != nil {
			t.Fatalf("take: got %v, %v", done, err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations an event, want 0", got)
	}
}

// TestFlushRule has a burst and a single event: the one costs few writes, the
// other is not held back although the stream goes on.
func TestFlushRule(t *testing.T) {
	const burst = 2000
	srv := testserver.New(t, &testserver.Options{Window: burst})
	s := srv.Session("abc")
	for range burst {
		s.Message("assistant", strings.Repeat("x", 100))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &writes{seen: make(chan struct{}, 1)}
	sys := &system{out: out, err: io.Discard, env: func(string) string { return "" }}
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := addFlags(fs, new(problems), sys.env)
	if err := fs.Parse([]string{"--last-event-id", "0", "-o", "data"}); err != nil {
		t.Fatal(err)
	}
	w, err := newFollower(sys, f, []string{s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- w.run(ctx) }()
	for out.lines() < burst {
		<-out.seen
	}
	if n := out.count(); n > burst/20 {
		t.Errorf("%d writes for a burst of %d events", n, burst)
	}
	s.Message("assistant", "alone")
	for out.lines() < burst+1 { // hangs if it is held back
		<-out.seen
	}
	cancel()
	<-ended
}

// writes counts what is written, and tells of it.
type writes struct {
	mu       sync.Mutex
	n, total int
	seen     chan struct{}
}

func (w *writes) Write(b []byte) (int, error) {
	w.mu.Lock()
	w.n++
	w.total += bytes.Count(b, []byte("\n"))
	w.mu.Unlock()
	select {
	case w.seen <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (w *writes) lines() int { w.mu.Lock(); defer w.mu.Unlock(); return w.total }

func (w *writes) count() int { w.mu.Lock(); defer w.mu.Unlock(); return w.n }

func BenchmarkTakeData(b *testing.B) {
	s := newTestStream(b, "-o", "data", "http://127.0.0.1/events")
	ev := sse.Event{ID: "1", HasID: true, Type: "message", Data: `{"event":"message","data":{"text":"hello"}}`}
	b.SetBytes(int64(len(ev.Data)))
	for b.Loop() {
		s.status.Event()
		s.take(b.Context(), ev)
	}
}
