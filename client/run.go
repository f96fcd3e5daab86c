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

	current     sse.Event // what the body is looking at
	atHand      bool      // it is looking at one
	sum         uint64    // its hash, if repeats are looked for
	emitted     stamp     // when the server emitted it
	uncommitted bool      // commits are manual, and something is left to commit

	progress  bool          // the attempt under way is a success
	paced     bool          // its failure has set the time of the next one
	cause     error         // of the last failed attempt; nil since a success
	due       time.Time     // of the attempt after it; zero since a success
	announced time.Time     // when the observer expects the next attempt
	ready     time.Time     // when the last wait ended
	gave      *GiveUpError  // this loop's
	fatal     error         // of a cursor or a BeforeWait that no further call would mend
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
	r := &run{EventSource: es, ctx: ctx, yield: yield}
	var last pace
	r.schedule, last = es.newSchedule()
	r.due, r.cause = last.due, last.cause
	es.refused, es.cursor.over = nil, false
	es.pending.drop() // what was not committed comes again
	if es.at.copyFrom(&es.pos) && es.opts.ManualCommit {
		es.serverRun = es.pos.run
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
		r.mu.Lock()
		r.interrupt = nil
		r.mu.Unlock()
		if !returned { // the body panics: no call into its code, but no state left behind either
			r.enter(Closed)
		}
	}()
	err := r.done()
	if err == nil {
		err = r.holdBack()
	}
	if err == nil {
		err = r.load()
	}
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
	how := err
	left, gaveUp := errors.Is(err, errBreak), r.gaveUp(err)
	if err == errDrained {
		r.draining.Store(false)
		err = nil
	}
	if left || errors.Is(err, errOver) {
		err = nil
	}
	r.markOver(how)
	if saveErr := r.finish(); err == nil {
		err = saveErr
	} else if saveErr != nil && saveErr != err {
		err = errors.Join(err, saveErr)
	}
	r.observe(Closed, news{cause: err, gaveUp: gaveUp})
	r.keepPace(how)
	if left {
		return nil
	}
	return err
}

// follow makes one attempt after the other.
func (r *run) follow() error {
	for first := true; ; first = false {
		err := r.attempt()
		switch ended := r.done(); {
		case errors.Is(err, errBreak), errors.Is(err, errOver), r.gaveUp(err):
			return err
		case ended != nil:
			return ended
		}
		r.countFailure(err)
		atOnce := r.wantsFreshToken(err)
		switch {
		case first && r.opts.FailFast && !r.opened:
			return err
		case !atOnce && !r.opts.Retryable(err, r.opened):
			return err
		case r.served && !r.repeatable():
			if errors.Is(err, ErrEnded) {
				return errOver
			}
			return &InterruptedError{Method: r.opts.Request.Method, Err: err}
		}
		if r.fail(err) == backoff.Stop {
			return r.giveUp(err)
		}
		if atOnce {
			r.due = time.Now()
		}
		if err := r.wait(err, r.due); err != nil {
			return err
		}
	}
}

// repeatable tells whether the request may be sent again once the stream was
// open. Before that it may: nothing was received.
func (r *run) repeatable() bool {
	return r.opts.Request.Method == http.MethodGet || r.opts.Request.Repeat
}

// succeed ends the outage, if there is one.
func (r *run) succeed() {
	if r.progress {
		return
	}
	r.schedule.Reset()
	r.progress, r.second401, r.clipped, r.cause, r.due = true, false, 0, nil, time.Time{}
}

// wantsFreshToken tells whether the failed attempt is to be repeated at once
// because Prepare may bring a token that has not expired; once in an outage.
func (r *run) wantsFreshToken(err error) bool {
	if r.opts.Request.Prepare == nil || r.second401 || !unauthorized(err) {
		return false
	}
	r.second401 = true
	return true
}

func unauthorized(err error) bool {
	e, ok := errors.AsType[*ResponseError](err)
	return ok && e.StatusCode == http.StatusUnauthorized
}

// news is what there is to say in a transition. It is small: whoever passes it on
// is on the stack of each stream that is being opened.
type news struct {
	delay  time.Duration
	cause  error
	header http.Header
	gaveUp bool
}

// observe enters a state and tells the observer.
func (r *run) observe(s State, n news) {
	from := r.state
	r.enter(s)
	if r.opts.Observer != nil {
		r.tell(from, n)
	}
}

func (r *run) tell(from State, n news) {
	t := Transition{From: from, State: r.state, Target: r.target, Delay: n.delay, Cause: n.cause, Header: n.header, gaveUp: n.gaveUp}
	t.Attempt = r.schedule.Failures()
	t.LastEventID = string(r.yielded().id)
	if t.State == Closed {
		t.LastEventID = r.LastEventID()
	}
	if deadline, ok := r.schedule.Deadline(); ok {
		t.Left = max(time.Until(deadline), 0)
	}
	r.opts.Observer(t)
}

// report tells the observer of something that changes no state.
func (r *run) report(cause error) { r.observe(r.state, news{cause: cause}) }

func (r *run) enter(s State) {
	if s == r.state {
		return
	}
	r.state = s
	r.mu.Lock()
	r.stats.State, r.stats.Since = s, time.Now()
	r.mu.Unlock()
}
