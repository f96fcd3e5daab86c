package hub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// A Refusal is why a request gets no stream, and what we answer.
type Refusal struct {
	Stream StreamID
	Status int         // 204: everything was read, and nothing more comes
	Header http.Header // over what the response has
	Body   string      // JSON; "" for none
	Err    error       // what Authorize or the History said; nil for none
}

func refuseWith(status int, body string) *Refusal {
	return &Refusal{Status: status, Body: body, Header: http.Header{}}
}

func refuseLater(status int, after time.Duration) *Refusal {
	why := refuseWith(status, fmt.Sprintf(`{"error":%q}`, http.StatusText(status)))
	setRetryAfter(why.Header, after)
	return why
}

func setRetryAfter(header http.Header, d time.Duration) {
	if d > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10))
	}
}

// checkAccess asks whether a request may have a stream.
func (h *Hub) checkAccess(ctx context.Context, r *http.Request, id StreamID) *Refusal {
	if !h.authorized(r) {
		return refuseWith(http.StatusUnauthorized, `{"error":"Unauthorized"}`)
	}
	return h.askAuthorize(ctx, r, id)
}

// askAuthorize asks with a request whose context ends also with the hub.
func (h *Hub) askAuthorize(ctx context.Context, r *http.Request, id StreamID) *Refusal {
	if h.cfg.Authorize == nil {
		return nil
	}
	switch err := h.cfg.Authorize(r.WithContext(ctx), id); {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnauthorized):
		why := refuseWith(http.StatusUnauthorized, `{"error":"Unauthorized"}`)
		why.Err = err
		return why
	default:
		why := refuseWith(http.StatusForbidden, `{"error":"Forbidden"}`)
		why.Err = err
		return why
	}
}

// methods are how a stream can be asked for. A plain one can be what a POST answers.
func (k Kind) methods() []string {
	if k == Plain {
		return []string{http.MethodGet, http.MethodHead, http.MethodPost}
	}
	return []string{http.MethodGet, http.MethodHead}
}

func (k Kind) allows(method string) bool { return slices.Contains(k.methods(), method) }

// unknown is the answer where there is no such stream.
func (h *Hub) unknown(id StreamID) *Refusal {
	if id.Kind == OfSession {
		return refuseWith(http.StatusNotFound, session.NotFoundBody)
	}
	return refuseWith(http.StatusNotFound, `{"error":"Stream not found"}`)
}

// full says whether there is no room for a request; nil if there is. The caller holds
// the lock.
func (h *Hub) full(host string) *Refusal {
	switch {
	case h.closing, h.cfg.MaxConns > 0 && len(h.conns) >= h.cfg.MaxConns:
		return refuseLater(http.StatusServiceUnavailable, h.cfg.RetryAfter)
	case h.cfg.MaxConnsPerAddr > 0 && h.perAddr[host] >= h.cfg.MaxConnsPerAddr:
		return refuseLater(http.StatusTooManyRequests, h.cfg.RetryAfter)
	}
	return nil
}

// hostOf returns the host of an address, whose port may be missing.
func hostOf(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return strings.Trim(addr, "[]")
}

// A start is how a stream begins: an admission in the making.
type start struct {
	opening *Opening
	log     *eventLog
	quoted  []byte
	place   place
	last    mark
	past    *past
	live    bool
}

// admit makes the request a reader of its log, at the place where it resumes.
func (h *Hub) admit(ctx context.Context, v *Visit, plan Plan) (*conn, http.Header, *Refusal) {
	r := v.Request
	host := hostOf(r.RemoteAddr)
	o := &Opening{Asked: r.Header.Get("Last-Event-ID"), Run: r.Header.Get("Sse-Run"), Header: http.Header{}, hub: h, streamKind: v.Stream.Kind}
	h.mu.Lock()
	defer h.mu.Unlock()
	if why := h.full(host); why != nil {
		return nil, nil, why
	}
	s := &start{opening: o}
	s.log, s.quoted = h.find(v.Stream)
	switch {
	case s.log == nil && h.cfg.History == nil:
		return nil, nil, h.unknown(v.Stream)
	case s.log != nil:
		h.apply(plan, s)
	}
	if h.cfg.History != nil {
		if why := h.lookBack(ctx, v.Stream, s, host); why != nil {
			return nil, nil, why
		}
	} else {
		s.place = h.resume(s.log, o)
	}
	s.live = h.ask(v.Stream.Kind, o.Asked).live
	if s.log.over && s.place.cursor == s.log.end() && (s.past == nil || s.past.empty) {
		why := refuseWith(http.StatusNoContent, "")
		h.sign(why.Header, s.place.gap)
		return nil, nil, why
	}
	return h.register(ctx, v, plan, s, host)
}

// apply lets a plan change how a stream starts. The caller holds the lock.
func (h *Hub) apply(plan Plan, s *start) {
	if plan == nil {
		return
	}
	o := s.opening
	o.log = s.log
	plan.Admit(o)
	if o.NewRun {
		h.beginRun()
	}
	if o.ClearLog {
		s.log.clear()
	}
}

// register puts a connection into all lists. The caller holds the lock.
func (h *Hub) register(ctx context.Context, v *Visit, plan Plan, s *start, host string) (*conn, http.Header, *Refusal) {
	c := &conn{
		hub: h, log: s.log, visit: v, quoted: s.quoted, host: host, plan: plan, ctx: ctx,
		bell: make(chan struct{}, 1), opened: time.Now(),
		cursor: s.place.cursor, skip: s.place.skip, last: s.last, past: s.past,
		told: s.log.gapsUpTo(s.place.cursor), replay: s.log.end(),
	}
	switch {
	case s.past != nil:
	case s.live:
		c.last = mark{there: true, num: max(h.counter, s.place.skip), id: s.log.newest().id}
	default:
		c.last = s.log.before(s.place.cursor)
	}
	c.greet(s.live)
	v.conn = c
	h.conns[c] = struct{}{}
	h.perAddr[host]++
	s.log.readers[c] = struct{}{}
	header := h.header(s)
	if h.cfg.Watcher != nil {
		o := Opened{Log: s.log.number, Asked: s.opening.Asked, Gap: header.Get("Last-Event-ID"), Run: h.run}
		if m := s.log.before(s.place.cursor); m.there && s.past == nil {
			o.Start = m.name()
		}
		h.cfg.Watcher.Opened(v, o)
	}
	return c, header, nil
}

// header returns the header of a stream's response. The caller holds the lock.
func (h *Hub) header(s *start) http.Header {
	header := http.Header{
		"Content-Type":      {"text/event-stream"},
		"Cache-Control":     {"no-cache"},
		"X-Accel-Buffering": {"no"},
	}
	h.sign(header, s.place.gap)
	for key, values := range h.cfg.Header {
		header[http.CanonicalHeaderKey(key)] = values
	}
	maps.Copy(header, s.opening.Header)
	return header
}

// sign adds the headers that say which run this is, and where a replay starts. The
// caller holds the lock.
func (h *Hub) sign(header http.Header, gap string) {
	if h.cfg.Policy.NoSigns {
		return
	}
	header.Set("Sse-Run", h.run)
	if gap != "" {
		header.Set("Last-Event-ID", gap)
	}
}

// dismiss takes a connection out of all lists.
func (h *Hub) dismiss(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
	if h.perAddr[c.host]--; h.perAddr[c.host] == 0 {
		delete(h.perAddr, c.host)
	}
	c.log.leave(c)
	if c.running {
		h.running--
	}
}
