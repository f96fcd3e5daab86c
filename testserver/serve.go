package testserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/aegis"
	"github.com/OneStepAt4time/resilient-sse/internal/control"
	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/internal/port"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// loopPath redirects to itself for ever.
const loopPath = "/_loop"

// ServeHTTP finds what a request is for.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.gate.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.gate.leave()
	defer s.notePanic()
	c := portConn(r)
	controls := s.controls(c) && (r.URL.Path == "/" || strings.HasPrefix(r.URL.EscapedPath(), control.Path))
	if c != nil && controls {
		defer c.Spare()() // who orders a restart gets an answer
	}
	version, isAegis := s.opts.Profile.version()
	if isAegis {
		r = oldRoute(version, r)
	}
	id, isStream := hub.StreamOf(r)
	quota, within := aegis.Quota{}, true
	if isAegis && !controls && version.Counts(r, id, isStream) {
		quota, within = s.quotas.take(r.RemoteAddr)
		r = quota.With(r)
	}
	switch {
	case controls && r.URL.Path == "/":
		s.servePage(w, r)
	case controls:
		s.control.ServeHTTP(w, r)
	case c != nil && c.Port() == s.apart:
		http.NotFound(w, r)
	case s.down.Load(): // a connection that is spared carries streams of HTTP/2 too
		panic(http.ErrAbortHandler)
	case !within:
		s.refuseTooMany(version, w, r, quota)
	case r.URL.Path == loopPath:
		http.Redirect(w, r, loopPath, http.StatusTemporaryRedirect)
	case s.upstream != nil:
		s.upstream.ServeHTTP(w, r)
	case isStream && !(isAegis && r.Method != http.MethodGet):
		s.hub.ServeHTTP(w, r)
	default:
		s.serveAside(w, r)
	}
}

// notePanic remembers a panic that is not net/http's own way to end a connection, and
// goes on panicking.
func (s *Server) notePanic() {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler {
		s.book.notePanic(fmt.Sprintf("%v\n%s", v, debug.Stack()))
	}
	panic(v)
}

// controls tells whether the control API answers on a connection: on all, unless it
// has an address of its own.
func (s *Server) controls(c *port.Conn) bool {
	return !s.opts.NoControl && (s.apart == nil || c != nil && c.Port() == s.apart)
}

type connKey struct{}

// withConn lets the connection of a request be found.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return hub.WithConn(context.WithValue(ctx, connKey{}, c), c)
}

// portConn returns the connection of a request, as its port knows it; nil if it came
// some other way.
func portConn(r *http.Request) *port.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	for c != nil {
		switch conn := c.(type) {
		case *port.Conn:
			return conn
		case interface{ NetConn() net.Conn }:
			c = conn.NetConn()
		default:
			return nil
		}
	}
	return nil
}

// serveAside answers a request that is for no stream: an exchange of tokens, or
// anything else. Faults that name its path may strike it, and it is in the journal.
func (s *Server) serveAside(w http.ResponseWriter, r *http.Request) {
	e := s.book.aside(r)
	status := &statusWriter{ResponseWriter: w}
	why := ""
	defer func() { s.book.finish(e, status.code, why) }()
	conn := s.faults.Meet(fault.Request{Aside: true, Path: r.URL.Path, Method: r.Method, Header: r.Header}, e)
	defer conn.Close()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if a := conn.Answer(ctx); a != nil {
		why = "fault " + a.Kind
		s.answer(status, r, a)
		return
	}
	if ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
	if v, ok := s.opts.Profile.version(); ok && s.serveAegis(v, status, r) {
		return
	}
	s.hub.ServeHTTP(status, r)
}

// A statusWriter remembers the status of a response.
type statusWriter struct {
	http.ResponseWriter
	code int
}

func (w *statusWriter) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// resetOnAccept lets a fault take an accepted connection.
func (s *Server) resetOnAccept(c *port.Conn) bool {
	if !s.faults.Strike(fault.KindResetOnAccept, 0) {
		return false
	}
	c.Reset()
	return true
}
