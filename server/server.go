package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
)

// A Server publishes session streams and plain ones. It is an [http.Handler], without a
// listener of its own and without a goroutine where there is no stream. Its methods
// are safe for concurrent use.
type Server struct{ hub *hub.Hub }

// New returns a server. The error is an [*OptionError].
func New(opts *Options) (*Server, error) {
	h, err := hub.New(opts.config())
	if e, ok := errors.AsType[*hub.OptionError](err); ok {
		return nil, &OptionError{e.Field, e.Reason}
	} else if err != nil {
		return nil, err
	}
	return Over(h), nil
}

// Over returns a server whose engine is there already: that is how package testserver
// gets its faults into this one. It is of no use outside of this module, where nobody
// has an engine.
func Over(h *hub.Hub) *Server { return &Server{h} }

// ServeHTTP serves
//
//	GET  /v1/sessions/{id}/events   the stream of a session
//	GET  /v1/events                 the stream of all sessions
//	GET  /events?stream=NAME        a plain stream; POST gets it too
//	GET  /v1/sessions               the list of sessions that have not ended, as JSON, in pages
//	POST /v1/auth/sse-token         a single-use token, with Options.SSETokens
//
// and answers 404 to what else comes. Who may have the global stream may have the list.
// It returns when the stream has ended. What outer
// handlers have put into the header is sent.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.hub.ServeHTTP(w, r) }

// Session returns the session with the id, and creates it if there is none, or only one
// that has ended. The global stream then gets session_created, unless ids come from
// outside ([Options.Run]). The error is that no path can hold the id.
func (s *Server) Session(id string) (*Session, error) {
	ses, err := s.hub.Session(id)
	if err != nil {
		return nil, err
	}
	return &Session{ses}, nil
}

// Stream returns the plain stream with the name, and creates it if there is none, or
// only one that has ended. Any name will do but "" and "*".
func (s *Server) Stream(name string) (*Stream, error) {
	st, err := s.hub.Stream(name)
	if err != nil {
		return nil, err
	}
	return &Stream{st}, nil
}

// Gap says that events of sessions that are not known are missing behind the newest one
// of the global stream. See [Session.Gap].
func (s *Server) Gap() { s.hub.Gap() }

// Shutdown ends gracefully: requests get 503, the global stream gets shutdown, and each
// connection ends cleanly behind the newest event, so that its client loses nothing and
// resumes at once elsewhere. When the context ends before, what is left is cut, and the
// error is the context's cause. After that the server is closed for good: connections
// are cut, nothing can be published, and no goroutine is left.
//
// [http.Server.Shutdown] knows nothing of connections that were taken over, and waits
// for those of HTTP/2, which end only when they are told to. Register this method:
//
//	hs.RegisterOnShutdown(func() { srv.Shutdown(ctx) })
//
// and wait for both; see the example.
func (s *Server) Shutdown(ctx context.Context) error { return s.hub.Shutdown(ctx) }

// Stats are a server's counts since its start.
type Stats struct {
	Run       string // of the counter, as in the Sse-Run header
	Counter   int64  // the newest id
	Sessions  int    // that have not retired
	Streams   int    // plain ones, the same
	Open      int    // streams that are being read
	Requests  int64  // for streams
	Events    int64  // published
	Delivered int64  // events written to connections
	Bytes     int64  // of bodies
	Kept      int    // bytes of events in memory
}

// Stats returns the counts of the moment.
func (s *Server) Stats() Stats { return Stats(s.hub.Stats()) }
