package hub

import (
	"context"
	"iter"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A History finds events that a log has let go, or never had. It is asked for the
// events of a stream behind an id: "" and "0" are all there are. It is called before
// the response's head is sent, and again wherever a reader is behind the log; several
// calls run at once. The context ends with the connection.
type History func(ctx context.Context, id StreamID, after string) (Past, error)

// Past is what a [History] found.
type Past struct {
	// Known tells that the stream exists. The hub then creates it, if it has none.
	Known bool
	// Start is the id of the event before the first of Events, if events between the
	// id that was asked for and that one are lost; [Earliest] if they are and there
	// is no such id; "" if nothing is missing.
	Start string
	// Newest is the newest id that is stored for any stream of this run, on streams
	// of sessions and the global one: an id up to it is one of this run.
	Newest int64
	// Over tells that nothing of the stream is to be published any more.
	Over bool
	// Events are the stored events, oldest first. An event has an ID. Its data goes
	// out as it is; on the global stream the kind in it is mapped first. It may be
	// iterated twice, and iterating may be given up at any event. Behind an error that
	// comes after events the history is asked again.
	Events iter.Seq2[sse.Event, error]
}
