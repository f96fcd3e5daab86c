package hub

// A StreamID names one stream. Sessions and plain streams have name spaces of their
// own.
type StreamID struct {
	Kind Kind
	Name string // "" for the global stream
}

// A Kind tells the three kinds of stream apart.
type Kind int

const (
	OfSession Kind = iota // of one session: GET /v1/sessions/NAME/events
	OfAll                 // of all sessions: GET /v1/events
	Plain                 // any events: GET /events?stream=NAME
)

// GlobalID is the id of the stream of all sessions.
var GlobalID = StreamID{Kind: OfAll}
