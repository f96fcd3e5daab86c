package tail

import (
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/action"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/filter"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/resume"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Options say what to follow and what to do with it.
type Options struct {
	System *system.System
	Prefix string // of each line on standard error, "sse-tail: "

	Targets []target.Target
	Source  client.Options // of each target; what reaches it, and what observes it, is added
	Access  *access.Access

	Filter  *filter.Filter
	Command *action.Command // run for each event; nil for none
	Print   bool            // print events
	Render  render.Options  // how; the terminal's part is filled in
	Color   string          // auto, always or never
	Record  string          // a file to which each event is appended; empty for none

	Tail   int            // of what the server still has, only the newest; 0: all
	Since  time.Duration  // and only what is not older; 0: all
	Cursor *resume.Cursor // nil: positions are not kept

	AcceptGap bool // go on behind a gap that would end a stream

	Count       int           // of events to show; 0: no end
	Timeout     time.Duration // of the whole; 0: none
	Once        bool          // a clean end of the response is the end of the stream
	DoneMark    bool          // so is an event [DONE]
	ExitOnEnd   bool          // an ended event is the end on a plain URL too
	NoReconnect bool          // the first failure is the last one; Source says how
	Insecure    bool          // certificates are not verified

	Level   status.Level
	Verbose bool
	Include bool // say what each response's header has

	Args     []cmdline.Arg // the flags as they stand on the command line
	NoResume bool          // the server ends with the run: no command goes on from there
	Notes    []string      // warnings to begin with

	Tap func(sse.Event) // told of each event; may be nil
}
