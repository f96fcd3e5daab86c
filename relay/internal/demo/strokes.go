package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A stroke is something that the demo does to itself.
type stroke struct {
	kind string // as the summary names it

	// plan returns how the stroke is announced, and what makes it.
	plan func(*demo) (say string, make func(context.Context) error)
}

const downTime = 800 * time.Millisecond

var strokes = []stroke{
	{"readers cut", func(d *demo) (string, func(context.Context) error) {
		return fmt.Sprintf("the connections of %d readers are reset", len(d.lines)/2), func(context.Context) error {
			for i, line := range d.lines {
				if i%2 == 0 {
					line.Cut()
				}
			}
			return nil
		}
	}},
	{"upstream cut", func(d *demo) (string, func(context.Context) error) {
		return "the upstream's streams are cut, and again in the middle of an event", func(context.Context) error {
			d.up.Inject(fault.CutInsideEvent().Times(relays))
			d.up.Drop()
			return nil
		}
	}},
	{"server stopped", func(d *demo) (string, func(context.Context) error) {
		d.stopped = max(d.cluster.Leader(eventStream), 0)
		return fmt.Sprintf("NATS server %d stops, the leader: the others elect a new one", d.stopped+1), func(context.Context) error {
			d.cluster.StopNode(d.stopped)
			return nil
		}
	}},
	{"relay killed", func(d *demo) (string, func(context.Context) error) {
		return fmt.Sprintf("relay A dies, with %s", explain.Count(d.relays[0].open(), "reader")), func(context.Context) error {
			d.relays[0].die()
			return nil
		}
	}},
	{"upstream restarted", func(d *demo) (string, func(context.Context) error) {
		return "the upstream restarts, and is gone for " + explain.Duration(downTime), func(context.Context) error {
			return d.up.Restart(testserver.KeepLogs, downTime)
		}
	}},
	{"all back", func(d *demo) (string, func(context.Context) error) {
		return fmt.Sprintf("NATS server %d and relay A come back", d.stopped+1), func(ctx context.Context) error {
			if err := d.cluster.Start(d.stopped); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			return d.relays[0].start(ctx)
		}
	}},
}

// aftermath is how long events are emitted behind a stroke that have to arrive before
// the next one.
const aftermath = 300 * time.Millisecond

// strike makes the strokes, each when the readers are over the one before.
func (d *demo) strike(ctx context.Context) error {
	if err := d.catchUp(ctx); err != nil {
		return err
	}
	for n, s := range d.strokes {
		if err := sleep(ctx, d.pause); err != nil {
			return err
		}
		say, make := s.plan(d)
		d.say(console.Yellow, fmt.Sprintf("%d of %d: %s", n+1, len(d.strokes), say))
		begin := time.Now()
		if err := errors.Join(make(ctx), sleep(ctx, aftermath)); err != nil {
			return err
		}
		d.done = append(d.done, s.kind)
		if err := d.catchUp(ctx); err != nil {
			return err
		}
		d.say(console.Dim, fmt.Sprintf("        all readers have everything after %s", explain.Duration(time.Since(begin))))
	}
	return sleep(ctx, d.pause)
}
