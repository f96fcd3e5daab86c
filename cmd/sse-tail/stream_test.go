package main

import (
	"io"
	"testing"

	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/sse"
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

func BenchmarkTakeData(b *testing.B) {
	s := newTestStream(b, "-o", "data", "http://127.0.0.1/events")
	ev := sse.Event{ID: "1", HasID: true, Type: "message", Data: `{"event":"message","data":{"text":"hello"}}`}
	b.SetBytes(int64(len(ev.Data)))
	for b.Loop() {
		s.status.Event()
		s.take(b.Context(), ev)
	}
}
