package client_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

const (
	connected = "data: {\"event\":\"connected\"}\n\n"
	heartbeat = "data: {\"event\":\"heartbeat\"}\n\n"
	ended     = "id: 9\ndata: {\"event\":\"ended\",\"data\":{}}\n\n"
)

// sessionSource follows the session abc of a world.
func sessionSource(t *testing.T, w *world, opts client.Options) *client.EventSource {
	t.Helper()
	opts.HTTPClient = w.client
	opts.Observer = func(tr client.Transition) { w.observed = append(w.observed, tr) }
	es, err := client.Session("http://stream.test", "abc", &opts)
	if err != nil {
		t.Fatal(err)
	}
	return es
}

// On a session stream silence ends after 90 s, three heartbeats missed, and a
// response is waited for 15 s.
func TestSessionTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			switch n {
			case 1:
				send := stream(rw)
				send(connected)
				time.Sleep(30 * time.Second)
				send(heartbeat)
				untilGone(r)
			case 2:
				untilGone(r)
			default:
				stream(rw)(ended)
			}
		})
		es := sessionSource(t, w, client.Options{Backoff: exact})
		data, err := collect(t, es)
		if err != nil || len(data) != 1 {
			t.Errorf("got %q, %v, want the ended event", data, err)
		}
		equal(t, "attempts", w.asked, seconds(0, 30+90+1, 30+90+1+15+2))
	})
}

// Control frames are no success: a server that says hello and drops meets growing
// delays and the give-up, however often it says it.
func TestControlFramesAreNoSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)(connected + heartbeat)
		})
		_, err := collect(t, sessionSource(t, w, client.Options{Backoff: exact}))
		if _, ok := errors.AsType[*client.GiveUpError](err); !ok {
			t.Errorf("got %v, want a give-up", err)
		}
		equal(t, "first delays", w.delays()[:6], seconds(1, 2, 4, 8, 16, 30))
	})
}

// On a session stream health counts from the first byte of the body: a proxy
// that answers for a server and then has nothing to pass on is not healthy.
func TestSessionHealthCountsFromTheFirstByte(t *testing.T) {
	for _, tt := range []struct {
		first string // what is sent at once
		delay time.Duration
	}{
		{connected, 1 * time.Second}, // healthy, so the delays begin anew
		{"", 4 * time.Second},        // the third failure of the outage
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				switch n {
				case 1, 2:
					rw.WriteHeader(http.StatusBadGateway)
				case 3:
					stream(rw)(tt.first)
					time.Sleep(10 * time.Second)
				default:
					rw.WriteHeader(http.StatusNoContent)
				}
			})
			if _, err := collect(t, sessionSource(t, w, client.Options{Backoff: exact})); err != nil {
				t.Fatal(err)
			}
			equal(t, "delay after 10 s", w.delays()[2], tt.delay)
		})
	}
}

// Heartbeats show that the path works, and mask a producer that is dead:
// EventTimeout does not count them.
func TestHeartbeatsDoNotMaskADeadProducer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t)
		srv.Session("abc")
		opts := &client.Options{HTTPClient: srv.Client(), Timeouts: client.Timeouts{Event: 10 * time.Minute}, Retryable: func(error, bool) bool { return false }}
		start := time.Now()
		es, err := client.Session(srv.URL, "abc", opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := collect(t, es); !errors.Is(err, client.ErrNoEvent) || time.Since(start) != 10*time.Minute {
			t.Errorf("got %v after %v, want ErrNoEvent after 10m", err, time.Since(start))
		}
		if n := es.Stats().Bytes; n < 15*50 {
			t.Errorf("%d bytes came, want those of the heartbeats", n)
		}
	})
}

// Control frames are yielded when they are asked for, and only if their block
// has no id of its own are they control frames.
func TestControlFrames(t *testing.T) {
	const own = "id: 3\ndata: {\"event\":\"heartbeat\"}\n\n"
	for _, asked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) { stream(rw)(connected + own + heartbeat + ended) })
			var kinds []session.Kind
			for ev, err := range sessionSource(t, w, client.Options{ControlFrames: asked}).Events(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				kinds = append(kinds, session.KindOf(ev))
			}
			want := []session.Kind{session.Heartbeat, session.Ended}
			if asked {
				want = []session.Kind{session.Connected, session.Heartbeat, session.Heartbeat, session.Ended}
			}
			equal(t, "kinds", kinds, want)
		})
	}
}

// After ended the loop is over, unless it is to go on: then to whatever comes
// under the session's name next.
func TestFollowEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n == 2 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			stream(rw)(ended + "id: 10\ndata: {\"event\":\"status\"}\n\n")
		})
		data, err := collect(t, sessionSource(t, w, client.Options{FollowEnded: true}))
		if err != nil || len(data) != 2 {
			t.Errorf("got %q, %v, want both events", data, err)
		}
	})
}

// The global stream goes on when a session ends.
func TestGlobal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t)
		srv.Session("a").Ended("done")
		srv.Session("b").Message("user", "hi")
		es, err := client.Global(srv.URL+"/", &client.Options{HTTPClient: srv.Client(), LastEventID: "0"})
		if err != nil {
			t.Fatal(err)
		}
		var kinds []session.Kind
		for ev, err := range es.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if kinds = append(kinds, session.KindOf(ev)); len(kinds) == 4 {
				break
			}
		}
		equal(t, "kinds", kinds, []session.Kind{session.SessionCreated, session.SessionEnded, session.SessionCreated, session.SessionMessage})
	})
}

// A session that does not exist is a permanent error, also in the middle; a 404
// that says no such thing is a deploy, once the stream was open.
func TestSessionNotFound(t *testing.T) {
	for _, tt := range []struct {
		body     string
		attempts int
	}{{session.NotFoundBody, 2}, {"<html>404 page not found</html>", 3}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				switch n {
				case 1:
					stream(rw)("id: 1\ndata: {\"event\":\"status\"}\n\n")
				case 2:
					rw.WriteHeader(http.StatusNotFound)
					io.WriteString(rw, tt.body)
				default:
					rw.WriteHeader(http.StatusNoContent)
				}
			})
			_, err := collect(t, sessionSource(t, w, client.Options{Backoff: exact}))
			if e, ok := errors.AsType[*client.ResponseError](err); ok != (tt.attempts == 2) || (ok && e.StatusCode != http.StatusNotFound) {
				t.Errorf("%s: got %v", tt.body, err)
			}
			equal(t, tt.body, len(w.asked), tt.attempts)
		})
	}
}

// A block without data moves the position also where a heartbeat comes with the same
// read, and where another event does.
func TestBlockWithoutDataBesideOthers(t *testing.T) {
	for _, tt := range []struct{ sent, want string }{
		{"id: 7\n\n" + heartbeat, "7"},
		{heartbeat + "id: 7\n\n", "7"},
		{connected + "id: 7\n\n" + heartbeat + "id: 8\n\n" + heartbeat, "8"},
		{"id: 7\n\ndata: {\"event\":\"message\"}\n\n", "7"},
		{"id\n\n" + heartbeat, ""}, // a reset
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				if n == 2 {
					rw.WriteHeader(http.StatusNoContent)
					return
				}
				stream(rw)(tt.sent)
			})
			es := sessionSource(t, w, client.Options{Backoff: exact, LastEventID: "6"})
			if _, err := collect(t, es); err != nil {
				t.Fatal(err)
			}
			equal(t, "asked behind "+tt.sent, w.ids, []string{"6", tt.want})
		})
	}
}
