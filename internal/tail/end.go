package tail

import (
	"context"
	"errors"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/mask"
	"github.com/OneStepAt4time/resilient-sse/internal/resume"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// end says what it all came to, and returns why the run has ended: a position that
// could not be kept, the cause of the end, or the error of the first target that
// failed (the others were told as they came).
func (w *Follower) end(cause error) error {
	interrupted := is[*system.SignalError](cause)
	if interrupted {
		w.console.Fresh()
	}
	w.status.End(w.shown, time.Since(w.began), w.Stats())
	unsaved := w.notSaved()
	if interrupted {
		if unsaved != nil {
			w.status.Fail(unsaved)
		}
		if !w.opts.NoResume {
			w.sayResume(unsaved == nil)
		}
		return cause
	}
	if unsaved != nil {
		return unsaved // above --count: the next run would do the same again
	}
	if cause != nil {
		return cause
	}
	for _, s := range w.all() {
		if s.err != nil && s.among == nil { // else the stream of all sessions has taken its place
			return s.err
		}
	}
	return nil
}

// notSaved finds in the errors of streams a position that could not be kept.
func (w *Follower) notSaved() error {
	for _, s := range w.all() {
		if e, ok := errors.AsType[*client.CursorError](s.err); ok && e.Op == "save" {
			return &explain.Unsaved{Err: e, Told: w.status.Told(e)}
		}
		if e, ok := errors.AsType[*client.BeforeWaitError](s.err); ok {
			return &explain.Unsaved{Err: e, Told: w.status.Told(e)}
		}
	}
	return nil
}

// sayResume says at a signal how to go on from there. Saved tells whether the cursor,
// if there is one, has kept the position.
func (w *Follower) sayResume(saved bool) {
	if w.opts.Cursor != nil && saved {
		w.status.Say(console.Plain, "", "the position is kept; the same command goes on from there")
		return
	}
	for _, s := range w.all() {
		id := s.source.LastEventID()
		switch {
		case s.among != nil:
			continue
		case s.sessions != nil:
			id = s.sessions.resumeID()
		}
		if id != "" {
			w.sayCommand(s, id)
		}
	}
}

// sayCommand says a command line that goes on behind an event. On a terminal it can
// be pasted; elsewhere it may end up in a log that others read.
func (w *Follower) sayCommand(s *stream, id string) {
	args, t := w.opts.Args, s.target
	masked := false
	if !w.opts.System.ErrTTY {
		args, t.Arg, masked = mask.Args(args, t.Arg)
	}
	text := "to resume: " + resume.Command(args, t, id, w.opts.Count-w.shown)
	if masked {
		text += "   (secrets are masked; those of @FILE and env:NAME need not be)"
	}
	w.status.SayWhole(text)
}

// sayStats says where each stream stands, in one line.
func (w *Follower) sayStats() {
	for _, s := range w.all() {
		s.status.Stats(s.source.Stats())
	}
}

// foundCursor is a cursor that says where it lets a stream go on.
type foundCursor struct {
	*resume.Cursor
	s *stream
}

// Load says so where --last-event-id would have been somewhere else.
func (c foundCursor) Load(ctx context.Context, target string) (client.Position, bool, error) {
	p, ok, err := c.Cursor.Load(ctx, target)
	if ok {
		c.s.since = time.Time{} // all behind it is to be shown
	}
	if asked := c.s.w.opts.Source.LastEventID; ok && asked != "" && asked != p.LastEventID {
		c.s.status.Say(console.Plain, "", "going on behind event "+termsafe.Cut(termsafe.Line(p.LastEventID), 40)+
			", which the cursor has kept; --last-event-id counts only where it has nothing")
	}
	return p, ok, err
}
