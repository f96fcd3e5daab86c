package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A run is one loop over a source: its state machine. It lives on the goroutine
// that ranges.
type run struct {
	*EventSource
	ctx      context.Context
	yield    func(sse.Event, error) bool
	schedule *backoff.Schedule
	state    State
	served   bool // the stream was open in this loop

	current   sse.Event // what the body is looking at
	sum       uint64    // its hash, if repeats are looked for
	committed bool      // nothing is left to commit

	lastCause error         // of the last failed attempt
	clipped   time.Duration // a Retry-After of this outage that the give-up cut short
	second401 bool          // the immediate second try of this outage is used up
	unsent    bool          // it was told that the position can't be sent
}

// Ends of a stream that are not errors of the loop.
var (
	errBreak = errors.New("client: body left the loop")
	errOver  = errors.New("client: stream is over")
)

func newRun(ctx context.Context, es *EventSource, yield func(sse.Event, error) bool) *run {
	r := &run{EventSource: es, ctx: ctx, yield: yield, committed: true}
	// Their errors were found when the source was made.
	if es.opts.Delays != nil {
		r.schedule, _ = backoff.Wrap(es.opts.Delays, es.opts.Backoff)
	} else {
		r.schedule, _ = backoff.New(es.opts.Backoff)
	}
	if es.retry > 0 {
		r.schedule.SetInitial(es.retry)
	}
	return r
}

// loop runs until the stream is over (nil), the body leaves (nil), or an error
// comes that no further attempt would mend.
func (r *run) loop() error {
	r.active = r
	returned := false
	defer func() {
		r.active = nil
		if !returned { // the body panics: no call into its code, but no state left behind either
			r.enter(Closed)
		}
	}()
	err := r.load()
	if err == nil {
		err = r.follow()
	}
	err = r.end(err)
	returned = true
	return err
}

// end does what is left to do when nothing more will be yielded, and returns the
// error of the last pair; nil if there is none, or nobody to take it.
func (r *run) end(err error) error {
	left := errors.Is(err, errBreak)
	if left || errors.Is(err, errOver) {
		err = nil
	}
	switch saveErr := r.finish(); {
	case saveErr == nil:
	case err == nil:
		err = saveErr
	default:
		err = errors.Join(err, saveErr)
	}
	r.observe(Transition{State: Closed, Cause: err})
	if left {
		return nil
	}
	return err
}

// follow makes one attempt after the other.
func (r *run) follow() error {
	for first := true; ; first = false {
		err := r.attempt()
		atOnce := r.wantsFreshToken(err)
		switch {
		case errors.Is(err, errBreak), errors.Is(err, errOver), isGiveUp(err):
			return err
		case r.ctx.Err() != nil:
			return context.Cause(r.ctx)
		case first && r.opts.FailFast && !r.opened:
			return err
		case !atOnce && !r.opts.Retryable(err, r.opened):
			return err
		case r.served && !r.repeatable():
			if errors.Is(err, ErrEnded) {
				return errOver
			}
			return &InterruptedError{Method: r.opts.Method, Err: err}
		}
		if err := r.wait(err, atOnce); err != nil {
			return err
		}
	}
}

// repeatable tells whether the request may be sent again once the stream was
// open. Before that it may: nothing was received.
func (r *run) repeatable() bool {
	return r.opts.Method == http.MethodGet || r.opts.RepeatRequest
}

// succeed ends the outage, if there is one.
func (r *run) succeed() {
	r.schedule.Reset()
	r.second401, r.clipped = false, 0
}

// wantsFreshToken tells whether the failed attempt is to be repeated at once
// because Prepare may bring a token that has not expired; once in an outage.
func (r *run) wantsFreshToken(err error) bool {
	if r.opts.Prepare == nil || r.second401 || !unauthorized(err) {
		return false
	}
	r.second401 = true
	return true
}

func unauthorized(err error) bool {
	e, ok := errors.AsType[*ResponseError](err)
	return ok && e.StatusCode == http.StatusUnauthorized
}

// wait takes note of a failed attempt and waits for the next one to be due.
func (r *run) wait(cause error, atOnce bool) error {
	floor := retryAfter(cause)
	r.lastCause = cause
	delay := r.schedule.Fail(floor)
	if delay == backoff.Stop || r.breakerGaveUp() {
		return r.giveUp(cause)
	}
	if delay < floor {
		r.clipped = floor
	}
	if atOnce {
		delay = 0
	}
	due := time.Now().Add(delay) // whatever the callbacks take
	r.observe(Transition{State: Waiting, Delay: delay, Cause: cause})
	r.beforeWait()

	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}

func (r *run) giveUp(cause error) error {
	return &GiveUpError{Outage: r.schedule.Outage(), Attempts: r.schedule.Failures(), RetryAfter: r.clipped, Err: cause}
}

// beforeWait does what must not wait any longer.
func (r *run) beforeWait() {
	r.save()
	if r.opts.BeforeWait != nil {
		r.opts.BeforeWait()
	}
}

// observe enters the transition's state and tells the observer.
func (r *run) observe(t Transition) {
	t.From = r.state
	r.enter(t.State)
	if r.opts.Observer == nil {
		return
	}
	t.Attempt = r.schedule.Failures()
	t.LastEventID = r.LastEventID()
	if deadline, ok := r.schedule.Deadline(); ok {
		t.Left = max(time.Until(deadline), 0)
	}
	r.opts.Observer(t)
}

// report tells the observer of something that changes no state.
func (r *run) report(cause error) { r.observe(Transition{State: r.state, Cause: cause}) }

func (r *run) enter(s State) {
	if s == r.state {
		return
	}
	r.state = s
	r.mu.Lock()
	r.stats.State, r.stats.Since = s, time.Now()
	r.mu.Unlock()
}
