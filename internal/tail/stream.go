package tail

import (
	"context"
	"errors"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/filter"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A stream is one target being followed.
type stream struct {
	w       *Follower
	target  target.Target
	source  source
	status  *status.Stream
	facts   explain.Facts
	attempt int // connections tried; of the goroutine that follows
	breaker *backoff.Breaker
	err     error        // why it has ended, once it has
	shown   render.Event // see event

	backlog *backlog // under its lock:
	letDone bool     // what became of an event that it has let go
	letErr  error

	sessions *sessions // of a pattern, whose stream of all sessions this is; nil for none

	among  *sessions // whose session this is the own stream of; nil for none
	from   string    // the event behind which it begins
	since  time.Time // what is older is not shown; zero: all is
	opened func()    // called when it is open
}

// observe is told of all that is not an event.
func (s *stream) observe(t client.Transition) {
	if t.State == client.Connecting && t.From != client.Connecting {
		s.attempt++
	}
	if t.State == client.Open {
		s.facts.Opened = true
	}
	if s.sessions != nil {
		s.sessions.observe(t)
	}
	s.status.Observe(t, s.attempt)
	if t.State != client.Open || t.From == client.Open {
		return
	}
	if s.w.opts.Include {
		s.status.Header(t.Header)
	}
	switch {
	case s.sessions != nil:
		s.sessions.asked = false
	case s.opened != nil:
		s.opened()
	}
}

// follow follows the stream to its end. The error is why it has ended; nil if it is
// over.
func (s *stream) follow(ctx context.Context) error {
	s.backlog = newBacklog(s.w.opts.Tail, s.w.opts.Since, func(ev sse.Event) { s.letGo(ctx, ev) }, func() { s.w.flush() })
	for accepted := 0; ; accepted++ {
		err := s.pass(ctx)
		gap, ok := errors.AsType[*client.GapError](err)
		if !ok || !s.w.opts.AcceptGap || accepted == maxAccepted || ctx.Err() != nil {
			return err
		}
		s.status.Report(gap)
		if err := s.source.Accept(gap); err != nil {
			return s.failed(ctx, err)
		}
	}
}

// maxAccepted bounds how many gaps are accepted without an end, in case accepting
// one brings the next.
const maxAccepted = 1000

// pass ranges over the stream. An event is committed when all that it asks for was
// done, so that one whose handling failed comes again the next time.
func (s *stream) pass(ctx context.Context) error {
	for ev, err := range s.source.Events(ctx) {
		if err != nil {
			s.settle()
			return s.failed(ctx, err)
		}
		if s.w.opts.DoneMark && isDoneMark(ev) {
			return s.source.Commit()
		}
		if s.sessions != nil && !s.sessions.admits(ctx, ev) || !s.since.IsZero() && s.isOld(ev) {
			continue
		}
		s.status.Event(ev)
		if err := s.w.note(s, ev); err != nil {
			s.w.stop(err)
			return err
		}
		done, err := s.admit(ctx, ev)
		if is[*FailOnError](err) {
			err = errors.Join(err, s.source.Commit())
		}
		if err != nil {
			s.w.stop(err)
			return err
		}
		if done {
			s.settle()
			return s.source.Commit()
		}
	}
	s.settle()
	return nil
}

// settle lets go what the backlog holds.
func (s *stream) settle() {
	if s.backlog != nil {
		s.backlog.finish()
	}
}

// isDoneMark tells whether an event is how servers of language models say that there
// is no more.
func isDoneMark(ev sse.Event) bool { return ev.Data == "[DONE]" }

// failed is the error with which the source has ended, as the command sees it.
func (s *stream) failed(ctx context.Context, err error) error {
	if err != context.Cause(ctx) {
		err = s.facts.WithHint(err)
	}
	switch {
	case is[*client.GapError](err):
		if !s.w.opts.AcceptGap {
			s.w.stop(err) // asked for with --fail-on-gap, so all streams end
		}
	case s.w.opts.Once && s.facts.Opened && errors.Is(err, client.ErrEnded):
		return nil
	case s.w.opts.NoReconnect && client.Retryable(err, false):
		return &LostError{err}
	}
	return err
}

// take does what is asked for with one event, and tells whether this stream is
// done.
func (s *stream) take(ctx context.Context, ev sse.Event) (done bool, err error) {
	v := s.w.opts.Filter.Judge(ctx, s.nameFor(ev), ev)
	if v.Err != nil {
		s.complain(v.Flag, ev.ID, v.Err)
	}
	if len(v.Show) > 0 {
		if err := s.w.show(ctx, s, ev, v.Show); err != nil {
			return false, err
		}
	}
	switch {
	case v.Fails:
		return false, &FailOnError{Stream: s.target.Label, ID: ev.ID}
	case v.Done:
		s.w.stop(ErrDone)
	}
	return s.over(ev) || ctx.Err() != nil, nil
}

// nameFor is what an event's stream is called: where it came with those of all
// sessions because its own has none, its session.
func (s *stream) nameFor(ev sse.Event) string {
	if s.sessions != nil {
		if env, err := session.Parse(ev); err == nil && env.SessionID != "" {
			return env.SessionID
		}
	}
	return s.target.Label
}

// event is what is to be shown of an event. It is valid until the next one.
func (s *stream) event(ev sse.Event, m filter.Mapped) *render.Event {
	e := &s.shown
	*e = render.Event{Event: ev, Stream: s.nameFor(ev), Attempt: s.attempt}
	if s.w.timed { // the clock costs as much as all else here
		e.Received = time.Now()
	}
	if s.w.opts.Command != nil || m.JSON != nil {
		e.Kind = render.KindOf(ev)
	}
	if m.JSON != nil {
		e.Mapped, e.Data = m.JSON, m.Text
	}
	return e
}

// over tells whether an event of a plain URL is its end.
func (s *stream) over(ev sse.Event) bool {
	return s.w.opts.ExitOnEnd && session.KindOf(ev) == session.Ended
}
