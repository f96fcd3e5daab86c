package server

import (
	"strconv"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
)

// A StreamID names one stream of a server. Sessions and plain streams have name spaces
// of their own.
type StreamID struct {
	Kind StreamKind
	Name string // "" for the global stream
}

// A StreamKind tells the three kinds of stream apart.
type StreamKind int

const (
	OfSession StreamKind = iota // of one session: GET /v1/sessions/NAME/events
	OfAll                       // the global one, of all sessions: GET /v1/events
	Plain                       // any events: GET /events?stream=NAME
)

// String returns the id in words: session "abc", stream "orders", all sessions.
func (id StreamID) String() string {
	switch id.Kind {
	case OfAll:
		return "all sessions"
	case Plain:
		return "stream " + strconv.Quote(id.Name)
	}
	return "session " + strconv.Quote(id.Name)
}

func streamID(id hub.StreamID) StreamID { return StreamID{StreamKind(id.Kind), id.Name} }
