package main

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A follower follows the targets of one command line.
type follower struct {
	sys     *system
	flags   *flags
	console *console.Console
	status  *status.Status
	streams []*stream
	cancel  context.CancelCauseFunc
	began   time.Time

	outPaint console.Paint
	tap      func(sse.Event) // told of each event, if set; the demo counts with it

	mu     sync.Mutex // events of several streams come out one after the other
	render render.Renderer
	buf    []byte
	shown  int
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
	targets := f.targets(args)
	opts := f.options()
	o := render.Options{
		Format: f.output, TTY: sys.outTTY, Paint: w.outPaint, Timestamps: f.timestamps, Labels: len(targets) > 1,
	}
	if sys.outTTY {
		o.Columns = w.console.Columns
	}
	if o.Format == "auto" {
		o.Format = "data"
		if sys.outTTY {
			o.Format = "text"
		}
	}
	var err error
	if w.render, err = render.New(o); err != nil {
		f.problems.add("-o, --output: %v", err)
	}
	for _, t := range targets {
		w.add(t, opts, len(targets) > 1)
	}
	return w, f.problems.err()
}

func (f *flags) level() status.Level {
	if f.quiet {
		return status.Quiet
	}
	return status.Normal
}

// add makes one target's stream.
func (w *follower) add(t target, opts client.Options, several bool) {
	s := &stream{w: w, target: t}
	opts.Header = opts.Header.Clone()
	if token := w.sys.env("SSE_TAIL_TOKEN"); token != "" && opts.Header.Get("Authorization") == "" && w.flags.trusts(t) {
		opts.Header.Set("Authorization", "Bearer "+token)
	}
	opts.Observer = s.observe
	opts.BeforeWait = func() { w.console.Flush() }
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

// trusts tells whether the token of the environment is for a target: the one
// server's that was named with it, or any if none was. An exported token must not
// go to whatever other server is followed from the same shell.
func (f *flags) trusts(t target) bool {
	return f.server == defaultServer && !f.given("server") || t.url == "" && t.base == f.server || sameOrigin(t.origin, f.server)
}

func sameOrigin(origin, rawURL string) bool {
	return strings.HasPrefix(strings.TrimSuffix(rawURL, "/")+"/", origin+"/")
}

// run follows all targets until they are over or something ends it.
func (w *follower) run(ctx context.Context) error {
	ctx, w.cancel = context.WithCancelCause(ctx)
	defer w.cancel(nil)
	w.began = time.Now()

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
		return cause
	}
	return cmp.Or(errs...) // that of the first target that failed: the others were told as they came
}

// stop ends all streams.
func (w *follower) stop(cause error) {
	if w.cancel != nil {
		w.cancel(cause)
	}
}

// ended says of one of several streams that it is over; the others go on.
func (w *follower) ended(ctx context.Context, s *stream, err error) {
	if ctx.Err() != nil || w.flags.quiet && err == nil {
		return
	}
	if err == nil {
		s.status.Say(console.Green, "over", "")
		return
	}
	sayError(w.console, w.status.Paint, s.status.Label(), err)
}
