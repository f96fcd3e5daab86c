package tail

import (
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/resume"
)

// sayResume says at a signal what was seen, and how to go on from there.
func (w *Follower) sayResume() {
	w.console.Fresh()
	w.status.Say(console.Plain, "", explain.Count(w.shown, "event")+" seen in "+explain.Duration(time.Since(w.began)))
	if w.opts.Cursor != nil {
		w.status.Say(console.Plain, "", "the position is kept; the same command goes on from there")
		return
	}
	for _, s := range w.streams {
		if id := s.source.LastEventID(); id != "" {
			w.status.SayWhole("to resume: " + resume.Command(w.opts.Args, s.target, id, w.opts.Count-w.shown))
		}
	}
}
