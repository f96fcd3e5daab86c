package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A refused response's body is read for so long in all, and for so long between two
// pieces: it is an explanation, and the refusal must not wait for it.
const (
	excerptTime  = time.Second
	excerptPause = 250 * time.Millisecond
)

// errExcerpt ends the reading of such a body. It is no timeout of the connection's,
// which has just brought a response.
var errExcerpt = errors.New("client: body of a refused response takes too long")

// open sends the request and accepts its response as the stream. It returns the
// last event ID that the request carried.
func (r *run) open(c *conn) (asked string, err error) {
	req, err := r.request(c)
	if err != nil {
		return "", err
	}
	asked = strings.Trim(req.Header.Get(lastEventID), " \t") // as it arrives
	resp, err := r.fetch(c, req)
	c.dog.disarm()
	if err != nil {
		return "", c.cause(err)
	}
	decode(resp)
	c.hold(resp.Body)
	if err := refusal(resp); err != nil {
		if refused, ok := errors.AsType[*ResponseError](err); ok {
			refused.Body = c.excerpt()
		}
		return "", err
	}
	c.accept(resp.Header, r.kind != plain)
	return asked, nil
}

// excerpt reads the beginning of the body of a refused response.
func (c *conn) excerpt() []byte {
	var buf [bodyExcerpt]byte
	n, until := 0, time.Now().Add(excerptTime)
	for n < len(buf) {
		c.dog.arm(excerptPause, until, errExcerpt)
		m, err := c.body.Read(buf[n:])
		n += m
		if err != nil {
			break
		}
	}
	c.dog.disarm()
	return append([]byte(nil), buf[:n]...)
}

const (
	lastEventID = "Last-Event-Id" // as net/http spells it
	sseRun      = "Sse-Run"
)

// request makes the request of one attempt.
func (r *run) request(c *conn) (*http.Request, error) {
	req := r.blank(c.traced())
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	setOwn(req.Header)
	r.mu.Lock()
	at := r.yielded()
	id, serverRun, lost := at.header(), at.run, at.unsendable()
	r.mu.Unlock()
	if r.asksForAll() {
		id, serverRun = allThereIs, ""
	}
	if id != "" {
		req.Header[lastEventID] = []string{id}
		if serverRun != "" { // a server of another run can tell that it does not know the id
			req.Header.Set(sseRun, serverRun)
		}
	}
	if lost && !r.unsent {
		r.unsent = true
		if err := r.gap(&GapError{Asked: string(at.id), Reason: "id can't be sent in a header", Certain: true}); err != nil {
			return nil, err
		}
	}
	return req, r.prepare(c, req)
}

// blank makes the request that the options ask for. The URL is a copy: Prepare may
// change it.
func (r *run) blank(ctx context.Context) *http.Request {
	o, u := &r.opts.Request, *r.url
	u.Host = strings.TrimSuffix(u.Host, ":") // a port that is none
	req := (&http.Request{Method: o.Method, URL: &u, Host: u.Host, Header: o.Header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	if len(o.Body) > 0 {
		req.ContentLength = int64(len(o.Body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(o.Body)), nil }
		req.Body, _ = req.GetBody()
	}
	return req
}

// prepare lets the caller change the request.
func (r *run) prepare(c *conn, req *http.Request) error {
	prepare := r.opts.Request.Prepare
	if prepare == nil {
		return nil
	}
	c.dog.arm(r.opts.Timeouts.Prepare, time.Time{}, ErrPrepareTimeout)
	err := prepare(c.ctx, req)
	c.dog.disarm()
	if c.ctx.Err() != nil {
		err = context.Cause(c.ctx)
	}
	if err != nil {
		return &prepareError{err}
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	return nil
}

// A prepareError is a failed attempt that never left.
type prepareError struct{ err error }

func (e *prepareError) Error() string { return "client: prepare request: " + trimPrefix(e.err) }
func (e *prepareError) Unwrap() error { return e.err }

// setOwn sets what a request for a stream has unless the caller has said
// otherwise (standard, section 9.2.3).
func setOwn(h http.Header) {
	if h.Get("Accept") == "" {
		h.Set("Accept", "text/event-stream")
	}
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	switch h.Get("Accept-Encoding") {
	case "":
		h.Set("Accept-Encoding", "identity") // a compressor holds events back
	case "gzip":
		h.Del("Accept-Encoding") // the transport asks for it, and decodes it
	}
}

// refusal says why a response is not the stream; nil if it is. The body of a
// *ResponseError is for the caller to read.
func refusal(resp *http.Response) error {
	refused := &ResponseError{StatusCode: resp.StatusCode, Header: resp.Header}
	switch {
	case resp.StatusCode == http.StatusNoContent:
		return errOver
	case resp.StatusCode != http.StatusOK:
		return refused
	}
	ct := resp.Header.Get("Content-Type")
	if media, _, _ := mime.ParseMediaType(ct); media != "text/event-stream" {
		refused.Reason = fmt.Sprintf("content type is %q, not text/event-stream", ct)
		return refused
	}
	if enc := resp.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		refused.Reason = fmt.Sprintf("content encoding is %q, which is not decoded", enc)
		return refused
	}
	return nil
}

// withoutURL drops the URL that net/http puts into its errors: its query may be
// a token.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
