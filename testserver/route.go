package testserver

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// streamKind tells the three kinds of stream apart.
type streamKind int

const (
	sessionStream streamKind = iota
	globalStream
	plainStream
)

// ServeHTTP finds what a request is for.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	c, _ := connOf(r).(*netConn)
	controls := strings.HasPrefix(path, controlPath) && s.controls(c)
	if c != nil {
		c.spare(controls) // who orders a restart gets an answer
	}
	switch {
	case controls:
		s.serveControl(w, r)
	case c != nil && c.port == s.apart:
		http.NotFound(w, r)
	case path == session.TokenPath:
		s.hub.serveToken(w, r)
	case path == loopPath:
		serveLoop(w, r)
	case path == session.GlobalPath, path == plainPath, isSession(path):
		s.hub.serveStream(w, r)
	default: // also the legacy /sessions/{id}/events
		http.NotFound(w, r)
	}
}

// controls tells whether the control API answers on a connection: on all, unless it
// has an address of its own.
func (s *Server) controls(c *netConn) bool {
	return !s.hub.opts.NoControl && (s.apart == nil || c != nil && c.port == s.apart)
}

const plainPath = "/events"

// isSession tells whether a path is that of a session's stream. What package
// session takes behind any prefix is taken here at the root alone.
func isSession(escapedPath string) bool {
	_, ok := session.IDOf(escapedPath)
	return ok && strings.HasPrefix(escapedPath, "/v1/sessions/")
}

// target is what a request asks for.
type target struct {
	kind  streamKind
	label string
	log   *eventLog
	ses   *Session
}

// find returns the stream of a request, if there is one. The caller holds the
// lock.
func (h *hub) find(r *http.Request) (t target, ok bool) {
	switch path := r.URL.EscapedPath(); path {
	case session.GlobalPath:
		return target{kind: globalStream, label: Global, log: h.global}, true
	case plainPath:
		name := r.URL.Query().Get("stream")
		t = target{kind: plainStream, label: name}
		if st := h.streams[name]; st != nil {
			t.log = st.log
		}
		return t, t.log != nil
	default:
		id, _ := session.IDOf(path)
		t = target{kind: sessionStream, label: id, ses: h.sessions[id]}
		if t.ses != nil {
			t.log = t.ses.log
		}
		return t, t.log != nil
	}
}

// serveStream answers a request for a stream: with it, with a fault, or with a
// refusal.
func (h *hub) serveStream(w http.ResponseWriter, r *http.Request) {
	h.done.Add(1)
	defer h.done.Done()
	if _, err := readBody(w, r, maxRequestBody); err != nil { // before the connection changes hands
		http.Error(w, "request body too large, or too slow", http.StatusRequestEntityTooLarge)
		return
	}
	entry := newRequest(r)

	h.mu.Lock()
	t, found := h.find(r)
	entry.Stream = t.label
	h.journal.add(entry)
	slow := h.first(entry, ofStage(stageDelay))
	now := h.first(entry, ofStage(stageInstead))
	h.check()
	h.mu.Unlock()

	if !h.delay(r, slow) {
		h.close(entry, 0, whyGone)
		panic(http.ErrAbortHandler)
	}
	if now != nil {
		h.instead(w, r, entry, now)
		return
	}
	if status, msg := h.refusal(r, t, found); status != 0 {
		h.answer(w, entry, status, msg)
		return
	}
	h.follow(w, r, entry, t)
}

// How much a client may send to a stream, and how long it may take for a body.
const (
	maxRequestBody = 1 << 20
	bodyTimeout    = 10 * time.Second
)

// readBody reads a request's body.
func readBody(w http.ResponseWriter, r *http.Request, max int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Now().Add(bodyTimeout))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, max))
	if err == nil { // or net/http would wait for the rest of the body
		rc.SetReadDeadline(time.Time{}) // or the client would seem to leave then
	}
	return b, err
}

func newRequest(r *http.Request) *Request {
	return &Request{
		Time: time.Now(), RemoteAddr: r.RemoteAddr, Proto: r.Proto, Method: r.Method,
		URL: maskToken(r.URL), Header: r.Header.Clone(), LastEventID: r.Header.Get("Last-Event-ID"),
	}
}

// refusal says why a request gets no stream; 0 if it gets one.
func (h *hub) refusal(r *http.Request, t target, found bool) (status int, body string) {
	switch {
	case !h.authorized(r):
		return http.StatusUnauthorized, `{"error":"Unauthorized"}`
	case !found && t.kind == sessionStream:
		return http.StatusNotFound, session.NotFoundBody
	case !found:
		return http.StatusNotFound, `{"error":"Stream not found"}`
	case r.Method != http.MethodGet && r.Method != http.MethodHead && (r.Method != http.MethodPost || t.kind != plainStream):
		return http.StatusMethodNotAllowed, `{"error":"Method not allowed"}`
	}
	return 0, ""
}

// answer answers with JSON instead of the stream.
func (h *hub) answer(w http.ResponseWriter, entry *Request, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body+"\n")
	h.close(entry, status, "")
}

// close ends a request's entry in the journal.
func (h *hub) close(entry *Request, status int, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	entry.Status, entry.End, entry.Why = status, time.Now(), why
	h.check()
}

// admit makes the request a reader of its log, at the place where it resumes. It
// fails with a status where the server is full or closed.
func (h *hub) admit(r *http.Request, entry *Request, t target) (c *conn, header http.Header, status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	host, _ := hostPort(r.RemoteAddr)
	switch {
	case h.closed, h.opts.MaxConns > 0 && len(h.conns) >= h.opts.MaxConns:
		return nil, nil, http.StatusServiceUnavailable
	case h.opts.MaxConnsPerAddr > 0 && h.perAddr[host] >= h.opts.MaxConnsPerAddr:
		return nil, nil, http.StatusTooManyRequests
	}
	o := &opening{log: t.log, asked: entry.LastEventID, header: http.Header{}}
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
	return c, header, 0
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

// settle says why a connection ends, unless it was told to end before.
func (h *hub) settle(c *conn, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.order < orderAbort {
		c.settle(why)
	}
}

// start gives a connection its wire; false if it is to end before it begins.
func (h *hub) start(c *conn, w wire) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.wire = w
	if c.order >= orderAbort {
		return false
	}
	c.running = true
	h.running++
	c.entry.Status = http.StatusOK
	h.check()
	return true
}

// follow serves the stream itself.
func (h *hub) follow(w http.ResponseWriter, r *http.Request, entry *Request, t target) {
	c, header, status := h.admit(r, entry, t)
	if status != 0 {
		setRetryAfter(w.Header(), h.opts.RetryAfter)
		h.answer(w, entry, status, fmt.Sprintf(`{"error":%q}`, http.StatusText(status)))
		return
	}
	defer h.dismiss(c, http.StatusOK)
	if r.Method == http.MethodHead {
		maps.Copy(w.Header(), header)
		h.settle(c, "HEAD")
		return
	}
	wire, watch, err := newWire(w, r, header, h.opts.WriteTimeout)
	if err != nil {
		h.settle(c, whyGone)
		return
	}
	for _, a := range c.shapes {
		wire = a.kind.shape(wire, a)
	}
	if !h.start(c, wire) {
		wire.abort()
		return
	}
	stop := watch(c)
	defer stop()
	switch c.deliver() {
	case orderEnd:
		wire.end()
	case orderReset:
		wire.reset()
	default:
		wire.abort()
	}
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

// newWire writes the head of the response and returns what carries the body, and
// a function that watches for the client to leave.
func newWire(w http.ResponseWriter, r *http.Request, header http.Header, timeout time.Duration) (wire, func(*conn) func(), error) {
	if r.ProtoMajor != 1 {
		maps.Copy(w.Header(), header)
		m := &muxedWire{w: w, rc: http.NewResponseController(w), conn: connOf(r), timeout: timeout}
		if err := m.rc.Flush(); err != nil {
			return nil, nil, err
		}
		return m, func(c *conn) func() { return watchContext(c, r) }, nil
	}
	chunked := r.ProtoAtLeast(1, 1)
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\n")
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	header.Set("Connection", "close") // it never carries another request
	if chunked {
		header.Set("Transfer-Encoding", "chunked")
	}
	header.Write(&head)
	head.WriteString("\r\n")
	cw, rest, err := hijack(w, chunked, timeout)
	if err != nil {
		return nil, nil, err
	}
	if err := cw.raw(head.Bytes()); err != nil {
		cw.abort()
		return nil, nil, err
	}
	return cw, func(c *conn) func() { return watchConn(c, rest) }, nil
}

// watchConn reads from the connection, for that is how a client's leaving shows.
// What it sends is thrown away, up to a limit.
func watchConn(c *conn, rest *bufio.Reader) (stop func()) {
	c.hub.done.Go(func() {
		for n := 0; n < maxRequestBody; {
			if _, err := rest.Peek(1); err != nil {
				break
			}
			d, _ := rest.Discard(rest.Buffered())
			n += d
		}
		c.left()
	})
	return func() {} // the end of the connection ends it
}

// watchContext does the same by the request's context.
func watchContext(c *conn, r *http.Request) (stop func()) {
	cancel := context.AfterFunc(r.Context(), c.left)
	return func() { cancel() }
}

// left takes note that the client is gone.
func (c *conn) left() {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.command(orderGone, whyGone)
}
