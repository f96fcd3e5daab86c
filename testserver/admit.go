package testserver

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// A refusal is why a request gets no stream.
type refusal struct {
	status int
	body   string // JSON
	header http.Header
}

// refusal says why a request gets no stream; nil if it may have one. The caller
// holds the lock. A single-use token is used up by the question.
func (h *hub) refusal(r *http.Request, t target, found bool, host string) *refusal {
	full := func(status int) *refusal {
		why := &refusal{status, fmt.Sprintf(`{"error":%q}`, http.StatusText(status)), http.Header{}}
		setRetryAfter(why.header, h.opts.RetryAfter)
		return why
	}
	switch {
	case !h.authorized(r):
		return &refusal{http.StatusUnauthorized, `{"error":"Unauthorized"}`, nil}
	case !found && t.kind == sessionStream:
		return &refusal{http.StatusNotFound, session.NotFoundBody, nil}
	case !found:
		return &refusal{http.StatusNotFound, `{"error":"Stream not found"}`, nil}
	case !t.kind.allows(r.Method):
		return &refusal{http.StatusMethodNotAllowed, `{"error":"Method not allowed"}`, http.Header{"Allow": {"GET, HEAD"}}}
	case h.closed, h.opts.MaxConns > 0 && len(h.conns) >= h.opts.MaxConns:
		return full(http.StatusServiceUnavailable)
	case h.opts.MaxConnsPerAddr > 0 && h.perAddr[host] >= h.opts.MaxConnsPerAddr:
		return full(http.StatusTooManyRequests)
	}
	return nil
}

// allows tells whether a stream can be asked for with a method. A plain one can be
// what a POST answers.
func (k streamKind) allows(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodPost && k == plainStream
}

// admit makes the request a reader of its log, at the place where it resumes.
func (h *hub) admit(r *http.Request, entry *Request) (c *conn, header http.Header, why *refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	host, _ := hostPort(r.RemoteAddr)
	t, found := h.find(r) // again: it may have waited for its turn
	if why := h.refusal(r, t, found, host); why != nil {
		return nil, nil, why
	}
	o := &opening{log: t.log, asked: entry.LastEventID, run: r.Header.Get("Sse-Run"), header: http.Header{}}
	h.opened++
	c = &conn{
		hub: h, log: t.log, target: t, host: host, number: h.opened, entry: entry,
		bell: make(chan struct{}, 1), opened: time.Now(),
	}
	h.meet(c, o)
	place := h.resume(t, o)
	c.cursor = place.cursor
	entry.Gap, entry.Open = place.header, true
	if m := t.log.before(place.cursor); m != nil {
		entry.Start = m.name
	}
	h.conns[c] = struct{}{}
	h.perAddr[host]++
	t.log.readers[c] = struct{}{}
	header = h.header(h.run)
	if place.header != "" {
		header.Set("Last-Event-ID", place.header)
	}
	maps.Copy(header, o.header)
	return c, header, nil
}

// meet lets faults change how a stream starts, how it is written, and arms those
// that strike its body. The caller holds the lock.
func (h *hub) meet(c *conn, o *opening) {
	for _, s := range []stage{stageHead, stageShape} {
		for _, a := range h.all(c.entry, s) {
			h.fire(a.planted, c.entry)
			if a.kind.head != nil {
				a.kind.head(h, o, &a.fault.spec)
			}
			if a.kind.shape != nil {
				c.shapes = append(c.shapes, a)
			}
		}
	}
	for _, a := range h.all(c.entry, stageBody) {
		c.arm(a)
	}
}

// resume finds where a stream starts. The caller holds the lock.
func (h *hub) resume(t target, o *opening) resume {
	var r resume
	switch {
	case o.asked == "":
		return t.log.live()
	case o.run != "" && o.run != h.run:
		r = t.log.foreign()
	case t.kind == plainStream:
		r = t.log.afterName(o.asked)
	default:
		r = t.log.after(o.asked, h.counter)
	}
	if m := t.log.before(r.cursor); o.inclusive && m != nil && m.name == o.asked && r.cursor > t.log.base {
		r.cursor--
	}
	return r
}

// dismiss takes a connection out of all lists.
func (h *hub) dismiss(c *conn, status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range c.timers {
		t.Stop()
	}
	delete(h.conns, c)
	if h.perAddr[c.host]--; h.perAddr[c.host] == 0 {
		delete(h.perAddr, c.host)
	}
	c.log.leave(c)
	if c.running {
		h.running--
	}
	c.entry.Open, c.entry.Status, c.entry.End, c.entry.Why = false, status, time.Now(), c.why
	h.check()
}

// header returns the header of a stream's response.
func (h *hub) header(run string) http.Header {
	header := http.Header{
		"Content-Type":      {"text/event-stream"},
		"Cache-Control":     {"no-cache"},
		"X-Accel-Buffering": {"no"},
		"Sse-Run":           {run},
	}
	for key, values := range h.opts.Header {
		header[http.CanonicalHeaderKey(key)] = values
	}
	return header
}

func setRetryAfter(header http.Header, d time.Duration) {
	if d > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10))
	}
}
