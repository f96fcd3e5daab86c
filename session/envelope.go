package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// An Envelope is the JSON of one frame.
type Envelope struct {
	Kind      Kind            `json:"event"`
	SessionID string          `json:"sessionId,omitempty"` // empty in the global stream's control frames
	Timestamp time.Time       `json:"timestamp,omitzero"`
	Data      json.RawMessage `json:"data,omitempty"`      // one of this package's data types, by kind
	EmittedAt int64           `json:"emittedAt,omitempty"` // Unix time in milliseconds
	ID        int64           `json:"id,omitempty"`        // also the frame's SSE id; 0 in control frames
}

// What Envelope.Data holds for the kinds that have a form of their own.
type (
	// StatusData is that of status and session_status_change.
	StatusData struct {
		Status string `json:"status"`
		Detail string `json:"detail,omitempty"`
	}
	// MessageData is that of message and session_message.
	MessageData struct {
		Role        string `json:"role"`
		Text        string `json:"text"`
		ContentType string `json:"contentType,omitempty"`
	}
	// ApprovalData is that of approval and session_approval.
	ApprovalData struct {
		Prompt string `json:"prompt"`
	}
	// EndedData is that of ended and session_ended.
	EndedData struct {
		Reason string `json:"reason"`
	}
	// ConnectedData is that of connected on the global stream.
	ConnectedData struct {
		ActiveSessions int `json:"activeSessions"`
	}
)

// A MalformedError says that an event's data is not an envelope. It spoils
// that event alone; the stream goes on.
type MalformedError struct {
	EventID string // the event's last event ID
	Err     error
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("session: malformed envelope in event %q: %v", e.EventID, e.Err)
}

func (e *MalformedError) Unwrap() error { return e.Err }

// Parse decodes the envelope of an event. The error is a [*MalformedError].
func Parse(ev sse.Event) (Envelope, error) {
	var env Envelope
	if err := json.Unmarshal([]byte(ev.Data), &env); err != nil {
		return Envelope{}, &MalformedError{EventID: ev.ID, Err: err}
	}
	if env.Kind == "" {
		return Envelope{}, &MalformedError{EventID: ev.ID, Err: errNoKind}
	}
	return env, nil
}

var errNoKind = errors.New(`no "event" member`)

// KindOf returns the kind of an event, or "" if its data is not an envelope.
// Where the data begins as servers write it, with the kind, it looks no further:
// it is for choosing, and [Parse] for believing.
func KindOf(ev sse.Event) Kind {
	if rest, ok := strings.CutPrefix(ev.Data, `{"event":"`); ok {
		if kind, _, ok := strings.Cut(rest, `"`); ok && !strings.Contains(kind, `\`) {
			return Kind(kind)
		}
	}
	if !strings.HasPrefix(strings.TrimLeft(ev.Data, " \t\r\n"), "{") {
		return ""
	}
	var env struct {
		Kind Kind `json:"event"`
	}
	if json.Unmarshal([]byte(ev.Data), &env) != nil {
		return ""
	}
	return env.Kind
}

// IsControl tells whether an event is a control frame: connected or heartbeat,
// in a block without an id of its own. An event of these kinds that has an id is
// an event like any other.
func IsControl(ev sse.Event) bool {
	if ev.HasID {
		return false
	}
	k := KindOf(ev)
	return k == Connected || k == Heartbeat
}
