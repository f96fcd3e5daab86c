package testserver

import (
	"net/http"
	"time"
)

// A Request is what the server remembers of one request for a stream. Requests
// for the control API and for tokens are not in the journal.
type Request struct {
	Number      int64       `json:"number"` // of all requests, from 1
	Time        time.Time   `json:"time"`
	RemoteAddr  string      `json:"remoteAddr"`
	Proto       string      `json:"proto"`
	Method      string      `json:"method"`
	URL         string      `json:"url"` // as it was sent; a token in it is masked
	Header      http.Header `json:"header"`
	Stream      string      `json:"stream,omitempty"`      // the session, the plain stream or [Global]; "" if there is none
	LastEventID string      `json:"lastEventId,omitempty"` // that was asked for

	Status int      `json:"status,omitempty"` // 0 if there was no response
	Start  string   `json:"start,omitempty"`  // the id of the last event before the first that the connection was to get
	Gap    string   `json:"gap,omitempty"`    // the response's Last-Event-ID header
	Faults []string `json:"faults,omitempty"` // kinds of those that struck

	Open     bool      `json:"open"` // the stream is under way
	Events   int       `json:"events"`
	Bytes    int64     `json:"bytes"`              // of the body, control frames included
	LastSent string    `json:"lastSent,omitempty"` // the id of the newest event written
	End      time.Time `json:"end,omitzero"`
	Why      string    `json:"why,omitempty"` // why it ended

	last frame // the newest event written
}

// A journal keeps the newest requests.
type journal struct {
	max   int
	count int64
	kept  []*Request
}

func (j *journal) add(r *Request) {
	j.count++
	r.Number = j.count
	if len(j.kept) == j.max {
		j.kept[0] = nil
		j.kept = j.kept[1:]
	}
	j.kept = append(j.kept, r)
}

// Requests returns the requests for streams so far, oldest first, of which the
// newest 4,096 are kept ([Options.Journal]).
func (s *Server) Requests() []Request {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Request, len(h.journal.kept))
	for i, r := range h.journal.kept {
		all[i] = *r
		all[i].LastSent, all[i].last = r.last.name(), frame{}
		all[i].Header = r.Header.Clone()
		all[i].Faults = append([]string(nil), r.Faults...)
	}
	return all
}
