package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/tail"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A cut is something that the demo does to its own stream.
type cut struct {
	before int    // the scene that it comes ahead of
	kind   string // as the summary names it
	say    string // as it is announced
	strike func(*testserver.Server) (fired func() int)
}

const (
	demoSession   = "demo"
	demoHeartbeat = 300 * time.Millisecond
	downTime      = 800 * time.Millisecond
	demoReason    = "completed"
	patience      = 10 * time.Second
)

func injects(faults ...fault.Fault) func(*testserver.Server) func() int {
	return func(srv *testserver.Server) func() int {
		for i, f := range faults {
			faults[i] = f.On(demoSession)
		}
		return srv.Inject(faults...).Fired
	}
}

var cuts = []cut{
	{3, "cut inside an event", "the connection is cut in the middle of the next event", injects(fault.CutInsideEvent())},
	{8, "reset", "the connection is reset", injects(fault.RST())},
	{12, "silence", "the server falls silent, and keeps the connection open", injects(fault.Stall())},
	{18, "clean end", "the server ends the response, as if all were said", injects(fault.End())},
	{23, "cut inside a character", "the connection is cut in the middle of a character", injects(fault.CutInsideRune())},
	{27, "server down", "the server goes down for " + explain.Duration(downTime), func(srv *testserver.Server) func() int {
		srv.Inject(fault.Refuse().For(downTime))
		n := srv.Drop()
		return func() int { return n }
	}},
	{32, "503", "the connection is cut, and the server answers 503 with Retry-After: 1",
		injects(fault.Cut(), fault.Status(503).RetryAfter(time.Second))},
}

// Args are the flags that the demo follows with: the same machinery as always, and
// delays that nobody gets tired of waiting for.
var Args = []string{"--initial", "150ms", "--max", "1s", "--idle-timeout", "1s", "--give-up", "30s", "-o", "text"}

// Run plays a session on a server of its own, follows it, and says what was
// counted. The options of the follower are those that [Args] stand for; targets
// are not among them. If anything was lost or repeated, that is an error.
func Run(ctx context.Context, follow tail.Options) error {
	d := demo{follow: follow, cuts: cuts, pause: between(250*time.Millisecond, 600*time.Millisecond)}
	return d.run(ctx)
}

// A demo plays, cuts, follows and counts.
type demo struct {
	follow tail.Options
	cuts   []cut
	pause  func() time.Duration // between two events

	srv *testserver.Server
	tally
	strikes []strike // that were made
	say     func(text string)
}

// A strike is a cut that was made.
type strike struct {
	kind  string
	fired func() int
}

func (d *demo) run(ctx context.Context) error {
	srv, err := testserver.Start(&testserver.Options{Heartbeat: demoHeartbeat})
	if err != nil {
		return err
	}
	defer srv.Close()
	d.srv = srv
	play := srv.Session(demoSession)
	t, err := target.Parse(play.URL(), "", nil)
	if err != nil {
		return err
	}
	o := d.follow
	o.Targets, o.Tap, o.NoResume = []target.Target{t}, d.receive, true
	w, err := tail.New(o)
	if err != nil {
		return err
	}
	d.say = func(text string) { w.Say(console.Bold, "demo: ", text) }
	d.say("a server in this process plays a session, and breaks it in " + explain.Count(len(d.cuts), "way"))
	d.say("it is followed with: sse-tail " + strings.Join(Args, " ") + " URL")

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { d.play(ctx, play) })
	err = w.Run(ctx)
	cancel(err)
	wg.Wait()
	if err != nil {
		return err
	}
	d.report(w)
	return d.verdict()
}

// play plays the session as soon as somebody follows it, and makes the cuts.
func (d *demo) play(ctx context.Context, s *server.Session) {
	if d.srv.WaitConns(ctx, 1) != nil {
		return
	}
	err := perform(ctx, s, slices.Concat(plays[0], plays[1]), d.pause, func(n int, id int64, sc scene) {
		d.emit(id, sc.data)
		d.cut(ctx, n+1)
	})
	if err != nil {
		return
	}
	d.wait(ctx) // the session's address goes with it
	if ctx.Err() == nil {
		d.emit(s.Ended(demoReason), session.EndedData{Reason: demoReason})
	}
}

// wait waits until the newest event has arrived, but not for ever: it may be lost.
func (d *demo) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d.caughtUp(ctx)
}

// cut makes the cut that comes ahead of a scene, if there is one. It waits until
// the follower is back from the last one, or the two would be one.
func (d *demo) cut(ctx context.Context, scene int) {
	n := len(d.strikes)
	if n == len(d.cuts) || d.cuts[n].before != scene {
		return
	}
	d.wait(ctx)
	c := d.cuts[n]
	d.say(fmt.Sprintf("%d of %d: %s", n+1, len(d.cuts), c.say))
	d.strikes = append(d.strikes, strike{c.kind, c.strike(d.srv)})
}
