package testserver

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// Global names the stream of all sessions where a stream's name is asked for.
const Global = "*"

func errNameTaken(id hub.StreamID) error {
	if id.Kind == hub.Plain {
		return fmt.Errorf("testserver: %q is a session, so no plain stream can have that name: faults and waits could not tell them apart", id.Name)
	}
	return fmt.Errorf("testserver: %q is a plain stream, so no session can have that id: faults and waits could not tell them apart", id.Name)
}

// Session returns the session with the id, and creates it if there is none, or none
// that has not ended. An id that no path can hold, or that a plain stream has, panics.
func (s *Server) Session(id string) *server.Session {
	ses, err := s.session(id)
	if err != nil {
		panic(err)
	}
	return ses
}

func (s *Server) session(id string) (*server.Session, error) {
	if id == Global {
		return nil, fmt.Errorf("testserver: %q is the name of the stream of all sessions", Global)
	}
	if err := s.book.name(hub.StreamID{Kind: hub.OfSession, Name: id}); err != nil {
		return nil, err
	}
	return s.on.Session(id)
}

// Stream returns the plain stream with the name, and creates it if there is none, or
// none that has not ended. It is read at GET /events?stream=NAME. A name that is "" or
// [Global], or that a session has, panics.
func (s *Server) Stream(name string) *server.Stream {
	st, err := s.stream(name)
	if err != nil {
		panic(err)
	}
	return st
}

func (s *Server) stream(name string) (*server.Stream, error) {
	if name == "" || name == Global {
		return nil, fmt.Errorf("testserver: a plain stream can't have the name %q", name)
	}
	if err := s.book.name(hub.StreamID{Kind: hub.Plain, Name: name}); err != nil {
		return nil, err
	}
	return s.on.Stream(name)
}

// matching returns what tells the stream of a name from others; "" is all.
func (s *Server) matching(stream string) func(hub.StreamID) bool {
	if stream == "" {
		return func(hub.StreamID) bool { return true }
	}
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	id, ok := s.book.idOf(stream)
	return func(other hub.StreamID) bool { return ok && other == id }
}

// Write puts bytes as they are on the open connections of a stream: a session's id, a
// plain stream's name, or [Global]; "" is all. On each they come behind the events
// published before, and are in no log, so nobody gets them as a replay. It returns to
// how many connections they go, and does not wait for these.
func (s *Server) Write(stream string, b []byte) int {
	return s.hub.Write(s.matching(stream), b)
}

// A Conn is a request for a stream that is not over.
type Conn struct {
	server *Server
	visit  int64
	pass   func(error) // ends one that goes to another server

	Request  Request // so far
	Behind   int     // events in the log that are not written yet
	Awaiting bool    // it has no answer yet
}

// Conns returns the requests for a stream that are not over, oldest first: of a
// session's id, a plain stream's name, or [Global]; "" is all. A proxy's requests have
// the names that faults know them by.
func (s *Server) Conns(stream string) []Conn {
	infos := s.hub.Conns()
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	var conns []Conn
	add := func(e *entry, c Conn) {
		if stream == "" || e.Stream == stream {
			c.server, c.Request = s, e.request()
			c.Request.Faults = append([]string{}, e.Faults...)
			conns = append(conns, c)
		}
	}
	for _, i := range infos {
		if e := s.book.visits[i.Visit]; e != nil {
			add(e, Conn{visit: e.visit, Behind: i.Behind, Awaiting: !i.Open})
		}
	}
	for e := range s.book.passes {
		add(e, Conn{pass: e.end, Awaiting: !e.open})
	}
	slices.SortFunc(conns, func(a, b Conn) int { return cmp.Compare(a.Request.Number, b.Request.Number) })
	return conns
}

// Cut cuts the connection, in the middle of whatever it carries.
func (c *Conn) Cut() { c.command(hub.Abort, fault.EndCut) }

// End ends the connection cleanly, behind the event that is being written. One that has
// no answer yet is cut.
func (c *Conn) End() { c.command(hub.Clean, fault.EndCleanly) }

// Reset ends the connection with a TCP reset (on HTTP/2 with all its streams).
func (c *Conn) Reset() { c.command(hub.Reset, fault.EndReset) }

func (c *Conn) command(how hub.How, passing fault.How) {
	if c.pass != nil {
		c.pass(&order{passing, whyDropped})
		return
	}
	c.server.hub.Command(c.visit, how, whyDropped)
}

// WaitDelivered waits until the event with the id was written, as a whole, to this
// connection.
func (c *Conn) WaitDelivered(ctx context.Context, id string) error {
	return c.server.WaitDeliveredTo(ctx, c.Request.Number, id)
}

// Why connections end, beside what the hub says.
const (
	whyDropped = "dropped"
	whyClosed  = "the server was closed"
	whyRestart = "the server restarted"
	whyReset   = "the server was reset"
)

// Stats are the server's counts since its start.
type Stats struct {
	Run       string `json:"run"`       // of the counter, as in the Sse-Run header
	Counter   int64  `json:"counter"`   // the newest id
	Sessions  int    `json:"sessions"`  // that have not been retired
	Open      int    `json:"open"`      // streams under way
	Requests  int64  `json:"requests"`  // for streams
	Events    int64  `json:"events"`    // published
	Delivered int64  `json:"delivered"` // events written to connections
	Bytes     int64  `json:"bytes"`     // of bodies
	Faults    int64  `json:"faults"`    // strikes
	Restarts  int64  `json:"restarts"`
}

// Stats returns the server's counts.
func (s *Server) Stats() Stats {
	h := s.hub.Stats()
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return Stats{
		Run: h.Run, Counter: h.Counter, Sessions: h.Sessions, Open: s.book.running, Requests: s.book.streams,
		Events: h.Events, Delivered: h.Delivered, Bytes: h.Bytes, Faults: s.book.faults, Restarts: s.book.restarts,
	}
}
