package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A stream is one target being followed.
type stream struct {
	w      *follower
	target target
	source *client.EventSource
	status *status.Stream

	// Of the goroutine that follows:
	attempt int // connections tried
	shown   int
}

// observe is told of all that is not an event.
func (s *stream) observe(t client.Transition) {
	if t.State == client.Connecting && t.From != client.Connecting {
		s.attempt++
	}
	s.status.Observe(t)
}

// follow ranges over the stream. An event is committed when all that it asks for
// was done, so that one whose handling failed comes again the next time.
func (s *stream) follow(ctx context.Context) error {
	for ev, err := range s.source.Events(ctx) {
		if err != nil {
			return err
		}
		s.status.Event()
		if s.w.tap != nil {
			s.w.tap(ev)
		}
		done, err := s.take(ctx, ev)
		if err != nil {
			s.w.stop(err)
			return err
		}
		if done {
			s.source.Commit()
			return nil
		}
	}
	return nil
}

// take does what is asked for with one event, and tells whether this stream is
// done.
func (s *stream) take(ctx context.Context, ev sse.Event) (done bool, err error) {
	f := s.w.flags
	if !f.heartbeats && isControl(ev) || len(f.events) > 0 && !slices.ContainsFunc(f.events, matches(ev)) {
		return s.over(ev), nil
	}
	if err := s.w.show(ctx, s, ev); err != nil {
		return false, err
	}
	return s.over(ev) || s.w.enough(ctx), nil
}

// over tells whether an event of a plain URL is its end.
func (s *stream) over(ev sse.Event) bool {
	return s.w.flags.exitOnEnd && session.KindOf(ev) == session.Ended
}

// isControl tells whether an event is a control frame on a plain URL; elsewhere
// the source has dropped it. Only what begins as servers write it is looked at:
// on a stream without ids every event would have to be parsed.
func isControl(ev sse.Event) bool {
	return !ev.HasID && strings.HasPrefix(ev.Data, `{"event":"`) && session.IsControl(ev)
}

// matches tells of a kind whether the event is of it: by its SSE type, or by what
// its JSON says.
func matches(ev sse.Event) func(kind string) bool {
	kind := render.KindOf(ev)
	return func(want string) bool { return want == ev.Type || want == kind }
}

// show prints an event.
func (w *follower) show(ctx context.Context, s *stream, ev sse.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil { // another stream had the last event: this one is not shown, and comes again
		return context.Cause(ctx)
	}
	b, err := w.render(w.buf[:0], render.Event{
		Event: ev, Stream: s.target.label, Received: time.Now(), Attempt: s.attempt,
	})
	if err != nil {
		return err
	}
	w.console.Print(b)
	if cap(b) <= 1<<20 {
		w.buf = b
	}
	w.shown++
	s.shown++
	if w.shown == w.flags.count {
		// Under the lock, so that no other stream shows one more.
		w.stop(errDone)
	}
	return nil
}

// enough tells whether --count has been reached.
func (w *follower) enough(ctx context.Context) bool { return ctx.Err() != nil }
