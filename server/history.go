package server

import (
	"context"
	"iter"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Earliest is what [Past.Start] says where events are missing and the id before the
// first one that is left is not known. Mercure has the same.
const Earliest = hub.Earliest

// A History finds events that the server does not keep: those that have left the
// window, those before the process began, and those of a session that nobody has read
// so far. It is for servers whose events are stored somewhere else.
//
// It is asked for the events of a stream behind an id; "0" asks for all there are. The
// server asks before it answers, so that the response can say where a replay starts,
// and again for each piece of a long replay, until the reader has come to what the
// server keeps. Several calls run at once. The context ends with the connection.
//
// An event must be in the History before it is published here ([Session.Append],
// [Stream.Send]), and stay there for as long as it may leave the window: then a reader
// finds each event in one of the two, and gets it once and in order. An error aborts
// the connection, or is answered with 503 if the response has not begun.
type History func(ctx context.Context, stream StreamID, after string) (Past, error)

// A Past is what a [History] has found.
type Past struct {
	// Known tells that the stream exists, although the server may not have it. It is
	// created then, without an event on the global stream.
	Known bool

	// Start says where the replay starts if events behind the id that was asked for
	// are lost: the id of the event before the first of Events, or [Earliest]. "" if
	// nothing is missing. The client is told.
	Start string

	// Newest is the newest id that is stored, of whatever stream. An id up to that is
	// taken for one of this run, and its reader waits for the events behind it, also
	// if the server has not come so far yet. It may be newer than what Events has. It
	// does not matter on plain streams.
	Newest int64

	// Over tells that the stream has ended, and that nothing of it is to be published
	// here any more, of what is stored either.
	Over bool

	// Events are the stored events behind the id, oldest first. Each has an ID, which
	// on the streams of sessions and the global one is a number, ascending. Data is all
	// of the frame's data, as it was given to [Session.Append]; for the global stream
	// it is that of the sessions' events, whose kinds are mapped here. It is read once
	// or twice, and not always to its end. Nil is none. Their end says that no more is
	// stored: events that are lost in the middle are an error where they were, and the
	// question behind the last one before them says Start.
	Events iter.Seq2[sse.Event, error]
}

func (h History) ask(ctx context.Context, id hub.StreamID, after string) (hub.Past, error) {
	p, err := h(ctx, streamID(id), after)
	return hub.Past{Known: p.Known, Start: p.Start, Newest: p.Newest, Over: p.Over, Events: p.Events}, err
}
