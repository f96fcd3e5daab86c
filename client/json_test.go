package client_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// Events decode while they are ranged over. A malformed one spoils itself alone:
// the body skips it or stops at it.
func TestJSON(t *testing.T) {
	const body = "id: 1\ndata: {\"event\":\"message\",\"data\":{\"role\":\"user\",\"text\":\"hi\"}}\n\n" +
		"id: 2\ndata: {\"event\":\"mess\n\n" +
		"id: 3\ndata: [1]\n\n" +
		"id: 4\ndata: {\"event\":\"status\",\"id\":4}\n\n"
	for _, tt := range []struct {
		name string
		stop bool // at the first malformed event
		want []string
		last string // position afterwards
	}{
		{"skipped", false, []string{"message", "malformed 2", "malformed 3", "status"}, "4"},
		{"returned", true, []string{"message", "malformed 2"}, "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					if n > 1 {
						rw.WriteHeader(http.StatusNoContent)
						return
					}
					stream(rw)(body)
				})
				es := w.source(client.Options{})
				var got []string
				for env, err := range client.JSON[session.Envelope](es.Events(t.Context())) {
					if bad, ok := errors.AsType[*client.DecodeError](err); ok {
						got = append(got, "malformed "+bad.Event.ID)
						if tt.stop {
							break
						}
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, string(env.Kind))
				}
				equal(t, "events", got, tt.want)
				if id := es.LastEventID(); id != tt.last {
					t.Errorf("position %q, want %q", id, tt.last)
				}
			})
		})
	}
}

// An error of the stream is no malformed event.
func TestJSONPassesTheLastErrorOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			rw.WriteHeader(http.StatusForbidden)
			io.WriteString(rw, "no")
		})
		var got []error
		for _, err := range client.JSON[session.Envelope](w.source(client.Options{}).Events(t.Context())) {
			got = append(got, err)
		}
		if e, ok := errors.AsType[*client.ResponseError](errors.Join(got...)); len(got) != 1 || !ok || e.StatusCode != http.StatusForbidden {
			t.Errorf("got %v, want the 403 alone", got)
		}
	})
}

// A malformed envelope that begins like an ended event does not end the loop.
func TestMalformedEndedDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("id: 1\ndata: {\"event\":\"ended\",\n\n" + "id: 2\ndata: {\"event\":\"ended\",\"data\":{}}\n\n")
		})
		es, err := client.Session("http://stream.test", "abc", &client.Options{HTTPClient: w.client})
		if err != nil {
			t.Fatal(err)
		}
		events, err := collect(t, es)
		if err != nil || len(events) != 2 {
			t.Errorf("got %v, %v, want both events and a quiet end", events, err)
		}
	})
}
