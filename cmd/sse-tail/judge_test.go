package main

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
		ev   sse.Event
		args []string
		show bool
	}{
		{control, nil, false}, {own, nil, true}, {control, []string{"--heartbeats"}, true},
	} {
		f, _ := parse(t, nil, test.args...)
		j := f.judge()
		if v := j.judge(t.Context(), "s", test.ev); (len(v.show) > 0) != test.show {
			t.Errorf("%+v, %q: got %+v", test.ev, test.args, v)
		}
	}
}
