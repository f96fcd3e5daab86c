package main

import (
	"context"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A stream is one target being followed.
type stream struct {
	w       *follower
	target  target
	source  *client.EventSource
	status  *status.Stream
	attempt int // connections tried; of the goroutine that follows
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
			return s.failed(err)
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

// failed is the error with which the source has ended, as the command sees it.
func (s *stream) failed(err error) error {
	switch {
	case is[*client.GapError](err):
		s.w.stop(err) // asked for with --fail-on-gap, so all streams end
	case s.w.flags.noReconnect && client.Retryable(err, false):
		return &lostError{err}
	}
	return err
}

// take does what is asked for with one event, and tells whether this stream is
// done.
func (s *stream) take(ctx context.Context, ev sse.Event) (done bool, err error) {
	v := s.w.judge.judge(ctx, s.target.label, ev)
	if v.err != nil {
		s.complain(v.flag, ev.ID, v.err)
	}
	if len(v.show) > 0 {
		if err := s.w.show(ctx, s, ev, v.show); err != nil {
			return false, err
		}
	}
	switch {
	case v.fails:
		s.source.Commit()
		return false, &failOnError{stream: s.target.label, id: ev.ID}
	case v.done:
		s.w.stop(errDone)
	}
	return s.over(ev) || ctx.Err() != nil, nil
}

// event is what is to be shown of an event.
func (s *stream) event(ev sse.Event, m mapped) render.Event {
	e := render.Event{Event: ev, Stream: s.target.label, Attempt: s.attempt}
	if s.w.timed { // the clock costs as much as all else here
		e.Received = time.Now()
	}
	if s.w.command != nil || m.json != nil {
		e.Kind = render.KindOf(ev)
	}
	if m.json != nil {
		e.Mapped, e.Data = m.json, m.text
	}
	return e
}

// over tells whether an event of a plain URL is its end.
func (s *stream) over(ev sse.Event) bool {
	return s.w.flags.exitOnEnd && session.KindOf(ev) == session.Ended
}
