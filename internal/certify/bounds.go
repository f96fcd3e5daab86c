package certify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// Bounds are how fast a client is, as a calibration measured it. How long it is
// waited for follows from them.
type Bounds struct {
	Startup    time.Duration `json:"startup"`    // until its first request
	Show       time.Duration `json:"show"`       // from that until the first event was shown
	FirstDelay time.Duration `json:"firstDelay"` // from a clean end to the next request; 0: there was none
	Stop       bool          `json:"stop"`       // it ends when it is asked to
}

const (
	firstPatience = time.Minute // before anything is known
	basePatience  = 2 * time.Second
	maxBackoff    = 30 * time.Second
	unknownDelay  = 3 * time.Second // what browsers wait
	calibrations  = 2
)

// patience is how long a client may be quiet, after some failures in a row.
func (b Bounds) patience(failures int) time.Duration {
	if b.Startup == 0 {
		return firstPatience
	}
	delay := b.FirstDelay
	if delay == 0 {
		delay = unknownDelay
	}
	// Twice, because of jitter; a client may wait longer from failure to failure.
	return basePatience + 4*(b.Startup+b.Show) + min(2*delay<<min(failures, 8), maxBackoff)
}

// linger is how long it takes to be sure that a client has stopped for good.
func (b Bounds) linger() time.Duration {
	return basePatience/2 + 2*b.FirstDelay + b.Show
}

// calibrate measures the client.
func (c *Client) calibrate(ctx context.Context) error {
	var worst Bounds
	worst.Stop = true
	for range calibrations {
		sc := &scenario.Scenario{Conns: []scenario.Conn{
			{Steps: []scenario.Step{scenario.Send("data: one\n\n"), scenario.Shown(1), scenario.End()}, Show: []scenario.Event{scenario.Data("one")}},
			{Steps: []scenario.Step{scenario.Send("data: two\n\n"), scenario.Shown(2)}, Show: []scenario.Event{scenario.Data("two")}},
		}}
		t, err := c.play(ctx, sc)
		if err != nil {
			return err
		}
		if t.Broken != "" {
			return fmt.Errorf("certify: %s", t.Broken)
		}
		if len(t.Requests) == 0 {
			return &calibrationError{"made no request", t}
		}
		if len(t.Shown) == 0 {
			return &calibrationError{"showed nothing of a stream with one event", t}
		}
		worst.Startup = max(worst.Startup, t.Requests[0].At.Sub(t.Start))
		worst.Show = max(worst.Show, t.ShownAt[0].Sub(t.Requests[0].At))
		if d, ok := t.Delay(2); ok {
			worst.FirstDelay = max(worst.FirstDelay, d)
		}
		worst.Stop = worst.Stop && !t.Ignored
	}
	c.bounds = worst
	return nil
}

// A calibrationError is a command that is no client that could be judged.
type calibrationError struct {
	what string
	t    *scenario.Trial
}

func (e *calibrationError) Error() string {
	text := "certify: the client " + e.what
	if e.t.Exited {
		text += " and ended (" + e.t.Exit + ")"
	} else {
		text += " within " + scenario.Seconds(e.t.End.Sub(e.t.Start))
	}
	if e.t.Stderr != "" {
		text += "; it said: " + scenario.Shorten(e.t.Stderr, 500)
	}
	return text
}

var errNoCommand = errors.New("certify: no command")
