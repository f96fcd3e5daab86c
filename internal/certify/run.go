package certify

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/child"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/stage"
)

// What a client is asked for in its environment.
const (
	initialDelay = 200 * time.Millisecond
	idleLimit    = time.Minute // where the scenario does not say otherwise
	token        = "certify-token"
)

const stopGrace = 3 * time.Second

// An audience is what a client is following: a stage, or a live server.
type audience interface {
	URL() string
	Journal() []scenario.Request
	Changed() <-chan struct{}
	Shown(n int)
	Close()
}

// play runs the client through a scenario once.
func (c *Client) play(ctx context.Context, sc *scenario.Scenario) (*scenario.Trial, error) {
	var aud audience
	var err error
	if sc.Live != nil {
		aud, err = openLive(sc.Live)
	} else {
		aud, err = stage.Open(sc)
	}
	if err != nil {
		return nil, err
	}
	defer aud.Close()
	t := &scenario.Trial{Start: time.Now()}
	p, err := child.Start(c.command(aud.URL()), environment(sc))
	if err != nil {
		return nil, fmt.Errorf("certify: %w", err)
	}
	w := &watch{sc: sc, t: t, p: p, aud: aud, bounds: c.bounds}
	w.until(ctx)
	t.End = time.Now()
	t.Requests = aud.Journal()
	t.Ignored = !p.Stop(stopGrace)
	t.Stderr = p.Stderr()
	return t, context.Cause(ctx)
}

// command is the client's, with the URL in the place of {}, or appended.
func (c *Client) command(url string) []string {
	argv := make([]string, 0, len(c.Command)+1)
	put := false
	for _, arg := range c.Command {
		put = put || strings.Contains(arg, "{}")
		argv = append(argv, strings.ReplaceAll(arg, "{}", url))
	}
	if !put {
		argv = append(argv, url)
	}
	return argv
}

// environment is what the client is told besides the URL.
func environment(sc *scenario.Scenario) []string {
	types, err := json.Marshal(sc.Types())
	if err != nil { // strings have no errors
		panic(err)
	}
	idle := sc.Idle
	if idle == 0 {
		idle = idleLimit
	}
	return []string{
		"SSE_CERTIFY_TYPES=" + string(types),
		"SSE_CERTIFY_TOKEN=" + token,
		"SSE_CERTIFY_INITIAL=" + strconv.FormatInt(initialDelay.Milliseconds(), 10),
		"SSE_CERTIFY_IDLE=" + strconv.FormatInt(idle.Milliseconds(), 10),
	}
}

// A watch follows one trial until there is nothing more to learn from it.
type watch struct {
	sc     *scenario.Scenario
	t      *scenario.Trial
	p      *child.Child
	aud    audience
	bounds Bounds
}

func (w *watch) until(ctx context.Context) {
	timer := time.NewTimer(w.patience())
	defer timer.Stop()
	settled := false
	var sent int64 // bytes, when patience was lost last
	grace := maxGrace
	for {
		select {
		case line := <-w.p.Lines():
			if line.Bad != "" {
				w.t.Broken = line.Bad
				return
			}
			w.t.Shown = append(w.t.Shown, line.Event)
			w.t.ShownAt = append(w.t.ShownAt, line.At)
			w.t.Requests = w.aud.Journal() // what was asked for before it was shown
			w.emitted()
			w.aud.Shown(len(w.t.Shown))
		case <-w.aud.Changed():
			w.t.Requests = w.aud.Journal()
			w.emitted()
		case <-w.p.Done():
			w.t.Exited, w.t.Exit = true, w.p.Exit()
			w.t.Requests = w.aud.Journal()
			w.emitted()
			return
		case <-timer.C:
			if n := bytesSent(w.aud.Journal()); !settled && n > sent && grace > 0 {
				sent, grace = n, grace-1 // a busy machine takes its time for a long body
				break
			}
			// After what had to happen, quiet is what was waited for.
			w.t.Quiet = !settled
			return
		case <-ctx.Done():
			return
		}
		if w.sc.Hammered(len(w.t.Requests)) {
			w.t.Hammered = true
			return
		}
		was := settled
		settled = w.sc.Settled(w.t)
		linger := w.linger()
		switch {
		case settled && linger == 0:
			return
		case settled && !was:
			timer.Reset(linger)
		case !settled:
			timer.Reset(w.patience())
		}
	}
}

// maxGrace is how many times a client is not given up on because bytes still go to it.
const maxGrace = 10

func bytesSent(requests []scenario.Request) (n int64) {
	for _, r := range requests {
		n += r.Bytes
	}
	return n
}

// linger is how long to look on when all that must happen has happened.
func (w *watch) linger() time.Duration {
	if w.sc.Over && len(w.t.Requests) <= len(w.sc.Conns) {
		return w.bounds.linger()
	}
	return w.sc.Linger
}

// emitted takes what a live server has published into the trial.
func (w *watch) emitted() {
	if l, ok := w.aud.(*live); ok {
		w.t.Emitted = l.emitted()
	}
}

// patience is how long nothing may happen before the client is given up on.
func (w *watch) patience() time.Duration {
	failures := 0
	if w.sc.Live != nil {
		failures = len(w.t.Requests) // a client may take a server whose connections break for one that is down
	}
	for i := len(w.t.Requests) - 1; i > 0 && i < len(w.sc.Conns) && len(w.sc.Conns[i].Show) == 0; i-- {
		failures++
	}
	return w.bounds.patience(failures) + w.sc.Lasts()
}
