package main

import (
	"context"

	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// claim takes a turn for one more event to be shown: with --count there are no
// more than that. The lock is held.
func (w *follower) claim() bool {
	ok := w.flags.count == 0 || w.claimed < w.flags.count
	if ok {
		w.claimed++
	}
	return ok
}

// show does what is to be done with an event: runs the command, prints it, and
// counts it, once for all that --jq makes of it. Where there is no turn left it
// waits for those before to be done; the event is not shown then, and comes again.
func (w *follower) show(ctx context.Context, s *stream, ev sse.Event, list []mapped) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.claim() {
		w.mu.Unlock()
		defer w.mu.Lock()
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if w.command != nil {
		if err := w.execAll(ctx, s, ev, list); err != nil {
			return err
		}
	}
	if w.prints {
		for _, m := range list {
			if err := w.print(s.event(ev, m)); err != nil {
				s.complain("-o", ev.ID, err) // a template, which this event does not fit
			}
		}
	}
	w.shown++
	if w.shown == w.flags.count {
		w.stop(errDone)
	}
	return nil
}

// execAll runs the command, without the lock: other streams go on meanwhile.
func (w *follower) execAll(ctx context.Context, s *stream, ev sse.Event, list []mapped) error {
	w.mu.Unlock()
	defer w.mu.Lock()
	for _, m := range list {
		if err := w.exec(ctx, s.event(ev, m)); err != nil {
			return err
		}
	}
	return nil
}

func (w *follower) print(ev render.Event) error {
	b, err := w.render(w.buf[:0], ev)
	if err != nil {
		return err
	}
	w.console.Print(b)
	if cap(b) <= 1<<20 {
		w.buf = b
	}
	return nil
}
