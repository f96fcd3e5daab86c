package filter

import (
	"testing"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

func TestKindsOfEvents(t *testing.T) {
	for _, test := range []struct {
		want, typ, data string
		is              bool
	}{
		{"message", "message", "plain", true},
		{"message", "message", `{"event":"message"}`, true},
		{"message", "message", `{"event":"status"}`, false},
		{"status", "message", `{"event":"status"}`, true},
		{"message", "message", `{"event":"session_message"}`, true},
		{"session_message", "message", `{"event":"session_message"}`, true},
		{"hook", "message", `{"event":"session_message","data":{"hookEvent":"Stop"}}`, true},
		{"message", "message", `{"event":"session_message","data":{"hookEvent":"Stop"}}`, false},
		{"thinking", "message", `{"event":"message","data":{"role":"assistant","contentType":"thinking"}}`, true},
		{"assistant", "message", `{"event":"message","data":{"role":"assistant","contentType":"thinking"}}`, false},
		{"update", "update", `{"event":"status"}`, true},
		{"status", "update", `{"event":"status"}`, true},
		{"message", "update", "plain", false},
	} {
		if got := matches(sse.Event{Type: test.typ, Data: test.data})(test.want); got != test.is {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}

// TestControlFramesAreHidden on a plain URL; elsewhere the client drops them.
func TestControlFramesAreHidden(t *testing.T) {
	control := sse.Event{ID: "7", Type: "message", Data: `{"event":"heartbeat"}`}
	own := control
	own.HasID = true
	for _, test := range []struct {
		ev         sse.Event
		heartbeats bool
		show       bool
	}{
		{control, false, false}, {own, false, true}, {control, true, true},
	} {
		f, err := New(Options{Heartbeats: test.heartbeats})
		if err != nil {
			t.Fatal(err)
		}
		if v := f.Judge(t.Context(), "s", test.ev); (len(v.Show) > 0) != test.show {
			t.Errorf("%+v: got %+v", test, v)
		}
	}
}
