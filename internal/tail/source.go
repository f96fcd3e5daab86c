package tail

import (
	"context"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/record"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A source is where a stream's events come from: a server, or a file.
type source interface {
	Events(context.Context) iter.Seq2[sse.Event, error]
	Commit() error
	Accept(*client.GapError) error
	LastEventID() string
	Stats() client.Stats
	Target() string
}

// saved is a stream that was saved: as it was sent, or as --record keeps it. It can
// be read once.
type saved struct {
	in io.Reader

	mu    sync.Mutex
	stats client.Stats
}

func (s *saved) Events(ctx context.Context) iter.Seq2[sse.Event, error] {
	return func(yield func(sse.Event, error) bool) {
		s.enter(client.Open)
		defer s.enter(client.Closed)
		// A read of standard input can't be ended, but what waits for it can.
		in, out := io.Pipe()
		stop := context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
		defer stop()
		defer in.Close()
		go func() {
			_, err := io.Copy(out, s.in)
			out.CloseWithError(err)
		}()
		for ev, err := range record.Open(in) {
			if ctx.Err() != nil {
				yield(sse.Event{}, context.Cause(ctx))
				return
			}
			if err == nil {
				s.count(ev)
			}
			if !yield(ev, err) {
				return
			}
		}
		if ctx.Err() != nil {
			yield(sse.Event{}, context.Cause(ctx))
		}
	}
}

func (s *saved) enter(state client.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.State, s.stats.Since = state, time.Now()
}

func (s *saved) count(ev sse.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Events++
	s.stats.Bytes += int64(len(ev.Data))
	s.stats.LastEventID = ev.ID
	s.stats.LastEvent = time.Now()
}

func (s *saved) Stats() client.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

func (s *saved) Commit() error                 { return nil }
func (s *saved) Accept(*client.GapError) error { return nil }
func (s *saved) LastEventID() string           { return "" } // there is no way back to it
func (s *saved) Target() string                { return "standard input" }
