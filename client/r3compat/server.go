package sse

import (
	"io"

	r3labs "github.com/r3labs/sse/v2"
)

// Event is r3labs' own, so that it is the same on both sides. The client leaves
// Event empty where the type is "message", and sets no Comment.
type Event = r3labs.Event

// What serves streams is r3labs' own, unchanged. To serve one by other means, see
// the Encoder of this module's package sse.
type (
	Server            = r3labs.Server
	Stream            = r3labs.Stream
	Subscriber        = r3labs.Subscriber
	EventLog          = r3labs.EventLog
	EventStreamReader = r3labs.EventStreamReader
)

// DefaultBufferSize is r3labs'.
const DefaultBufferSize = r3labs.DefaultBufferSize

// New returns r3labs' server.
func New() *Server { return r3labs.New() }

// NewWithCallback returns r3labs' server with callbacks.
func NewWithCallback(onSubscribe, onUnsubscribe func(streamID string, sub *Subscriber)) *Server {
	return r3labs.NewWithCallback(onSubscribe, onUnsubscribe)
}

// NewEventStreamReader returns r3labs' reader, which [Client] does not use: an
// event that is longer than its buffer stops it.
func NewEventStreamReader(eventStream io.Reader, maxBufferSize int) *EventStreamReader {
	return r3labs.NewEventStreamReader(eventStream, maxBufferSize)
}
