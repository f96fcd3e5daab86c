package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// talk emits messages on the session abc, and ends it once the client has had
// the time to come back.
func talk(srv *testserver.Server, texts ...string) {
	for _, text := range texts {
		srv.Session("abc").Message("user", text)
	}
	time.AfterFunc(time.Minute, func() { srv.Session("abc").Ended("done") })
}

// followTalk follows the session until it ends and returns the texts.
func followTalk(t *testing.T, srv *testserver.Server, observer func(client.Transition)) ([]string, client.Stats) {
	t.Helper()
	es, err := client.Session(srv.URL, "abc", &client.Options{HTTPClient: srv.Client(), LastEventID: "0", Observer: observer})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for env, err := range client.JSON[session.Envelope](es.Events(t.Context())) {
		if err != nil {
			t.Fatalf("after %v: %v", texts, err)
		}
		var m session.MessageData
		if json.Unmarshal(env.Data, &m) == nil && m.Text != "" {
			texts = append(texts, m.Text)
		}
	}
	return texts, es.Stats()
}

// Servers repeat events where replay and live meet. Exact repeats do not reach
// the body.
func TestRepeatsAreDropped(t *testing.T) {
	for _, tt := range []struct {
		name    string
		faults  []fault.Fault
		repeats int
	}{
		{"replay inclusive", []fault.Fault{fault.Cut().AfterEvents(3), fault.ReplayInclusive().Conn(2)}, 1},
		{"replay and live overlap", []fault.Fault{fault.Repeat().AfterEvents(1).Times(3)}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := testserver.NewInMemory(t)
				srv.Inject(tt.faults...)
				talk(srv, "a", "b", "c", "d", "e", "f")
				texts, stats := followTalk(t, srv, nil)
				equal(t, "texts", texts, strings.Fields("a b c d e f"))
				if stats.Repeats != tt.repeats {
					t.Errorf("%d repeats dropped, want %d", stats.Repeats, tt.repeats)
				}
			})
		})
	}
}

// A server that restarts its counter sends other events under ids that were
// seen before, smaller than the last one. None of them is dropped.
func TestCounterRestartLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t)
		srv.Inject(fault.Cut().AfterEvents(3), fault.RestartCounter().Conn(2))
		srv.Session("abc")
		talk(srv, "a", "b", "c")
		time.AfterFunc(5*time.Second, func() { talk(srv, "d", "e", "f") }) // the second connection is open
		var ids []string
		gaps := 0
		texts, _ := followTalk(t, srv, func(tr client.Transition) {
			if e, ok := errors.AsType[*client.GapError](tr.Cause); ok && strings.Contains(e.Reason, "new run") {
				gaps++
			}
			if tr.State == client.Closed || tr.State == client.Waiting {
				ids = append(ids, tr.LastEventID)
			}
		})
		equal(t, "texts", texts, strings.Fields("a b c d e f"))
		if gaps != 1 {
			t.Errorf("%d gaps reported, want one for the new run", gaps)
		}
		equal(t, "positions", ids, strings.Fields("4 4"))
	})
}

// The same id with other data is another event, also without a word from the
// server, and the same data without an id or with an empty one is one too.
func TestRepeatsAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n > 1 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			stream(rw)("id: 1\ndata: a\n\n" + "id: 1\ndata: b\n\n" + "id: 1\nevent: x\ndata: a\n\n" + "id: 1\ndata: a\n\n" +
				"data: a\n\n" + "data: a\n\n" + "id\ndata: a\n\n" + "id\ndata: a\n\n")
		})
		got, err := collect(t, w.source(client.Options{RepeatWindow: 4}))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "data", got, strings.Fields("a b a a a a a"))
	})
}

// The window is bounded: an event comes again once as many others have come.
func TestRepeatWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var body strings.Builder
		for id := range strings.FieldsSeq("1 2 3 4 1 5 1 1") {
			body.WriteString("id: " + id + "\ndata:\n\n")
		}
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n > 1 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			stream(rw)(body.String())
		})
		es := w.source(client.Options{RepeatWindow: 4})
		var ids []string
		for ev, err := range es.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, ev.ID)
		}
		equal(t, "ids", ids, strings.Fields("1 2 3 4 5 1"))
		if es.Stats().Repeats != 2 {
			t.Errorf("%d repeats dropped, want 2", es.Stats().Repeats)
		}
	})
}

func TestRepeatDoesNotMoveThePositionBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n > 1 {
				rw.WriteHeader(204)
				return
			}
			send := stream(rw)
			send("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n")
			time.Sleep(time.Second)
			send("id: 1\ndata: a\n\n")
		})
		c := newMemCursor()
		es := w.source(client.Options{Backoff: exact, Cursor: c, RepeatWindow: 4})
		collect(t, es)
		equal(t, "saves", c.saves, []string{"3"})
		equal(t, "asked", w.ids, []string{"", "3"})
	})
}

// An ended event that was committed ends the next loop too.
func TestEndedAsARepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("id: 3\ndata: {\"event\":\"ended\",\"sessionId\":\"abc\",\"data\":{}}\n\n") // inclusive replay
			untilGone(r)
		})
		es, err := client.Session("http://stream.test", "abc", &client.Options{HTTPClient: w.client})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			var last error
			for ev, err := range es.Events(ctx) {
				last = err
				if session.KindOf(ev) == session.Ended {
					es.Commit()
					break
				}
			}
			cancel()
			if last != nil {
				t.Errorf("session that has ended: %v", last)
			}
		}
	})
}
