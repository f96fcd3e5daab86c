package client_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
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
		{"ring lost", "55", false, func(srv *testserver.Server) { srv.Inject(fault.LoseRing()) }, "replay starts later"},
		{"server restarted", "55", false, func(srv *testserver.Server) {
			srv.Inject(fault.Cut().Conn(1).AfterEvents(1), fault.RestartCounter().Conn(2))
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

		srv.Inject(fault.RestartCounter()) // as the next process connects
		time.AfterFunc(time.Minute, func() { send("c", "d") })
		texts, gaps = follow()
		equal(t, "afterwards", texts, []string{"c", "d"})
		if e, ok := errors.AsType[*client.GapError](errors.Join(gaps...)); len(gaps) != 1 || !ok || e.Asked != "2" {
			t.Errorf("reports %v, want one gap behind 2", gaps)
		}
	})
}

// A server that restarted with a new counter, which has passed the position by
// the time the client is back, still has all its events for it.
func TestNewRunIsReplayedFromItsBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t)
		talk(srv, "a", "b")
		time.AfterFunc(time.Second, func() {
			srv.Restart(testserver.KeepNothing, 10*time.Second)
			talk(srv, "c", "d", "e", "f", "g")
		})
		var gap *client.GapError
		texts, _ := followTalk(t, srv, func(tr client.Transition) {
			if e, ok := errors.AsType[*client.GapError](tr.Cause); ok {
				gap = e
			}
		})
		equal(t, "texts", texts, strings.Fields("a b c d e f g"))
		if gap == nil || gap.Given != "earliest" {
			t.Errorf("gap %+v, want one", gap)
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

// A position belongs to the run in which its event came, whatever run the last
// connection was of: the next request says so, and the new run replays all it has.
func TestPositionBelongsToItsRun(t *testing.T) {
	for _, failOnGap := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			w.handler = func(n int, rw http.ResponseWriter, r *http.Request) {
				switch n {
				case 1:
					rw.Header().Set("Sse-Run", "A")
					stream(rw)("id: 5\ndata: a5\n\n")
				case 2: // restarted; cut before the first event got through
					rw.Header().Set("Sse-Run", "B")
					stream(rw)
				case 3:
					rw.Header().Set("Sse-Run", "B")
					send := stream(rw)
					if r.Header.Get("Sse-Run") != "B" { // an id of another run: all there is
						for i := 1; i <= 5; i++ {
							send(fmt.Sprintf("id: %d\ndata: b%d\n\n", i, i))
						}
					}
					send("id: 6\ndata: b6\n\n")
				default:
					rw.WriteHeader(http.StatusNoContent)
				}
			}
			es := w.source(client.Options{Backoff: exact, FailOnGap: failOnGap})
			data, err := collect(t, es)
			if failOnGap {
				gap, ok := errors.AsType[*client.GapError](err)
				if !ok {
					t.Fatal(err)
				}
				if err := es.Accept(gap); err != nil {
					t.Fatal(err)
				}
				rest, _ := collect(t, es)
				data = append(data, rest...)
			}
			equal(t, fmt.Sprint("data, FailOnGap=", failOnGap), strings.Join(data, " "), "a5 b1 b2 b3 b4 b5 b6")
		})
	}
}

// An equal id of a new run is a new position.
func TestRunIsSavedWithAnEqualID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Sse-Run", []string{"A", "B", ""}[n-1])
			if n == 3 {
				rw.WriteHeader(204)
				return
			}
			stream(rw)("id: 1\ndata: x\n\n")
		})
		c := newMemCursor()
		collect(t, w.source(client.Options{Backoff: exact, Cursor: c}))
		equal(t, "saved run", c.run, "B")
	})
}

// A gap that ended the loop has not moved the position to the new run.
func TestRunOfALaterLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.Header.Get("Last-Event-Id")+"@"+r.Header.Get("Sse-Run"))
			if n == 3 {
				rw.WriteHeader(204)
				return
			}
			rw.Header().Set("Sse-Run", []string{"A", "B"}[n-1])
			stream(rw)("id: 5\ndata: x\n\n")
		})
		es := w.source(client.Options{Backoff: exact, FailOnGap: true})
		collect(t, es)
		collect(t, es)
		equal(t, "asked", asked, []string{"@", "5@A", "5@A"})
	})
}
