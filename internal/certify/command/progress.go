package command

import (
	"fmt"

	"github.com/OneStepAt4time/resilient-sse/internal/certify"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

const prefix = "sse-tail: "

// progress says how far the run is: in a live line on a terminal, elsewhere in a
// line now and then.
type progress struct {
	c           *console.Console
	paint       console.Paint
	tty         bool
	total       int
	done, fails int
}

func newProgress(sys *system.System, total int) *progress {
	_, paint := sys.Paints("auto")
	p := &progress{paint: paint, tty: sys.ErrTTY, total: total}
	p.c = console.New(console.Options{Out: sys.Out, Err: sys.Err, OutTTY: sys.OutTTY, ErrTTY: sys.ErrTTY, Columns: sys.Columns})
	p.show("measuring the client")
	return p
}

// told takes a result; one goroutine at a time calls it.
func (p *progress) told(r certify.Result) {
	p.done++
	if r.Outcome != scenario.Pass {
		p.fails++
	}
	text := fmt.Sprintf("%d of %d scenarios", p.done, p.total)
	if p.fails > 0 {
		text += fmt.Sprintf(", %d did not pass", p.fails)
	}
	if p.tty {
		p.show(text + ": " + r.Scenario.Name)
	} else if p.done*4/p.total != (p.done-1)*4/p.total { // at each quarter
		p.show(text)
	}
}

func (p *progress) show(text string) {
	if p.tty {
		p.c.Live(prefix+text, p.paint.Painter(console.Dim))
		return
	}
	p.c.Say(prefix + text)
}

func (p *progress) clear() { p.c.Live("", nil) }
