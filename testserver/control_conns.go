package testserver

import (
	"net/http"
	"strconv"
	"time"
)

// A connInfo is a stream under way in JSON.
type connInfo struct {
	Number     int64     `json:"number"`
	Request    int64     `json:"request"` // its number in the journal
	Stream     string    `json:"stream"`
	RemoteAddr string    `json:"remoteAddr"`
	Since      time.Time `json:"since"`
	Events     int       `json:"events"`
	Bytes      int64     `json:"bytes"`
	LastSent   string    `json:"lastSent,omitempty"` // the id of the newest event written
	Behind     int       `json:"behind"`             // events that are not written yet
}

// info describes a connection. The caller holds the lock.
func (c *conn) info() connInfo {
	return connInfo{
		Number: c.number, Request: c.entry.Number, Stream: c.target.label, RemoteAddr: c.entry.RemoteAddr,
		Since: c.opened, Events: c.entry.Events, Bytes: c.entry.Bytes, LastSent: c.entry.last.name(),
		Behind: int(c.log.end() - min(c.cursor, c.log.end())),
	}
}

func getConnections(s *Server, r *http.Request, _ []byte) (any, error) {
	if err := checkQuery(r, "stream"); err != nil {
		return nil, err
	}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	infos := []connInfo{}
	for _, c := range s.hub.sortedConns() {
		if c.isOn(r.URL.Query().Get("stream")) {
			infos = append(infos, c.info())
		}
	}
	return infos, nil
}

// isOn tells whether a connection carries a stream; "" is any.
func (c *conn) isOn(stream string) bool { return stream == "" || stream == c.target.label }

// hows are the ways to end a connection.
var hows = map[string]order{"": orderAbort, "cut": orderAbort, "end": orderEnd, "reset": orderReset}

func howOf(r *http.Request) (order, error) {
	if err := checkQuery(r, "how", "stream"); err != nil {
		return stay, err
	}
	how := r.URL.Query().Get("how")
	if o, ok := hows[how]; ok {
		return o, nil
	}
	return stay, badField("how", "%q is not cut, end or reset", how)
}

func deleteConnections(s *Server, r *http.Request, _ []byte) (any, error) {
	o, err := howOf(r)
	if err != nil {
		return nil, err
	}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	n := 0
	for c := range s.hub.conns {
		if c.isOn(r.URL.Query().Get("stream")) {
			c.command(o, whyDropped)
			n++
		}
	}
	return removed{n}, nil
}

func deleteConnection(s *Server, r *http.Request, _ []byte) (any, error) {
	o, err := howOf(r)
	if err != nil {
		return nil, err
	}
	number := r.PathValue("number")
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	for c := range s.hub.conns {
		if strconv.FormatInt(c.number, 10) == number {
			c.command(o, whyDropped)
			return c.info(), nil
		}
	}
	return nil, notFound("no connection %s", number)
}

// getRequests returns the journal, behind the request with the number in after.
func getRequests(s *Server, r *http.Request, _ []byte) (any, error) {
	if err := checkQuery(r, "after"); err != nil {
		return nil, err
	}
	requests := s.Requests()
	if after := r.URL.Query().Get("after"); after != "" {
		n, err := strconv.ParseInt(after, 10, 64)
		if err != nil {
			return nil, badField("after", "%q is not a number", after)
		}
		for len(requests) > 0 && requests[0].Number <= n {
			requests = requests[1:]
		}
	}
	return requests, nil
}

type writeRequest struct {
	Stream string `json:"stream"` // "" is all
	Text   string `json:"text"`
	Base64 []byte `json:"base64"` // for bytes that are not UTF-8
}

type written struct {
	Connections int `json:"connections"`
}

func write(s *Server, _ *http.Request, req writeRequest) (any, error) {
	if (req.Text == "") == (len(req.Base64) == 0) {
		return nil, badField("text", "must be there, or base64, and not both")
	}
	return written{s.Write(req.Stream, append([]byte(req.Text), req.Base64...))}, nil
}
