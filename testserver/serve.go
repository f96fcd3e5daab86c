package testserver

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"time"
)

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
	t, _ := h.find(r)
	entry.Stream = t.label
	h.journal.add(entry)
	slow := h.first(entry, ofStage(stageDelay))
	now := h.first(entry, ofStage(stageInstead))
	h.check()
	h.mu.Unlock()

	switch {
	case !h.delay(r, slow):
		h.close(entry, 0, whyGone)
		panic(http.ErrAbortHandler)
	case now != nil:
		h.instead(w, r, entry, now)
	default:
		h.follow(w, r, entry)
	}
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

// refuse answers with JSON instead of the stream.
func (h *hub) refuse(w http.ResponseWriter, entry *Request, why *refusal) {
	maps.Copy(w.Header(), why.header)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(why.status)
	io.WriteString(w, why.body+"\n")
	h.close(entry, why.status, "")
}

// close ends a request's entry in the journal.
func (h *hub) close(entry *Request, status int, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	entry.Status, entry.End, entry.Why = status, time.Now(), why
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
func (h *hub) follow(w http.ResponseWriter, r *http.Request, entry *Request) {
	c, header, why := h.admit(r, entry)
	if why != nil {
		h.refuse(w, entry, why)
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
