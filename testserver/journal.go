package testserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Request is what the server remembers of one request: for a stream, whether there
// was one or not, for a token, or for anything else. Requests to the control API are
// not in the journal.
type Request struct {
	Number      int64       `json:"number"` // in the journal, from 1
	Time        time.Time   `json:"time"`
	RemoteAddr  string      `json:"remoteAddr"`
	Proto       string      `json:"proto"`
	Method      string      `json:"method"`
	URL         string      `json:"url"` // as it was sent; a token in it is masked
	Header      http.Header `json:"header"`
	Body        string      `json:"body"`        // of the request, at most 64 KiB
	Stream      string      `json:"stream"`      // the session, the plain stream or [Global]; "" if it was for none
	Unknown     bool        `json:"unknown"`     // there was no such stream
	LastEventID string      `json:"lastEventId"` // that was asked for

	Status int      `json:"status"` // 0 if there was no response
	Start  string   `json:"start"`  // the id of the last event before the first that the connection was to get
	Gap    string   `json:"gap"`    // the response's Last-Event-ID header
	Faults []string `json:"faults"` // kinds of those that struck

	Open     bool      `json:"open"`     // it is not over
	Events   int       `json:"events"`   // delivered as a whole
	Bytes    int64     `json:"bytes"`    // of the body, control frames included
	LastSent string    `json:"lastSent"` // the id of the newest event delivered
	End      time.Time `json:"end"`
	Why      string    `json:"why"` // why it ended
}

// MarshalJSON writes all members always, null where there is nothing.
func (r Request) MarshalJSON() ([]byte, error) {
	type plain Request
	form := struct {
		plain
		Stream      *string    `json:"stream"`
		LastEventID *string    `json:"lastEventId"`
		Status      *int       `json:"status"`
		Start       *string    `json:"start"`
		Gap         *string    `json:"gap"`
		LastSent    *string    `json:"lastSent"`
		End         *time.Time `json:"end"`
		Why         *string    `json:"why"`
	}{
		plain: plain(r), Stream: orNil(r.Stream), LastEventID: orNil(r.LastEventID), Status: orNil(r.Status), Start: orNil(r.Start),
		Gap: orNil(r.Gap), LastSent: orNil(r.LastSent), End: orNil(r.End), Why: orNil(r.Why),
	}
	return json.Marshal(form)
}

// Requests returns the requests so far, oldest first, of which the newest 4,096 are
// kept ([Options.Journal]).
func (s *Server) Requests() []Request { return s.book.requests(0) }

// RequestsOn returns those that were for one stream.
func (s *Server) RequestsOn(stream string) []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return r.Stream != stream })
}

// requests returns the entries behind a number.
func (b *book) requests(after int64) []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Request, 0, len(b.kept))
	for _, e := range b.kept {
		if e.Number > after {
			r := e.request()
			r.Header, r.Faults = e.Header.Clone(), append([]string{}, e.Faults...)
			all = append(all, r)
		}
	}
	return all
}

// Delivered returns the ids of the events that the connection of a request got as a
// whole, in the order in which they were published; "" for one without id, and for
// those that the server has forgotten ([Options.Record]). It is nil if the request is
// not in the journal or has got nothing.
func (s *Server) Delivered(request int64) []string {
	ids, _ := s.book.delivered(request)
	return ids
}

// delivered does the same, and tells whether the journal has the request.
func (b *book) delivered(request int64) (ids []string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(request)
	if e == nil || e.record == nil {
		return nil, e != nil
	}
	for _, span := range e.got {
		for place := span[0]; place < span[1]; place++ {
			id := ""
			if place >= e.record.forgotten && place < e.record.end() {
				id = e.record.at(place).id
			}
			ids = append(ids, id)
		}
	}
	return ids, true
}

// Journal returns the requests so far in words, a line for each, oldest first. A
// failing test of a server that [New] or [NewInMemory] made logs the newest hundred
// lines.
func (s *Server) Journal() string {
	var b strings.Builder
	for _, r := range s.Requests() {
		r.appendText(&b)
	}
	return b.String()
}

// String returns the request in words, on one line.
func (r Request) String() string {
	var b strings.Builder
	r.appendText(&b)
	return strings.TrimSuffix(b.String(), "\n")
}

func (r *Request) appendText(b *strings.Builder) {
	fmt.Fprintf(b, "#%d %s %s %s", r.Number, r.Time.Format("15:04:05.000"), r.Method, r.URL)
	if r.LastEventID != "" {
		fmt.Fprintf(b, ", Last-Event-ID %q", r.LastEventID)
	}
	switch {
	case r.Status != 0:
		fmt.Fprintf(b, ": %d", r.Status)
	case r.Open:
		b.WriteString(": no response yet")
	default:
		b.WriteString(": no response")
	}
	if r.Unknown {
		b.WriteString(", no such stream")
	}
	if r.Gap != "" {
		fmt.Fprintf(b, ", gap to %q", r.Gap)
	}
	if r.Start != "" {
		fmt.Fprintf(b, ", from %q on", r.Start)
	}
	if r.Stream != "" {
		fmt.Fprintf(b, ", %d events", r.Events)
	}
	if r.LastSent != "" {
		fmt.Fprintf(b, " up to %q", r.LastSent)
	}
	fmt.Fprintf(b, ", %d bytes", r.Bytes)
	if len(r.Faults) > 0 {
		fmt.Fprintf(b, ", faults %s", strings.Join(r.Faults, " "))
	}
	switch {
	case r.Open:
		b.WriteString("; open")
	case r.Why != "":
		fmt.Fprintf(b, "; after %v: %s", r.End.Sub(r.Time).Round(time.Microsecond), r.Why)
	}
	b.WriteByte('\n')
}

// How many lines of the journal, and how many faults, a failing test logs.
const (
	maxLogged   = 100
	maxUnstruck = 20
)

// showIfFailed shows what the server saw, and which faults it did not, under a test
// that failed.
func (s *Server) showIfFailed(tb TB) {
	if !tb.Failed() {
		return
	}
	lines := strings.SplitAfter(s.Journal(), "\n")
	lines = lines[:len(lines)-1] // behind the last line end is nothing
	skipped := max(0, len(lines)-maxLogged)
	tb.Logf("testserver %s: %d requests, the newest %d:\n%s%s", s.URL, len(lines), len(lines)-skipped,
		strings.Join(lines[skipped:], ""), s.unstruck(maxUnstruck))
}
