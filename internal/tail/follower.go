package tail

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/mask"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A Follower follows targets, once.
type Follower struct {
	opts    Options
	console *console.Console
	paint   console.Paint // of standard output
	status  *status.Status
	timed   bool // when events came is of interest
	labels  bool // there may be several streams
	cancel  context.CancelCauseFunc
	began   time.Time
	running sync.WaitGroup // of streams

	adding  sync.Mutex
	streams []*stream // see all; those of a pattern's sessions come as they are found

	mu      sync.Mutex // events of several streams come out one after the other
	render  render.Renderer
	claimed int // events whose turn to be shown it is or was
	shown   int // and those that are done with

	warned sync.Map // flags whose expression has failed
	record *recorder
}

// New checks the options; nothing is dialled. The error names all that is wrong,
// joined with [errors.Join].
func New(o Options) (*Follower, error) {
	w := &Follower{opts: o}
	var errPaint console.Paint
	w.paint, errPaint = o.System.Paints(o.Color)
	w.console = o.System.Console(w.stop)
	w.labels = len(o.Targets) > 1 || slices.ContainsFunc(o.Targets, func(t target.Target) bool { return t.Pattern != "" })
	w.status = status.New(status.Options{Console: w.console, Paint: errPaint, Level: o.Level, Prefix: o.Prefix, Labels: w.labels})
	w.record = &recorder{path: o.Record}
	errs := []error{w.newRender()}
	breakers := breakersFor(o.Targets, o.Source.Backoff)
	for _, t := range o.Targets {
		s := &stream{w: w, target: t}
		if t.Pattern != "" {
			s.sessions = newSessions(s)
		}
		errs = append(errs, w.add(s, breakers[t.Origin]))
	}
	return w, errors.Join(errs...)
}

// Console is where the follower writes.
func (w *Follower) Console() *console.Console { return w.console }

// Paint is that of standard output.
func (w *Follower) Paint() console.Paint { return w.paint }

// Say says something on standard error, among what the follower says itself. The
// text is safe already.
func (w *Follower) Say(style console.Style, word, rest string) { w.status.Say(style, word, rest) }

// Stats are those of each target's source.
func (w *Follower) Stats() []client.Stats {
	var list []client.Stats
	for _, s := range w.all() {
		list = append(list, s.source.Stats())
	}
	return list
}

// all returns the streams that there are, in the order in which they came.
func (w *Follower) all() []*stream {
	w.adding.Lock()
	defer w.adding.Unlock()
	return slices.Clone(w.streams)
}

func (w *Follower) newRender() error {
	o := w.opts.Render
	o.TTY, o.Paint = w.opts.System.OutTTY, w.paint
	o.Verbose, o.LabelStyle = w.opts.Verbose, w.console.LabelStyle
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
	o.Labels = len(w.opts.Targets) > 1 || w.labels && o.Format == "text" // what a pattern brings says of which session it is
	r, err := render.New(o)
	w.render = r
	if err != nil {
		err = errors.New("-o, --output: " + err.Error())
	}
	return err
}

// breakersFor returns one breaker for each origin that several targets share: in
// an outage one of them asks whether the server is back.
func breakersFor(targets []target.Target, p backoff.Policy) map[string]*backoff.Breaker {
	count := map[string]int{}
	breakers := map[string]*backoff.Breaker{}
	for _, t := range targets {
		if count[t.Origin]++; t.Pattern != "" {
			count[t.Origin]++ // its sessions have streams too
		}
		if count[t.Origin] >= 2 && breakers[t.Origin] == nil {
			// A bad policy is told by the source; there is no breaker then.
			breakers[t.Origin], _ = backoff.NewBreaker(p, nil)
		}
	}
	return breakers
}

// add makes the source of one target's stream, which is among all from then on.
func (w *Follower) add(s *stream, breaker *backoff.Breaker) error {
	t := s.target
	s.breaker = breaker
	if t.Saved {
		s.source, s.facts.Opened = &saved{in: w.opts.System.In}, true
	} else {
		src, err := w.dial(s, breaker)
		if err != nil {
			return err
		}
		s.source = src
		s.facts = w.opts.Access.Facts(t, len(w.opts.Source.Request.Body) > 0)
	}
	w.adding.Lock()
	defer w.adding.Unlock()
	s.status = w.status.Add(t.Label, shownURL(s), s.facts)
	w.streams = append(w.streams, s)
	return nil
}

// shownURL is what a person calls the address of a stream: without its secrets.
func shownURL(s *stream) string {
	u, err := s.target.Address()
	if err != nil {
		return s.source.Target()
	}
	return mask.URL(u)
}

// dial makes the source of a stream that a server has. Nothing is dialled yet.
func (w *Follower) dial(s *stream, breaker *backoff.Breaker) (*client.EventSource, error) {
	opts := w.opts.Source
	opts.Breaker = breaker
	if s.among != nil {
		opts.LastEventID = s.from
	}
	if s.sessions != nil {
		opts.ControlFrames = true                              // the first one says when it was opened
		opts.FailOnGap, opts.FailOnUncertainGap = false, false // see there: what it misses may come on other streams
	}
	opts.Request.Header = opts.Request.Header.Clone()
	opts.Observer = s.observe
	opts.Retryable = func(err error, opened bool) bool {
		return w.retryable(err, opened) && (s.among == nil || opened || !tooMany(err))
	}
	opts.BeforeWait = w.flush
	if w.opts.Cursor != nil {
		opts.Cursor = foundCursor{w.opts.Cursor, s}
		opts.SaveEach = w.opts.Command != nil // what a command did is not done twice without need
	}
	if w.opts.Verbose {
		say := func(text string) { s.status.Say(console.Dim, text, "") }
		opts.HTTPClient = &http.Client{Transport: &mask.Transport{RoundTripper: w.opts.Access.Transport(), Say: say}}
	}
	if err := w.opts.Access.Apply(&opts, s.target); err != nil {
		return nil, err
	}
	src, err := s.target.Source(&opts)
	if err != nil {
		return nil, sourceErrors(err)
	}
	return src, nil
}

// retryable decides whether a failed attempt is repeated.
func (w *Follower) retryable(err error, opened bool) bool {
	switch {
	case w.opts.NoReconnect, mistaken(err, opened):
		return false
	case w.opts.Once && opened && errors.Is(err, client.ErrEnded):
		return false
	}
	return client.Retryable(err, opened)
}

// flush writes what was printed and recorded. No position is kept ahead of it.
func (w *Follower) flush() error {
	return errors.Join(w.console.Flush(), w.record.flush())
}

// note records an event, and tells the tap of it.
func (w *Follower) note(s *stream, ev sse.Event) error {
	if w.opts.Tap != nil {
		w.opts.Tap(ev)
	}
	if w.opts.Record == "" {
		return nil
	}
	name := ""
	if w.labels {
		name = s.nameFor(ev)
	}
	return w.record.write(name, ev)
}

// sourceErrors takes apart what a source says about its options, without the names
// of packages.
func sourceErrors(err error) error {
	var errs []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		errs = append(errs, errors.New(strings.TrimPrefix(strings.TrimPrefix(line, "client: "), "backoff: ")))
	}
	return errors.Join(errs...)
}

// Run follows all targets until they are over or something ends it. The error is
// why it has ended; nil if all streams were over.
func (w *Follower) Run(ctx context.Context) error {
	if w.opts.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, w.opts.Timeout, ErrTimeout)
		defer stop()
	}
	ctx, w.cancel = context.WithCancelCause(ctx)
	defer w.cancel(nil)
	if w.opts.Cursor != nil {
		defer w.opts.Cursor.Close()
	}
	if err := w.record.open(); err != nil {
		return err
	}
	w.began = time.Now()
	w.warn()
	defer w.onStatsSignal()()

	for _, s := range w.all() {
		w.running.Go(func() {
			s.err = s.follow(ctx)
			if w.labels {
				w.ended(ctx, s)
			}
		})
	}
	w.running.Wait()
	w.status.Close()
	if w.opts.Render.Join && w.opts.System.OutTTY && w.shown > 0 {
		w.console.Print([]byte("\n")) // or the prompt would stand behind the text
	}
	if err := w.console.Flush(); err != nil {
		return &WriteError{err}
	}
	if err := w.record.close(); err != nil {
		return err
	}
	return w.end(context.Cause(ctx))
}

// stop ends all streams.
func (w *Follower) stop(cause error) {
	if w.cancel != nil {
		w.cancel(cause)
	}
}

// ended says of one of several streams that it is over; the others go on.
func (w *Follower) ended(ctx context.Context, s *stream) {
	switch {
	case ctx.Err() != nil:
	case s.err == nil:
		s.status.Over()
	default:
		s.status.Fail(s.err)
	}
}
