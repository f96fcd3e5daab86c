package testserver

import (
	"net/http"
	"strings"

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
