package client_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// What a server says of where its replay starts, in either spelling, is reported
// with what was asked and what was given; on demand it ends the loop.
func TestGapHeader(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header http.Header
		given  string
		gap    bool
	}{
		{"later", http.Header{"Last-Event-Id": {"20"}}, "20", true},
		{"Mercure's spelling", http.Header{"Mercure-Last-Event-Id": {"earliest"}}, "earliest", true},
		{"as asked", http.Header{"Last-Event-Id": {"5"}}, "", false},
		{"not said", nil, "", false},
	} {
		for _, fail := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/fail=%v", tt.name, fail), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
						if n > 1 {
							rw.WriteHeader(http.StatusNoContent)
							return
						}
						maps.Copy(rw.Header(), tt.header)
						stream(rw)("id: 21\ndata: x\n\n")
					})
					es := w.source(client.Options{LastEventID: "5", FailOnGap: fail})
					data, err := collect(t, es)
					wantErr, wantData := fail && tt.gap, 1
					if wantErr {
						wantData = 0
					}
					e, isGap := errors.AsType[*client.GapError](err)
					if isGap != wantErr || len(data) != wantData {
						t.Fatalf("got %v, %v", data, err)
					}
					if !fail {
						e = reportedGap(w.observed)
					}
					if (e != nil) != tt.gap || (e != nil && (e.Asked != "5" || e.Given != tt.given)) {
						t.Errorf("gap %+v, want one: %v", e, tt.gap)
					}
					if got, want := es.Stats().Gaps == 1, tt.gap; got != want {
						t.Errorf("counted: %v, want %v", got, want)
					}
				})
			})
		}
	}
}

// reportedGap is the first gap that the observer was told of.
func reportedGap(ts []client.Transition) *client.GapError {
	for _, tr := range ts {
		if e, ok := errors.AsType[*client.GapError](tr.Cause); ok {
			return e
		}
	}
	return nil
}

// The ways in which a real server can't reach back are all signalled.
func TestGapFromServer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		asked  string // where the source starts; "": live
		cursor bool   // the start comes from a stored cursor
		during func(srv *testserver.Server)
		reason string // "": no gap
	}{
		{"within the window", "20", false, nil, ""},
		{"all that there still is", "0", false, nil, ""},
		{"ring overflow", "3", false, nil, "replay starts later"},
		{"resume from a stored cursor", "3", true, nil, "replay starts later"},
		{"future id", "9999", false, nil, "replay starts later"},
		{"ring lost", "55", false, func(srv *testserver.Server) { srv.Inject(testserver.LoseRing()) }, "replay starts later"},
		{"server restarted", "55", false, func(srv *testserver.Server) {
			srv.Inject(testserver.Cut().Conn(1).AfterEvents(1), testserver.RestartCounter().Conn(2))
		}, "server's counter has a new run"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := testserver.NewInMemory(t)
				s := srv.Session("abc")
				for n := range 60 { // of which the last 50 are in the window
					s.Message("user", fmt.Sprint(n))
				}
				if tt.during != nil {
					tt.during(srv)
				}
				var gap *client.GapError
				opts := &client.Options{HTTPClient: srv.Client(), LastEventID: tt.asked, FailOnGap: true}
				if tt.cursor {
					opts.LastEventID = ""
					opts.Cursor = &memCursor{ids: map[string]string{srv.SessionURL("abc"): tt.asked}}
				}
				es, err := client.Session(srv.URL, "abc", opts)
				if err != nil {
					t.Fatal(err)
				}
				for ev, err := range es.Events(t.Context()) {
					if err != nil {
						if e, ok := errors.AsType[*client.GapError](err); ok {
							gap = e
							break
						}
						t.Fatal(err)
					}
					if ev.ID == "60" {
						break
					}
				}
				switch {
				case gap == nil && tt.reason == "":
				case gap == nil:
					t.Errorf("no gap, want %q", tt.reason)
				case gap.Reason != tt.reason || gap.Asked == "":
					t.Errorf("gap %+v, want %q", gap, tt.reason)
				}
			})
		})
	}
}

// A server that restarted while nobody was connected has a new run, and the
// position that a process comes back with means nothing to it, although it has an
// event of that id.
func TestGapOverARestartOfBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t)
		cursor := newMemCursor()
		follow := func() (texts []string, gaps []error) {
			opts := &client.Options{HTTPClient: srv.Client(), Cursor: cursor, LastEventID: "0", Observer: func(tr client.Transition) {
				if tr.From == tr.State {
					gaps = append(gaps, tr.Cause)
				}
			}}
			es, err := client.New(srv.StreamURL("x"), opts)
			if err != nil {
				t.Fatal(err)
			}
			for ev, err := range es.Events(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if texts = append(texts, ev.Data); len(texts) == 2 {
					es.Commit()
					break
				}
			}
			return texts, gaps
		}
		send := func(texts ...string) {
			for n, text := range texts {
				srv.Stream("x").Send(sse.Event{ID: fmt.Sprint(n + 1), HasID: true, Data: text})
			}
		}
		send("a", "b")
		texts, gaps := follow()
		equal(t, "before", texts, []string{"a", "b"})
		equal(t, "gaps", len(gaps), 0)

		srv.Inject(testserver.RestartCounter()) // as the next process connects
		time.AfterFunc(time.Minute, func() { send("c", "d") })
		texts, gaps = follow()
		equal(t, "afterwards", texts, []string{"c", "d"})
		if e, ok := errors.AsType[*client.GapError](errors.Join(gaps...)); len(gaps) != 1 || !ok || e.Asked != "2" {
			t.Errorf("reports %v, want one gap behind 2", gaps)
		}
	})
}

// A position goes to the server with the run that it belongs to, so that another
// run does not take it for one of its own.
func TestRunIsSentWithThePosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs []string
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			runs = append(runs, r.Header.Get("Sse-Run"))
			if n > 3 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			if n < 3 {
				rw.Header().Set("Sse-Run", fmt.Sprint("run ", n))
			}
			stream(rw)(fmt.Sprintf("id: %d\ndata: x\n\n", n))
		})
		if _, err := collect(t, w.source(client.Options{Backoff: exact})); err != nil {
			t.Fatal(err)
		}
		equal(t, "runs", runs, []string{"", "run 1", "run 2", "run 2"})
	})
}
