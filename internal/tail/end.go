package tail

import (
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/resume"
)

// sayResume says at a signal how to go on from there.
func (w *Follower) sayResume() {
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

// sayStats says where each stream stands, in one line.
func (w *Follower) sayStats() {
	for _, s := range w.streams {
		s.status.Stats(s.source.Stats())
	}
}
