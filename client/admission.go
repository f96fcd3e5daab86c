package client

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// errTooLate ends a wait for the breaker that outlasts this source's own outage.
var errTooLate = errors.New("client: the shared breaker let no attempt pass in time")

// admission waits until the shared breaker lets an attempt pass. Without one it
// returns a lease that nobody looks at.
func (r *run) admission() (*backoff.Lease, error) {
	if r.opts.Breaker == nil {
		return nil, nil
	}
	if r.state == Closed && r.opts.Breaker.State() != backoff.Closed {
		r.observe(Transition{State: Waiting}) // a first attempt that may have to
	}
	r.beforeWait()
	ctx := r.ctx
	if deadline, ok := r.schedule.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, deadline, errTooLate)
		defer cancel()
	}
	lease, err := r.opts.Breaker.Acquire(ctx)
	if err == errTooLate {
		if r.opts.Breaker.State() != backoff.Closed {
			return nil, r.giveUp(r.lastCause) // there is an outage, hence a cause
		}
		lease, err = r.opts.Breaker.Acquire(r.ctx) // the turn to return had not come yet
	}
	if e, ok := errors.AsType[*backoff.GivenUpError](err); ok {
		return nil, &GiveUpError{Outage: e.Outage, Attempts: e.Attempts, RetryAfter: r.clipped, Err: cmp.Or(e.Err, err)}
	}
	return lease, err
}

// settle tells the breaker what opening has shown of the origin.
func settle(l *backoff.Lease, c *conn, err error) {
	switch status, _ := answered(err); {
	case l == nil:
	case c.crossed:
		l.Succeed() // the origin has sent us elsewhere: what became of that is not its matter
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		l.Fail(err, retryAfter(err))
	case err == nil, errors.Is(err, errOver), status != 0, is[*RedirectError](err):
		l.Succeed() // a response of any kind: the origin is alive
	case c.run.ctx.Err() != nil, is[*prepareError](err) && !is[*session.TokenError](err), is[*GapError](err):
		l.Release() // nothing was asked of the origin
	default:
		l.Fail(err, 0)
	}
}

// lost tells the breaker that an open stream ended.
func (r *run) lost(err error) {
	if r.opts.Breaker == nil || r.ctx.Err() != nil || errors.Is(err, errBreak) || errors.Is(err, errOver) {
		return
	}
	r.opts.Breaker.Suspect()
}

// breakerGaveUp tells whether no attempt would pass any more.
func (r *run) breakerGaveUp() bool {
	return r.opts.Breaker != nil && r.opts.Breaker.State() == backoff.GivenUp
}
