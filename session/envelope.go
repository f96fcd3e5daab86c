package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// An Envelope is the JSON of one frame. Which members there are differs: control
// frames have neither EmittedAt nor ID, frames of the global stream have no
// EmittedAt, and those of Aegis 1.3.3 no ID either.
type Envelope struct {
	Kind      Kind            `json:"event"`
	SessionID string          `json:"sessionId,omitempty"` // empty in the global stream's control frames
	Timestamp time.Time       `json:"timestamp,omitzero"`
	Data      json.RawMessage `json:"data,omitempty"`      // see Decode
	EmittedAt int64           `json:"emittedAt,omitempty"` // Unix time in milliseconds
	ID        int64           `json:"id,omitempty"`        // also the frame's SSE id; 0 in control frames
}

// timestampFormat is how servers write times that have no more than milliseconds.
const timestampFormat = "2006-01-02T15:04:05.000Z07:00"

// MarshalJSON implements [json.Marshaler]. It writes the members in the order and
// the timestamp in the form that servers use.
func (e Envelope) MarshalJSON() ([]byte, error) {
	wire := struct {
		Kind      Kind            `json:"event"`
		SessionID *string         `json:"sessionId,omitempty"`
		Timestamp json.RawMessage `json:"timestamp,omitempty"`
		Data      json.RawMessage `json:"data,omitempty"`
		EmittedAt int64           `json:"emittedAt,omitempty"`
		ID        int64           `json:"id,omitempty"`
	}{Kind: e.Kind, Data: e.Data, EmittedAt: e.EmittedAt, ID: e.ID}
	if e.SessionID != "" || e.Kind == Shutdown { // which has an empty one
		wire.SessionID = &e.SessionID
	}
	if t := e.Timestamp; !t.IsZero() {
		stamp, err := t.MarshalJSON() // refuses what no JSON can hold
		if err != nil {
			return nil, err
		}
		if t.Nanosecond()%int(time.Millisecond) == 0 {
			stamp = t.AppendFormat([]byte{'"'}, timestampFormat+`"`)
		}
		wire.Timestamp = stamp
	}
	return json.Marshal(wire)
}

// A MalformedError says that an event's data is not an envelope, or that the
// envelope's data is not of its kind. It spoils that event alone; the stream goes
// on.
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
	kind, _ := Peek(ev)
	return kind
}

// Peek returns an event's kind, as [KindOf] does, and its timestamp as the server
// wrote it. The timestamp is "" if there is none, or if it does not stand where
// servers put it, behind the kind and the session's id.
func Peek(ev sse.Event) (kind Kind, timestamp string) {
	if name, rest, ok := plain(ev.Data, `{"event":"`); ok {
		if _, behind, ok := plain(rest, `,"sessionId":"`); ok {
			rest = behind
		}
		timestamp, _, _ = plain(rest, `,"timestamp":"`)
		return Kind(name), timestamp
	}
	if !strings.HasPrefix(strings.TrimLeft(ev.Data, " \t\r\n"), "{") {
		return "", ""
	}
	var env struct {
		Kind      Kind `json:"event"`
		Timestamp any  `json:"timestamp"` // of any type: the kind counts
	}
	if json.Unmarshal([]byte(ev.Data), &env) != nil {
		return "", ""
	}
	timestamp, _ = env.Timestamp.(string)
	return env.Kind, timestamp
}

// plain cuts a string of JSON without escapes from what begins with the prefix.
func plain(s, prefix string) (text, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, prefix)
	if !ok {
		return "", "", false
	}
	text, rest, ok = strings.Cut(s, `"`)
	if !ok || strings.Contains(text, `\`) {
		return "", "", false
	}
	return text, rest, true
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
