package tail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/filter"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// follow returns a follower of a URL whose output, as data, goes to a writer.
func follow(tb testing.TB, out io.Writer, url string, source client.Options) *Follower {
	tb.Helper()
	t, err1 := target.Parse(url, "", nil)
	a, err2 := access.New(access.Options{})
	f, err3 := filter.New(filter.Options{})
	w, err4 := New(Options{
		System:  &system.System{Out: out, Err: io.Discard, Env: func(string) string { return "" }},
		Targets: []target.Target{t}, Source: source, Access: a, Filter: f,
		Print: true, Render: render.Options{Format: "data"}, Color: "auto",
	})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		tb.Fatal(err)
	}
	return w
}

// TestDataCostsNoAllocation keeps the way of an event to the output cheap.
func TestDataCostsNoAllocation(t *testing.T) {
	s := follow(t, io.Discard, "http://127.0.0.1/events", client.Options{}).streams[0]
	ev := sse.Event{ID: "1", HasID: true, Type: "message", Data: `{"event":"message","data":{"text":"hello"}}`}
	got := testing.AllocsPerRun(1000, func() {
		s.status.Event(ev)
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
	w := follow(t, out, s.URL(), client.Options{LastEventID: "0"})
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
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
	s := follow(b, io.Discard, "http://127.0.0.1/events", client.Options{}).streams[0]
	ev := sse.Event{ID: "1", HasID: true, Type: "message", Data: `{"event":"message","data":{"text":"hello"}}`}
	b.SetBytes(int64(len(ev.Data)))
	for b.Loop() {
		s.status.Event(ev)
		s.take(b.Context(), ev)
	}
}
