package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/session"
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
	cursor   saver

	current   sse.Event // what the body is looking at
	sum       uint64    // its hash, if repeats are looked for
	committed bool      // nothing is left to commit

	lastCause error         // of the last failed attempt
	clipped   time.Duration // a Retry-After of this outage that the give-up cut short
	second401 bool          // the immediate second try of this outage is used up
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
		case errors.Is(err, errBreak), errors.Is(err, errOver), gaveUp(err):
			return err
		case r.ctx.Err() != nil:
			return context.Cause(r.ctx)
		case first && r.opts.FailFast && !r.opened:
			return err
		case !atOnce && !r.opts.Retryable(err, r.opened):
			return err
		case r.opened && !r.repeatable():
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

// attempt makes one connection and delivers its events until it fails.
func (r *run) attempt() error {
	conn := newConn(r)
	defer conn.close()
	if err := r.connect(conn); err != nil {
		return err
	}
	err := r.deliver(conn)
	if conn.healthy() {
		r.succeed()
	}
	if d := conn.dec.Retry(); d > 0 {
		r.schedule.SetInitial(d)
	}
	r.lost(err)
	return err
}

// connect makes the connection, up to where its events begin.
func (r *run) connect(c *conn) error {
	lease, err := r.admission()
	if err != nil {
		return err
	}
	defer lease.Release()
	r.schedule.Attempt()
	r.mu.Lock()
	r.stats.Attempts++
	r.mu.Unlock()
	r.observe(Transition{State: Connecting})
	r.beforeWait()

	asked, err := r.open(c)
	settle(lease, err, r.ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	if r.opened {
		r.stats.Reconnects++
	}
	r.mu.Unlock()
	r.opened = true
	if r.opts.HealthyAfter < 0 {
		r.succeed()
	}
	r.observe(Transition{State: Open, Header: c.header})
	return r.checkGap(asked, c.header)
}

// deliver yields the connection's events.
func (r *run) deliver(c *conn) error {
	c.dec = sse.NewDecoder(c, &sse.DecoderOptions{LastEventID: r.LastEventID(), MaxEventSize: r.opts.MaxEventSize})
	for {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		ev, err := c.dec.Next()
		if err != nil {
			r.move(c.dec.LastEventID()) // the end may have come with the last bytes, without another read
			return c.cause(err)
		}
		if err := r.event(c, ev); err != nil {
			return err
		}
	}
}

// beforeRead is called when the connection is about to wait for bytes: all that
// was decoded is done. A block without data may have moved the position past the
// last event.
func (r *run) beforeRead(c *conn) {
	r.move(c.dec.LastEventID())
	r.beforeWait()
}

// afterRead is called when n bytes have come.
func (r *run) afterRead(n int) {
	r.mu.Lock()
	r.stats.Bytes += int64(n)
	r.mu.Unlock()
}

// event takes one event of the stream and yields it, if it is for the caller.
func (r *run) event(c *conn, ev sse.Event) error {
	if r.kind != plain && session.IsControl(ev) {
		if !r.opts.ControlFrames {
			return nil
		}
	} else {
		if r.repeated(ev) {
			return nil
		}
		r.succeed()
		c.sawEvent()
	}
	r.mu.Lock()
	r.stats.Events++
	r.stats.LastEvent = c.lastRead
	r.mu.Unlock()

	r.current, r.committed = ev, false
	if !r.yield(ev, nil) {
		return errBreak
	}
	r.commit()
	if r.kind == sessionStream && !r.opts.FollowEnded && isEnded(ev) {
		return errOver
	}
	return nil
}

// isEnded tells whether the event ends its session. A malformed one does not.
func isEnded(ev sse.Event) bool {
	if session.KindOf(ev) != session.Ended {
		return false
	}
	_, err := session.Parse(ev)
	return err == nil
}

// repeated tells whether the event is one of the last once more. Such a one is
// dropped, and is no success: a server that repeats its last event to each
// connection and then drops it is not healthy.
func (r *run) repeated(ev sse.Event) bool {
	if r.repeats == nil || !hasOwnID(ev) {
		return false
	}
	r.sum = r.repeats.sum(ev)
	if !r.repeats.has(r.sum) {
		return false
	}
	r.mu.Lock()
	r.stats.Repeats++
	r.mu.Unlock()
	return true
}

// hasOwnID tells whether the event's block named it. An empty id is no name but a
// reset; servers that have no ids send it with each event.
func hasOwnID(ev sse.Event) bool { return ev.HasID && ev.ID != "" }

// commit takes note that the body is done with the current event.
func (r *run) commit() {
	if r.committed {
		return
	}
	if r.repeats != nil && hasOwnID(r.current) {
		r.repeats.add(r.sum)
	}
	r.move(r.current.ID)
	r.current, r.committed = sse.Event{}, true
}

// move sets the position.
func (r *run) move(id string) {
	r.mu.Lock()
	moved := r.pos.set(id)
	r.mu.Unlock()
	if moved {
		r.cursor.dirty = true
	}
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
	r.observe(Transition{State: Waiting, Delay: delay, Cause: cause})
	r.beforeWait()

	timer := time.NewTimer(delay)
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
