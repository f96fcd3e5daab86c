package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// errTooLate ends a wait for the breaker that outlasts this source's own outage.
var errTooLate = errors.New("client: the shared breaker let no attempt pass in time")

// admission waits until the shared breaker lets an attempt pass. Without one it
// returns a lease that nobody looks at. A source whose time is up gives up, unless
// an attempt may be made at that very moment.
func (r *run) admission() (*backoff.Lease, error) {
	b := r.opts.Breaker
	if b == nil {
		return nil, nil
	}
	ctx, cancel := context.WithCancelCause(r.ctx)
	defer cancel(nil)
	r.interruptible(cancel)
	var limit *time.Timer
	lease, err := b.Acquire(ctx, func(delay time.Duration, cause error) {
		if limit == nil {
			r.schedule.Begin() // an outage, and its end counts from here
			if deadline, ok := r.schedule.Deadline(); ok {
				limit = time.AfterFunc(time.Until(deadline), func() { cancel(errTooLate) })
			}
			r.beforeWait()
			if r.fatal != nil {
				cancel(r.fatal)
				return
			}
		}
		r.heldUp(delay, cause)
	})
	if limit != nil {
		limit.Stop()
	}
	if err == errTooLate {
		if lease = b.TryAcquire(); lease != nil {
			return lease, nil
		}
		return nil, r.giveUp(b.Err())
	}
	r.ready = time.Now()
	return lease, err
}

// heldUp tells the observer that the breaker's next probe is due later than it was
// told, or that a first attempt has to wait at all.
func (r *run) heldUp(delay time.Duration, cause error) {
	due := time.Now().Add(delay)
	const same = time.Millisecond // a due time that was computed twice
	if r.state == Waiting && (delay == 0 || due.Sub(r.announced) < same) {
		return
	}
	r.announce(due, cause)
}

// settle tells the breaker what opening has shown of the origin.
func (r *run) settle(l *backoff.Lease, c *conn, err error) {
	switch status, _ := answered(err); {
	case l == nil:
	case c.crossed:
		l.Succeed() // the origin has sent us elsewhere: what became of that is not its matter
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		l.Fail(err, r.floor(err))
	case err == nil, errors.Is(err, errOver), status != 0, is[*RedirectError](err):
		l.Succeed() // a response of any kind: the origin is alive
	case r.done() != nil, is[*prepareError](err) && !is[*session.TokenError](err), is[*GapError](err):
		l.Release() // nothing was asked of the origin
	default:
		l.Fail(err, 0)
	}
}

// lost tells the breaker that an open stream ended.
func (r *run) lost(err error) {
	if r.opts.Breaker == nil || r.done() != nil || errors.Is(err, errBreak) || errors.Is(err, errOver) || is[*GapError](err) {
		return
	}
	r.opts.Breaker.Suspect()
}
