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

	header http.Header // the response's
	body   io.ReadCloser
	dec    *sse.Decoder // of the body

	healthFromByte bool      // health counts from the first byte of the body, not from the response
	healthFrom     time.Time // zero: does not count yet
	lastRead       time.Time
	quiet          time.Duration // waited for bytes since the last event
}

func newConn(r *run) *conn {
	c := &conn{run: r, opts: &r.opts}
	c.ctx, c.cancel = context.WithCancelCause(r.ctx)
	c.dog.cancel = c.cancel
	return c
}

// traced returns the context for one request: under it the watchdog sees the
// phases of opening. Where a transport does not trace, one limit holds for both.
func (c *conn) traced() context.Context {
	o := c.opts
	until := time.Time{}
	if o.HTTPClient.Timeout > 0 {
		until = time.Now().Add(o.HTTPClient.Timeout)
	}
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

// accept makes the response's body the stream.
func (c *conn) accept(resp *http.Response, healthFromByte bool) {
	c.header, c.body = resp.Header, resp.Body
	c.healthFromByte = healthFromByte
	c.lastRead = time.Now()
	if !healthFromByte {
		c.healthFrom = c.lastRead
	}
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
	var began time.Time
	if c.opts.EventTimeout > 0 {
		began = time.Now()
	}
	c.dog.arm(d, time.Time{}, cause)
	n, err := c.body.Read(p)
	c.dog.disarm()
	if n > 0 {
		c.lastRead = time.Now()
		if c.healthFrom.IsZero() {
			c.healthFrom = c.lastRead
		}
		c.run.afterRead(n)
	}
	if !began.IsZero() {
		c.quiet += time.Since(began)
	}
	return n, err
}

func (c *conn) sawEvent() { c.quiet = 0 }

// healthy tells whether the connection has been open for long enough.
func (c *conn) healthy() bool {
	return !c.healthFrom.IsZero() && c.opts.HealthyAfter > 0 && time.Since(c.healthFrom) >= c.opts.HealthyAfter
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
	c.cancel(context.Canceled)
	if c.body != nil {
		c.body.Close()
	}
}
