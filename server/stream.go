package server

import (
	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A Stream is a plain stream: any events, with any ids, without envelopes and without
// the control frames connected and heartbeat (a comment proves the path instead). Its
// methods are safe for concurrent use.
type Stream struct{ st *hub.Stream }

// Name returns the stream's name.
func (st *Stream) Name() string { return st.st.Name() }

// URL returns the stream's address, under [Options.URL].
func (st *Stream) URL() string { return st.st.URL() }

// Send publishes an event. It returns once the event is in the log, and never waits for
// a client. Nothing was sent if there is an error: an [*sse.FieldError], or [ErrEnded].
//
// Ids are yours to give. A client resumes behind the newest event with the id that it
// has, so ids should differ; events without one can't be resumed behind.
func (st *Stream) Send(ev sse.Event) error { return publishError(st.st.Send(ev)) }

// Gap says that events are missing behind the newest one; see [Session.Gap].
func (st *Stream) Gap() { st.st.Gap() }

// End ends the stream: its readers get what is left and then a clean end. For
// [Options.RetireAfter] it can still be read, as an ended session can. A stream of the
// same name that is asked for later is another one.
func (st *Stream) End() { st.st.End() }
