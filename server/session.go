package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// A Session is a source of events, with a stream of its own and a part in the global
// one. Its methods are safe for concurrent use, return once the event is in the logs,
// and never wait for a client. The ids that they return are the server's counter, so
// one session's have holes. Once the session is over they do nothing and return 0.
type Session struct{ s *hub.Session }

// Errors of publishing.
var (
	// ErrEnded says that the session or stream has ended, or the server was shut down.
	ErrEnded = errors.New("server: stream has ended")
	// ErrOrder says that an id is not above all those before.
	ErrOrder = errors.New("server: id is not above all those before")
	// ErrNoRun says that ids from outside need [Options.Run].
	ErrNoRun = errors.New("server: ids from outside need Options.Run")
)

// ID returns the session's id.
func (s *Session) ID() string { return s.s.ID() }

// URL returns the address of the session's stream, under [Options.URL].
func (s *Session) URL() string { return s.s.URL() }

// Status publishes a status event.
func (s *Session) Status(status, detail string) int64 {
	return s.Emit(session.Status, session.StatusData{Status: status, Detail: detail})
}

// Message publishes a message event.
func (s *Session) Message(role, text string) int64 {
	return s.Emit(session.Message, session.MessageData{Role: role, Text: text})
}

// Approval publishes an approval event.
func (s *Session) Approval(prompt string) int64 {
	return s.Emit(session.Approval, session.ApprovalData{Prompt: prompt})
}

// System publishes a system event: a message in the role "system".
func (s *Session) System(text string) int64 {
	return s.Emit(session.System, session.MessageData{Role: "system", Text: text})
}

// Ended publishes the ended event. One second later the session's connections end
// cleanly. For [Options.RetireAfter] its stream can still be read: a client gets what
// is left and a clean end, or 204 if it has everything; then the answer is 404. A
// session of the same id that is created after this is another one.
func (s *Session) Ended(reason string) int64 {
	return s.Emit(session.Ended, session.EndedData{Reason: reason})
}

// Emit publishes an event of any kind. Data is what encoding/json takes; nil is no
// data. It panics if data is something else, or if ids come from outside
// ([Options.Run]): then there is [Session.Append].
func (s *Session) Emit(kind session.Kind, data any) int64 {
	b, err := encode(data)
	if err != nil {
		panic(err)
	}
	id, err := s.s.Emit(kind, b)
	if errors.Is(err, hub.ErrOutside) {
		panic(errors.New("server: ids come from outside, by Append alone, where Options.Run is set"))
	}
	return id
}

// Append publishes an event that has its id from outside; it needs [Options.Run]. Ids
// ascend, over all sessions of the server: [ErrOrder] says that one does not, and then
// nothing was published. Data is all of the frame's data, an envelope of package
// session as JSON, and goes out byte for byte; on the global stream the kind in it is
// mapped. The error is a [*sse.FieldError] if it is not UTF-8.
//
// Kind is what the event's kind is: ended ends the session. To keep ids in order,
// publish from one goroutine, or under a lock of your own.
func (s *Session) Append(id int64, kind session.Kind, data []byte) error {
	return publishError(s.s.Append(id, kind, data))
}

// Gap says that events of this session are missing behind its newest one: whoever
// follows it from outside has lost some. Connections that have read up to here end
// cleanly, and the response to their resume tells the gap (Last-Event-ID: earliest), as
// it does to whoever comes later with an id from before. It counts for the global
// stream too. Events that are published after it go on behind the gap.
func (s *Session) Gap() { s.s.Gap() }

// publishError returns our name of an engine's error.
func publishError(err error) error {
	switch {
	case errors.Is(err, hub.ErrEnded):
		return ErrEnded
	case errors.Is(err, hub.ErrOrder):
		return ErrOrder
	case errors.Is(err, hub.ErrInside):
		return ErrNoRun
	}
	return err
}

// encode returns an event's data as JSON on one line, for a line break would end the
// SSE line. HTML's characters are left as they are. Nil is no data.
func encode(data any) ([]byte, error) {
	if data == nil {
		return nil, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(data); err != nil {
		return nil, fmt.Errorf("server: data: %w", err)
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if bytes.Equal(text, []byte("null")) {
		return nil, nil
	}
	return text, nil // the encoder compacts raw JSON, and escapes line breaks in strings
}
