package session_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Whatever data comes: Parse gives an envelope that can be written and parsed
// again, or a *MalformedError, as does Decode; and what it takes for an envelope, KindOf does too.
func FuzzParse(f *testing.F) {
	for kind := range kinds {
		f.Add(`{"event":"` + string(kind) + `","sessionId":"abc","timestamp":"2026-01-02T15:04:05.000Z","data":{"a":[1]},"emittedAt":1,"id":2}`)
	}
	f.Add(`{"event":"session_message","data":{"hookEvent":"Stop","tool_input":{"a":[]},"x":1}}`)
	f.Add(`{"event":"a\"b\u0000","data":"\ud800"}`)
	f.Add(` {"EVENT":"a","event":"b"}`)
	f.Add("{\"event\":\"\xFF\"}")
	f.Fuzz(func(t *testing.T, data string) {
		ev := sse.Event{Data: data}
		env, err := session.Parse(ev)
		if err != nil {
			if _, ok := errors.AsType[*session.MalformedError](err); !ok {
				t.Errorf("Parse(%q): got %v, want a *MalformedError", data, err)
			}
			return
		}
		if session.KindOf(ev) == "" {
			t.Errorf("%q is an envelope of kind %q, and KindOf has none", data, env.Kind)
		}
		if _, err := env.Decode(); err != nil {
			if _, ok := errors.AsType[*session.MalformedError](err); !ok {
				t.Errorf("Decode of %q: got %v, want a *MalformedError", data, err)
			}
		}
		text, err := json.Marshal(env)
		if err != nil {
			t.Skip() // a time that JSON reads and does not write
		}
		again, err := session.Parse(sse.Event{Data: string(text)})
		if err != nil || again.Kind != env.Kind || again.ID != env.ID || again.SessionID != env.SessionID || !again.Timestamp.Equal(env.Timestamp) {
			t.Errorf("%q became %s, and that %+v, %v; want %+v", data, text, again, err, env)
		}
	})
}

// An id that CheckID lets pass gets through a path, whatever it holds.
func FuzzEventsPath(f *testing.F) {
	for _, id := range []string{"abc", "a/b", "%2F", "é", "\xFF\x00", "events"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if session.CheckID(id) != nil {
			t.Skip()
		}
		if got, ok := session.IDOf(session.EventsPath(id)); !ok || got != id {
			t.Errorf("IDOf(EventsPath(%q)): got %q, %v", id, got, ok)
		}
	})
}
