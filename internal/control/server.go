package control

import (
	"context"
	"encoding/json"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A Server is what the API drives. Its methods are safe for concurrent use. Streams
// have names: a session's id, a plain stream's name, or "*" for the stream of all
// sessions.
type Server interface {
	Stats() any // as JSON

	Sessions() []Stream
	CreateSession(name string) (Stream, error)
	EndSession(name, reason string) (id int64, ok bool)
	Streams() []Stream
	CreateStream(name string) (Stream, error)
	EndStream(name string) bool
	Knows(stream string) bool
	Numbers(stream string) bool // its ids are numbers, which the server gives

	EmitTo(session, kind string, data json.RawMessage) (id int64, err error) // creates it if need be
	SendTo(stream string, ev sse.Event) error                                // the same
	Published(stream string) (events []Published, complete bool)
	Assert(q Question) Verdict
	Write(stream string, b []byte) (connections int) // "" is all

	Inject(faults []fault.Fault) ([]fault.Info, error)
	Faults() []fault.Info
	Fault(number int) (fault.Info, bool)
	RemoveFaults(numbers ...int) int
	RemoveAllFaults() int

	Conns(stream string) []Conn // "" is all
	EndConn(number int64, how How) bool
	EndConns(stream string, how How) int
	Requests(after int64) any                        // as JSON
	Delivered(request int64) (ids []string, ok bool) // "" for one without id

	Wait(ctx context.Context, f Fact) error
	Restart(keep Keep, down time.Duration) error
	Reset() error
}

// A Stream is a session or a plain stream in JSON.
type Stream struct {
	Name        string    `json:"name"`
	URL         string    `json:"url"`
	Created     time.Time `json:"created"`
	Ended       bool      `json:"ended"`
	Kept        int       `json:"kept"`        // events for replay
	Newest      *string   `json:"newest"`      // the id of the newest event
	Connections int       `json:"connections"` // open ones
}

// A Published is an event that a stream has published, in JSON.
type Published struct {
	ID   *string `json:"id"`
	Type *string `json:"event"` // the kind of a session's event; the type of a plain one
	Data string  `json:"data"`  // of the SSE event, exactly
}

// A Conn is a request for a stream that is not over, in JSON.
type Conn struct {
	Number     int64     `json:"number"` // of its request in the journal
	Stream     string    `json:"stream"`
	RemoteAddr string    `json:"remoteAddr"`
	Since      time.Time `json:"since"`
	Open       bool      `json:"open"` // the stream is under way; otherwise it waits for its answer
	Events     int       `json:"events"`
	Bytes      int64     `json:"bytes"`
	LastSent   *string   `json:"lastSent"` // the id of the newest event written
	Behind     int       `json:"behind"`   // events that are not written yet
}

// How is a way to end a connection.
type How string

// The ways to end a connection.
const (
	Cut   How = "cut"
	End   How = "end"
	Reset How = "reset"
)

// Keep says what a restart keeps.
type Keep string

// What a restart keeps.
const (
	KeepLogs    Keep = "logs"
	KeepCounter Keep = "counter"
	KeepNothing Keep = "nothing"
)

// A Fact is what a wait is for: one of the four, of a stream where that is given.
type Fact struct {
	Connections *int    // so many are open, exactly
	Requests    *int    // so many have come
	Delivered   *string // the event with that id was written; on the connection of a request, if that is given
	Request     *int64
	Fired       *int // the fault has struck so often
	Fault       int
	Stream      string
}

// A Question is what a client claims to have seen of a stream.
type Question struct {
	Stream string
	Seen   []Seen
	All    bool // the first event published must be there, and the order must be kept
}

// Seen is one event that a client saw: its id, and its type and data if these are to
// be compared.
type Seen struct {
	ID   *string
	Type *string
	Data *string
}

// A Verdict is the answer, in JSON.
type Verdict struct {
	OK       bool      `json:"ok"`
	Problems []string  `json:"problems"` // in words
	Missing  []string  `json:"missing"`  // ids of events that were not seen
	Repeated []string  `json:"repeated"` // ids of events seen again, or too late
	Unknown  []string  `json:"unknown"`  // ids of events that were never published
	Changed  []Changed `json:"changed"`
}

// A Changed is an event that was seen otherwise than it was published.
type Changed struct {
	ID        string    `json:"id"`
	Published Published `json:"published"`
	Seen      Published `json:"seen"`
}
