package tail

import (
	"bytes"
	"context"

	"github.com/OneStepAt4time/resilient-sse/internal/action"
	"github.com/OneStepAt4time/resilient-sse/internal/filter"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// claim takes a turn for one more event to be shown: with --count there are no
// more than that. The lock is held.
func (w *Follower) claim() bool {
	ok := w.opts.Count == 0 || w.claimed < w.opts.Count
	if ok {
		w.claimed++
	}
	return ok
}

// show does what is to be done with an event: runs the command, prints it, and
// counts it, once for all that --jq makes of it. Where there is no turn left it
// waits for those before to be done; the event is not shown then, and comes again.
func (w *Follower) show(ctx context.Context, s *stream, ev sse.Event, list []filter.Mapped) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.claim() {
		w.mu.Unlock()
		defer w.mu.Lock()
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if w.opts.Command != nil {
		if err := w.execAll(ctx, s, ev, list); err != nil {
			return err
		}
	}
	if w.opts.Print {
		for _, m := range list {
			if err := w.print(s.event(ev, m)); err != nil {
				s.complain("-o", ev.ID, err) // a template, which this event does not fit
			}
		}
	}
	w.shown++
	if w.shown == w.opts.Count {
		w.stop(ErrDone)
	}
	return nil
}

// execAll runs the command, without the lock: other streams go on meanwhile.
func (w *Follower) execAll(ctx context.Context, s *stream, ev sse.Event, list []filter.Mapped) error {
	w.mu.Unlock()
	defer w.mu.Lock()
	for _, m := range list {
		if err := w.exec(ctx, s.event(ev, m)); err != nil {
			return err
		}
	}
	return nil
}

// exec runs the command on an event. The output of commands goes to ours.
func (w *Follower) exec(ctx context.Context, ev *render.Event) error {
	out := &action.Output{TTY: w.opts.System.OutTTY, Print: func(b []byte) { w.console.Print(b); w.console.Flush() }}
	errs := &action.Output{TTY: true, Print: func(b []byte) { // lines, beside our own
		for line := range bytes.Lines(b) {
			w.console.Say(string(bytes.TrimSuffix(line, []byte("\n"))))
		}
	}}
	defer out.Flush()
	defer errs.Flush()
	return w.opts.Command.Run(ctx, *ev, out, errs)
}

func (w *Follower) print(ev *render.Event) error {
	return w.console.Append(func(b []byte) ([]byte, error) { return w.render(b, ev) })
}
