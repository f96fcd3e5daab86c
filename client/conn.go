package client

import (
	"context"
	"io"
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

	crossed bool        // a redirect of the origin's led elsewhere
	header  http.Header // the response's
	body    io.ReadCloser
	release func() bool  // see hold
	dec     *sse.Decoder // of the body
	handled []byte       // the last event ID in force behind the last event that was dealt with

	healthFromByte bool      // health counts from the first byte of the body, not from the first read
	healthFrom     time.Time // zero: does not count yet
	ended          time.Time // when a read failed
	lastRead       time.Time
	quiet          time.Duration // waited for bytes since the last event
}

func newConn(r *run) *conn {
	c := &conn{run: r, opts: &r.opts}
	c.ctx, c.cancel = context.WithCancelCause(r.ctx)
	c.dog.cancel = c.cancel
	return c
}

// armed sets the watchdog on one request and returns the context for it, whose
// trace tells the watchdog of the phases of opening. Where a transport does not
// trace, one limit holds for both.
func (c *conn) armed() context.Context {
	o, until := c.opts, c.openBy
	both := time.Duration(0)
	if o.ConnectTimeout > 0 && o.HeaderTimeout > 0 {
		both = o.ConnectTimeout + o.HeaderTimeout
	}
	c.dog.arm(both, until, ErrHeaderTimeout)
	return httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.dog.arm(o.ConnectTimeout, until, ErrConnectTimeout) },
		GotConn: func(httptrace.GotConnInfo) { c.dog.arm(o.HeaderTimeout, until, ErrHeaderTimeout) },
	})
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
	d, cause := c.opts.IdleTimeout, ErrIdle
	if t := c.opts.EventTimeout; t > 0 {
		rest := t - c.quiet
		if rest <= 0 {
			return 0, ErrNoEvent
		}
		if d == 0 || rest < d {
			d, cause = rest, ErrNoEvent
		}
	}
	began := time.Now()
	if c.healthFrom.IsZero() && !c.healthFromByte {
		c.healthFrom = began
	}
	c.dog.arm(d, time.Time{}, cause)
	n, err := c.body.Read(p)
	c.dog.disarm()
	now := time.Now()
	c.quiet += now.Sub(began)
	if n > 0 {
		c.lastRead = now
		if c.healthFrom.IsZero() {
			c.healthFrom = now
		}
		c.run.afterRead(n)
	}
	if err != nil {
		c.ended = now
	}
	return n, err
}

func (c *conn) sawEvent() { c.quiet = 0 }

// healthy tells whether the connection was open for long enough. What callbacks
// took before the first read, and the body's time behind a failed one, is no health.
func (c *conn) healthy() bool {
	if c.healthFrom.IsZero() || c.opts.HealthyAfter <= 0 {
		return false
	}
	ended := c.ended
	if ended.IsZero() {
		ended = time.Now()
	}
	return ended.Sub(c.healthFrom) >= c.opts.HealthyAfter
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
	c.cancel(context.Canceled)
}
