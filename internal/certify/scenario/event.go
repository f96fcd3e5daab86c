package scenario

import (
	"encoding/json"
	"strings"
)

const defaultType = "message"

// An Event is what a client shows: the standard's MessageEvent.
type Event struct {
	ID   *string `json:"id"` // the last event ID in force; nil: it can't tell
	Type string  `json:"type"`
	Data string  `json:"data"`
}

// Data is an event of the default type, with no ID in force.
func Data(data string) Event { return WithID("", data) }

// WithID is an event of the default type.
func WithID(id, data string) Event { return Event{ID: &id, Type: defaultType, Data: data} }

// Typed is an event of a type.
func Typed(typ, id, data string) Event { return Event{ID: &id, Type: typ, Data: data} }

// shows tells whether what a client has shown is the event. What the client can't
// tell is not compared, and an empty type is the default's other name.
func (ev Event) shows(got Event) bool {
	if got.Type == "" {
		got.Type = defaultType
	}
	return got.Data == ev.Data && got.Type == ev.Type && (got.ID == nil || ev.ID == nil || *got.ID == *ev.ID)
}

// maxText is how much of an event a message or report has room for.
const maxText = 300

// String is the event as a client prints it, shortened.
func (ev Event) String() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(ev); err != nil { // strings have no errors
		return err.Error()
	}
	return strings.ToValidUTF8(Shorten(strings.TrimSuffix(b.String(), "\n"), maxText), "") // cut inside a character
}

// Shorten cuts the middle out of a text that is longer than n bytes.
func Shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	cut := " … "
	return text[:n/2] + cut + text[len(text)-n/3:]
}
