package demo

import (
	"fmt"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

func TestTally(t *testing.T) {
	for _, test := range []struct {
		name     string
		received []int
		want     counts
	}{
		{"all", []int{1, 2, 3}, counts{emitted: 3, received: 3}},
		{"one lost", []int{1, 3}, counts{emitted: 3, received: 2, lost: 1}},
		{"one twice", []int{1, 2, 2, 3}, counts{emitted: 3, received: 4, repeated: 1}},
		{"other order", []int{1, 3, 2}, counts{emitted: 3, received: 3, disorder: 1}},
		{"one invented", []int{1, 2, 3, 4}, counts{emitted: 3, received: 4, foreign: 1}},
		{"one altered", []int{1, -2, 3}, counts{emitted: 3, received: 3, foreign: 1, lost: 1}},
	} {
		var tally tally
		for id := range int64(3) {
			tally.emit(id+1, session.StatusData{Status: "working"})
		}
		for _, id := range test.received {
			status := "working"
			if id < 0 {
				id, status = -id, "idle"
			}
			tally.receive(sse.Event{
				ID: fmt.Sprint(id), HasID: true, Type: "message",
				Data: fmt.Sprintf(`{"event":"status","id":%d,"data":{"status":%q}}`, id, status),
			})
		}
		if got := tally.count(); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}
