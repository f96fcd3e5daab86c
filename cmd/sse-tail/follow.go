package main

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A follower follows the targets of one command line.
type follower struct {
	sys      *system
	flags    *flags
	console  *console.Console
	status   *status.Status
	outPaint console.Paint
	judge    judge
	command  *command // of --exec; nil if there is none
	prints   bool     // events are printed
	timed    bool     // and when they came is of interest
	cursor   *lazyCursor
	streams  []*stream
	cancel   context.CancelCauseFunc
	began    time.Time
	tap      func(sse.Event) // told of each event, if set; the demo counts with it

	mu      sync.Mutex // events of several streams come out one after the other
	render  render.Renderer
	buf     []byte
	claimed int // events whose turn to be shown it is or was
	shown   int // and those that are done with

	warned sync.Map // flags whose expression has failed
}

// newFollower checks the whole command line before anything is dialled.
func newFollower(sys *system, f *flags, args []string) (*follower, error) {
	w := &follower{sys: sys, flags: f}
	var errPaint console.Paint
	w.outPaint, errPaint = sys.paints(f.color)
	w.console = console.New(console.Options{
		Out: sys.out, Err: sys.err, OutTTY: sys.outTTY, ErrTTY: sys.errTTY, Columns: sys.columns,
		Failed: func(err error) { w.stop(err) },
	})
	w.status = status.New(status.Options{Console: w.console, Paint: errPaint, Level: f.level(), Prefix: prefix})

	f.check()
	w.judge = f.judge()
	w.command = f.command()
	w.prints = w.command == nil || f.given("output")
	targets := f.targets(args)
	w.newRender(len(targets) > 1)
	opts := f.options()
	w.cursor = f.newCursor(sys.env, w.console.Flush)
	breakers := f.breakers(targets, opts.Backoff)
	for _, t := range targets {
		opts.Breaker = breakers[t.origin]
		w.add(t, opts, len(targets) > 1)
	}
	return w, f.problems.err()
}

func (f *flags) level() status.Level {
	switch {
	case f.quiet:
		return status.Quiet
	case f.status == "json":
		return status.JSON
	}
	return status.Normal
}

func (w *follower) newRender(labels bool) {
	o := render.Options{
		Format: w.flags.output, TTY: w.sys.outTTY, Paint: w.outPaint, Timestamps: w.flags.timestamps, Labels: labels,
	}
	if o.TTY {
		o.Columns = w.console.Columns
	}
	if o.Format == "auto" {
		o.Format = "data"
		if o.TTY {
			o.Format = "text"
		}
	}
	w.timed = o.Timestamps || o.Format != "data" && o.Format != "sse"
	var err error
	if w.render, err = render.New(o); err != nil {
		w.flags.problems.add("-o, --output: %v", err)
	}
}

// breakers returns one breaker for each origin that several targets share: in an
// outage one of them asks whether the server is back.
func (f *flags) breakers(targets []target, p backoff.Policy) map[string]*backoff.Breaker {
	count := map[string]int{}
	breakers := map[string]*backoff.Breaker{}
	for _, t := range targets {
		if count[t.origin]++; count[t.origin] == 2 {
			// A bad policy is told by the source; there is no breaker then.
			breakers[t.origin], _ = backoff.NewBreaker(p, nil)
		}
	}
	return breakers
}

// add makes one target's stream.
func (w *follower) add(t target, opts client.Options, several bool) {
	s := &stream{w: w, target: t}
	opts.Header = opts.Header.Clone()
	opts.Observer = s.observe
	opts.BeforeWait = func() { w.console.Flush() }
	if w.cursor != nil {
		opts.Cursor, opts.SaveEach = w.cursor, w.command != nil // what a command did is not done twice without need
	}
	if w.flags.verbose {
		t := &talker{opts.HTTPClient.Transport, func(text string) { s.status.Say(console.Dim, text, "") }}
		opts.HTTPClient = &http.Client{Transport: t}
	}
	w.flags.authorize(&opts, t, w.sys.env("SSE_TAIL_TOKEN"))
	src, err := t.source(&opts)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			w.flags.problems.add("%s", strings.TrimPrefix(strings.TrimPrefix(line, "client: "), "backoff: "))
		}
		return
	}
	label := ""
	if several {
		label = t.label
	}
	s.source, s.status = src, w.status.Add(label, src.Target())
	w.streams = append(w.streams, s)
}

// run follows all targets until they are over or something ends it.
func (w *follower) run(ctx context.Context) error {
	if w.flags.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, w.flags.timeout, errTimeout)
		defer stop()
	}
	ctx, w.cancel = context.WithCancelCause(ctx)
	defer w.cancel(nil)
	if w.cursor != nil {
		defer w.cursor.close()
	}
	w.began = time.Now()
	w.warn()
	defer w.onStatsSignal()()

	errs := make([]error, len(w.streams))
	var wg sync.WaitGroup
	for i, s := range w.streams {
		wg.Go(func() {
			errs[i] = s.follow(ctx)
			if len(w.streams) > 1 {
				w.ended(ctx, s, errs[i])
			}
		})
	}
	wg.Wait()
	w.status.Close()
	if err := w.console.Flush(); err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		if is[*signalError](cause) {
			w.sayResume()
		}
		return cause
	}
	return cmp.Or(errs...) // that of the first target that failed: the others were told as they came
}

func (w *follower) elapsed() time.Duration { return time.Since(w.began) }

// stop ends all streams.
func (w *follower) stop(cause error) {
	if w.cancel != nil {
		w.cancel(cause)
	}
}

// ended says of one of several streams that it is over; the others go on.
func (w *follower) ended(ctx context.Context, s *stream, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil:
		s.status.Say(console.Green, "over", "")
	default:
		s.status.Fail(err)
	}
}
