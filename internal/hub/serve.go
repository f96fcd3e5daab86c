package hub

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// ServeHTTP serves the streams, the list of sessions, and the route of single-use
// tokens. Other paths are not found.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.enter() {
		panic(http.ErrAbortHandler)
	}
	if r.URL.EscapedPath() == session.ListPath {
		if status, body := h.list(w, r); status != 0 {
			writeJSON(w, status, body) // outside, or Close would wait for a client that does not read
		}
		return
	}
	defer h.leave()
	if r.URL.EscapedPath() == session.TokenPath {
		if !h.share(w, r, http.MethodPost) {
			h.serveToken(w, r)
		}
		return
	}
	id, ok := StreamOf(r)
	if !ok { // also the legacy /sessions/{id}/events
		http.NotFound(w, r)
		return
	}
	if !h.share(w, r, id.Kind.methods()...) {
		h.serveStream(w, r, id)
	}
}

// StreamOf returns the stream that a request's path names.
func StreamOf(r *http.Request) (id StreamID, ok bool) {
	switch path := r.URL.EscapedPath(); {
	case path == session.GlobalPath:
		return GlobalID, true
	case path == PlainPath:
		return StreamID{Plain, r.URL.Query().Get("stream")}, true
	case strings.HasPrefix(path, "/v1/sessions/"): // package session takes any prefix
		name, ok := session.IDOf(path)
		return StreamID{OfSession, name}, ok
	}
	return id, false
}

// enter counts a request that is being handled; false if the hub is closed.
func (h *Hub) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.handled++
	return true
}

func (h *Hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.handled--; h.handled == 0 {
		h.idle.Broadcast()
	}
}

// find returns the log of a stream, and its session's name as JSON; nil if there is
// none. The caller holds the lock.
func (h *Hub) find(id StreamID) (l *eventLog, quoted []byte) {
	switch id.Kind {
	case OfAll:
		return h.global, nil
	case Plain:
		if st := h.streams[id.Name]; st != nil {
			return st.log, nil
		}
	default:
		if s := h.sessions[id.Name]; s.found() {
			return s.log, s.quoted
		}
	}
	return nil, nil
}

// serveStream answers a request for a stream: with it, with what a plan wants, or with
// a refusal.
func (h *Hub) serveStream(w http.ResponseWriter, r *http.Request, id StreamID) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	body, err := h.readBody(w, r) // before the connection changes hands
	v := &Visit{Time: time.Now(), Request: r, Body: body, Stream: id, cancel: cancel}
	h.arrive(v)
	e := &Ending{Why: whyPanic}
	defer h.depart(v, e)
	if err != nil {
		h.refuse(w, v, refuseWith(http.StatusRequestEntityTooLarge, `{"error":"Request body too large, or too slow"}`), e)
		return
	}
	var plan Plan
	if h.cfg.Seam != nil && (r.Method == http.MethodGet || r.Method == http.MethodPost) {
		plan = h.cfg.Seam.Arrive(v)
	}
	if plan != nil {
		if a := plan.Answer(ctx, w, r); a.Done {
			*e = Ending{Status: a.Status, Why: a.Why}
			if a.Status == 0 {
				panic(http.ErrAbortHandler)
			}
			return
		}
		if why := h.pending(ctx, v); why != "" {
			*e = Ending{Why: why}
			panic(http.ErrAbortHandler)
		}
	}
	h.follow(ctx, w, v, plan, e)
}

// arrive gives a request its number and tells of it.
func (h *Hub) arrive(v *Visit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stats.Requests++
	v.Number = h.stats.Requests
	l, _ := h.find(v.Stream)
	v.Known = l != nil
	h.visits[v.Number] = v
	if h.cfg.Watcher != nil {
		h.cfg.Watcher.Arrived(v)
	}
}

// depart tells of a request's end, deferred: a panic goes on, in the books.
func (h *Hub) depart(v *Visit, e *Ending) {
	p := recover()
	if p != nil && p != http.ErrAbortHandler {
		e.Panic = p
	}
	h.mu.Lock()
	delete(h.visits, v.Number)
	v.conn = nil
	if h.cfg.Watcher != nil {
		h.cfg.Watcher.Ended(v, *e)
	}
	if len(h.conns) == 0 {
		h.idle.Broadcast()
	}
	h.mu.Unlock()
	if p != nil {
		panic(p)
	}
}

// pending says why a request that has waited is not to go on; "" if it is.
func (h *Hub) pending(ctx context.Context, v *Visit) string {
	if ctx.Err() == nil {
		return ""
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case v.told != "":
		return v.told
	case h.closed:
		return whyClosed
	}
	return whyGone
}

// How much a client may send to a stream, and how long it may take for a body.
const (
	maxRequestBody = 1 << 20
	bodyTimeout    = 10 * time.Second
)

// readBody reads a request's body, and returns it if somebody wants to see it. Servers
// that have a limit of time for reading would take a stream for a body that does not
// come: there is none behind it.
func (h *Hub) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	rc := http.NewResponseController(w)
	var kept bytes.Buffer
	if r.Body != nil && r.Body != http.NoBody {
		to := io.Discard
		if h.cfg.Seam != nil || h.cfg.Watcher != nil {
			to = &kept
		}
		rc.SetReadDeadline(time.Now().Add(bodyTimeout))
		if _, err := io.Copy(to, http.MaxBytesReader(w, r.Body, maxRequestBody)); err != nil {
			return nil, err // and net/http does not wait for the rest of the body
		}
	}
	rc.SetReadDeadline(time.Time{})
	return kept.Bytes(), nil
}

// refuse answers with JSON instead of the stream.
func (h *Hub) refuse(w http.ResponseWriter, v *Visit, why *Refusal, e *Ending) {
	why.Stream = v.Stream
	*e = Ending{Status: why.Status, Why: http.StatusText(why.Status)}
	if why.Status == http.StatusNoContent {
		e.Why = whyRead
	}
	switch {
	case h.cfg.Policy.Refuse != nil:
		h.cfg.Policy.Refuse(w, v.Request, why)
	case why.Body == "":
		maps.Copy(w.Header(), why.Header)
		w.WriteHeader(why.Status)
	default:
		maps.Copy(w.Header(), why.Header)
		writeJSON(w, why.Status, why.Body)
	}
	h.report(Report{What: WasRefused, Status: why.Status, Why: e.Why, Err: why.Err}, v)
}

func (h *Hub) report(rep Report, v *Visit) {
	if h.cfg.Report == nil {
		return
	}
	rep.Request, rep.Stream, rep.Number = v.Request, v.Stream, v.Number
	h.cfg.Report(rep)
}

// follow serves the stream itself.
func (h *Hub) follow(ctx context.Context, w http.ResponseWriter, v *Visit, plan Plan, e *Ending) {
	r := v.Request
	why := h.checkAccess(ctx, r, v.Stream)
	if why == nil && !v.Stream.Kind.allows(r.Method) {
		why = refuseWith(http.StatusMethodNotAllowed, `{"error":"Method not allowed"}`)
		why.Header.Set("Allow", strings.Join(v.Stream.Kind.methods(), ", "))
	}
	var c *conn
	var header http.Header
	if why == nil {
		c, header, why = h.admit(ctx, v, plan)
	}
	if why != nil {
		h.refuse(w, v, why, e)
		return
	}
	defer h.dismiss(c)
	if r.Method == http.MethodHead {
		setHeader(w.Header(), header)
		*e = Ending{Status: http.StatusOK, Why: whyHead}
		return
	}
	wire, watch, err := h.newWire(w, r, header)
	switch {
	case errors.Is(err, http.ErrNotSupported):
		clear(w.Header())
		why := refuseWith(http.StatusInternalServerError, `{"error":"The response can't be streamed: a handler around this one gives a writer without Flush"}`)
		h.refuse(w, v, why, e)
	case err != nil:
		*e = Ending{Why: whyGone, How: Abort}
	default:
		h.carry(c, wire, watch, e)
	}
}

// carry delivers a stream over its wire, and ends that.
func (h *Hub) carry(c *conn, wire Wire, watch func(*conn) func(), e *Ending) {
	*e = Ending{Status: http.StatusOK, Why: whyPanic, How: Abort}
	delivered := false
	defer func() { // also when a plan or a history panics
		h.closeBooks(c, e)
		if !delivered {
			wire.Kill(false)
		}
	}()
	if c.plan != nil {
		wire = c.plan.Wrap(wire)
	}
	if h.start(c, wire) {
		defer watch(c)()
		h.report(Report{What: WasOpened, Status: http.StatusOK}, c.visit)
		e.How = c.deliver()
	}
	e.Why, delivered = c.why, true
	switch e.How {
	case Clean:
		wire.End()
	case Reset:
		wire.Reset()
	default:
		e.How = Abort
		wire.Abort()
	}
}

// closeBooks tells how a stream has ended.
func (h *Hub) closeBooks(c *conn, e *Ending) {
	h.mu.Lock()
	e.Events, e.Bytes = c.counted.Events, c.counted.Bytes
	err := c.err
	h.mu.Unlock()
	v := c.visit
	h.report(Report{What: HasEnded, Status: e.Status, Why: e.Why, Err: err, After: time.Since(v.Time), Events: e.Events, Bytes: e.Bytes}, v)
}

// start gives a connection its wire; false if it is to end before it begins.
func (h *Hub) start(c *conn, w Wire) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.wire = w
	if c.order >= Abort {
		return false
	}
	c.running = true
	h.running++
	return true
}

// setHeader adds a header to another one; a key without values takes one away.
func setHeader(to, from http.Header) {
	maps.Copy(to, from) // net/http adds a content type only where there is no key
}

// newWire writes the head of the response and returns what carries the body, and a
// function that watches for the client to leave. What outer handlers have put into the
// header is sent.
func (h *Hub) newWire(w http.ResponseWriter, r *http.Request, header http.Header) (Wire, func(*conn) func(), error) {
	chunked := r.ProtoAtLeast(1, 1)
	if r.ProtoMajor == 1 && (!h.cfg.NoHijack || !chunked && h.cfg.Policy.RawHTTP10) {
		cw, rest, err := hijack(w, chunked, h.cfg.WriteTimeout)
		if err == nil {
			if err := cw.raw(head(w.Header(), header, chunked)); err != nil {
				cw.Abort()
				return nil, nil, err
			}
			return cw, func(c *conn) func() {
				c.watchConn(rest)
				return c.watchContext(r) // which an outer handler may end
			}, nil
		}
		if !errors.Is(err, http.ErrNotSupported) {
			return nil, nil, err
		}
	}
	w.Header().Del("Content-Length")
	setHeader(w.Header(), header)
	m := &netWire{w: w, rc: http.NewResponseController(w), conn: connBelow(r), timeout: h.cfg.WriteTimeout}
	m.setDeadline(time.Time{}) // the server's own limit is for answers
	if err := m.rc.Flush(); err != nil {
		return nil, nil, err
	}
	return m, func(c *conn) func() { return c.watchContext(r) }, nil
}

// head returns the head of a response over HTTP/1.1: what outer handlers have put into
// the header, but for what speaks of a body that they thought to write, and ours.
func head(outer, ours http.Header, chunked bool) []byte {
	for _, key := range []string{"Content-Length", "Content-Encoding", "Trailer"} {
		outer.Del(key)
	}
	outer.Set("Connection", "close") // it never carries another request
	setHeader(outer, ours)
	outer.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if chunked {
		outer.Set("Transfer-Encoding", "chunked")
	}
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	outer.Write(&b)
	b.WriteString("\r\n")
	return b.Bytes()
}

// watchConn reads from the connection, for that is how a client's leaving shows.
// What it sends is thrown away, up to a limit.
// The end of the connection ends it.
func (c *conn) watchConn(rest *bufio.Reader) {
	if !c.hub.enter() {
		c.left()
		return
	}
	go func() {
		defer c.hub.leave()
		for n := 0; n < maxRequestBody; {
			if _, err := rest.Peek(1); err != nil {
				break
			}
			d, _ := rest.Discard(rest.Buffered())
			n += d
		}
		c.left()
	}()
}

// watchContext takes the end of the request's context for that of the client.
func (c *conn) watchContext(r *http.Request) (stop func()) {
	cancel := context.AfterFunc(r.Context(), c.left)
	return func() { cancel() }
}

// left takes note that the client is gone.
func (c *conn) left() {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.command(gone, whyGone)
}
