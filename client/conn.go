package client

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A conn is one attempt: its context, its time limits and, once it is open, the
// body of its response, which it reads under those limits.
type conn struct {
	run    *run
	ctx    context.Context
	cancel context.CancelCauseFunc
	dog    watchdog
	opts   *Options
	openBy time.Time // zero: HTTPClient has no Timeout

	lane    *lane       // that its streams are on, nil if the connection is its own
	fresh   bool        // the attempt before has timed out: share no connection with it
	crossed bool        // a redirect of the origin's led elsewhere
	header  http.Header // the response's
	body    io.ReadCloser
	release func() bool  // see hold
	dec     *sse.Decoder // of the body
	handled []byte       // the last event ID in force behind the last event that was dealt with
	look    look

	healthFromByte bool // health counts from the first byte of the body, not from the first read
	lastRead       time.Time
	open           time.Duration // waited for bytes, as far as that counts as health
	quiet          time.Duration // waited for bytes since the last event
}

func newConn(r *run) *conn {
	c := &conn{run: r, opts: &r.opts, fresh: r.suspect}
	r.suspect = false
	c.ctx, c.cancel = context.WithCancelCause(r.ctx)
	c.dog.cancel = c.cancel
	r.interruptible(c.cancel)
	return c
}

// traced returns the context of the attempt's requests, whose trace tells the
// watchdog of the phases of opening.
func (c *conn) traced() context.Context {
	return httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.dog.phase(c.opts.Timeouts.Connect, ErrConnectTimeout) },
		GotConn: func(httptrace.GotConnInfo) { c.dog.phase(c.opts.Timeouts.Header, ErrHeaderTimeout) },
	})
}

// arm sets the watchdog on one request. Where a transport does not trace, one limit
// holds for both phases: their sum, or that of the header alone if connecting has
// none.
func (c *conn) arm() {
	both := c.opts.Timeouts.Header
	if both > 0 {
		both += min(c.opts.Timeouts.Connect, math.MaxInt64-both)
	}
	c.dog.open(both, c.openBy, ErrHeaderTimeout)
}

// hold takes the response's body, which close will close, and which is closed as
// soon as the attempt is cancelled: there are bodies that look at no context, such
// as that of a 101.
func (c *conn) hold(body io.ReadCloser) {
	c.body = body
	c.release = context.AfterFunc(c.ctx, func() { body.Close() })
}

// accept makes the body the stream.
func (c *conn) accept(header http.Header, healthFromByte bool) {
	c.header, c.healthFromByte = header, healthFromByte
	c.lastRead = time.Now()
}

// Read implements [io.Reader] on the body. The limits run only while it waits
// for bytes: a consumer that is slow between reads is not a dead server.
func (c *conn) Read(p []byte) (int, error) {
	c.run.beforeRead(c)
	if err := c.run.done(); err != nil { // a callback has said so
		return 0, err
	}
	d, cause := c.opts.Timeouts.Idle, ErrIdle
	if t := c.opts.Timeouts.Event; t > 0 {
		rest := t - c.quiet
		if rest <= 0 {
			return 0, ErrNoEvent
		}
		if d == 0 || rest < d {
			d, cause = rest, ErrNoEvent
		}
	}
	began := time.Now()
	c.dog.arm(d, time.Time{}, cause)
	n, err := c.body.Read(p)
	c.dog.disarm()
	c.waited(began, n)
	return n, err
}

// waited takes note of a read that began then and brought n bytes. Nothing but the
// time in reads is known to have been spent on an open connection: while a callback
// or the body was at work, it may have been dead for long.
func (c *conn) waited(began time.Time, n int) {
	now := time.Now()
	d := now.Sub(began)
	c.quiet += d
	if !c.healthFromByte {
		c.open += d
	}
	if n > 0 {
		c.lastRead, c.healthFromByte = now, false
		c.run.afterRead(n)
	}
}

func (c *conn) sawEvent() { c.quiet = 0 }

// healthy tells whether the connection was open for long enough.
func (c *conn) healthy() bool {
	return c.opts.HealthyAfter > 0 && c.open >= c.opts.HealthyAfter
}

// cause turns the error of a failed attempt into what lies behind it.
func (c *conn) cause(err error) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if err == io.EOF {
		return ErrEnded
	}
	return withoutURL(err)
}

func (c *conn) close() {
	c.dog.disarm()
	if c.body != nil {
		c.release()
		c.body.Close()
	}
	timedOut := isTimeout(context.Cause(c.ctx))
	c.cancel(context.Canceled)
	c.leaveLane(timedOut)
}
