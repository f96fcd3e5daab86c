package testserver

import (
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// Global names the stream of all sessions where a stream's name is asked for.
const Global = "*"

// A Session is a coding session that the server pretends to run: a source of
// events. Its methods are safe for concurrent use, return once the event is in
// the logs, and never wait for a client. The ids that they return are the server's
// counter, so one session's have holes. Once the session is over, they do
// nothing and return 0.
type Session struct {
	hub        *hub
	id         string
	quoted     []byte // the id as JSON
	created    time.Time
	log        *eventLog
	url        string
	ended      bool        // its ended event is out; guarded by the hub's lock
	retirement *time.Timer // guarded by the hub's lock
}

// Session returns the session with the id, and creates it if there is none, or
// none that has not ended. An id that no path can hold panics.
func (s *Server) Session(id string) *Session {
	ses, err := s.hub.session(id)
	if err != nil {
		panic(err)
	}
	return ses
}

// ID returns the session's id.
func (s *Session) ID() string { return s.id }

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

// Ended publishes the ended event. One second later the session is retired: its
// connections end cleanly, and its address answers 404. A session of the same id
// that was created since is another one, and goes on.
func (s *Session) Ended(reason string) int64 {
	return s.Emit(session.Ended, session.EndedData{Reason: reason})
}

// Emit publishes an event of any kind. Data is what encoding/json takes; nil is
// no data. Data that it does not take panics.
func (s *Session) Emit(kind session.Kind, data any) int64 {
	b, err := encodeData(data)
	if err != nil {
		panic(err)
	}
	return s.hub.emit(s, kind, b)
}

// URL returns the address of the session's stream.
func (s *Session) URL() string { return s.url }
