package doctor_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/doctor"
	"github.com/OneStepAt4time/resilient-sse/sse"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// diagnose probes a stream of a server in memory, while somebody publishes on it.
func diagnose(t *testing.T, srv *ts.Server, address string, publish func(context.Context)) []doctor.Check {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go publish(ctx)
	return doctor.Diagnose(doctor.Probe(ctx, u, doctor.Options{
		Transport: srv.Client().Transport,
		For:       35 * time.Second,
		Mask:      (*url.URL).String,
	}))
}

// every publishes again and again, with a pause before each time.
func every(pause time.Duration, publish func(n int)) func(context.Context) {
	return func(ctx context.Context) {
		for n := 1; ; n++ {
			select {
			case <-time.After(pause):
				publish(n)
			case <-ctx.Done():
				return
			}
		}
	}
}

func quiet(context.Context) {}

// TestFindings has a server with one thing wrong after the other.
func TestFindings(t *testing.T) {
	plain := func(events ...sse.Event) func(*ts.Server) (string, func(context.Context)) {
		return func(srv *ts.Server) (string, func(context.Context)) {
			st := srv.Stream("s")
			return srv.StreamURL("s"), every(2*time.Second, func(n int) {
				if n <= len(events) {
					st.Send(events[n-1])
				}
			})
		}
	}
	session := func(faults ...fault.Fault) func(*ts.Server) (string, func(context.Context)) {
		return func(srv *ts.Server) (string, func(context.Context)) {
			s := srv.Session("s")
			srv.Inject(faults...)
			return s.URL(), every(3*time.Second, func(int) { s.Message("assistant", "hello") })
		}
	}
	silent := func(faults ...fault.Fault) func(*ts.Server) (string, func(context.Context)) {
		return func(srv *ts.Server) (string, func(context.Context)) {
			s := srv.Session("s")
			srv.Inject(faults...)
			return s.URL(), quiet
		}
	}
	event := func(id string) sse.Event { return sse.Event{ID: id, HasID: id != "", Data: "x"} }

	for _, test := range []struct {
		name    string
		options ts.Options
		server  func(*ts.Server) (string, func(context.Context))
		code    int
		check   string
		state   doctor.State
		says    string // in what it says about that
	}{
		{"all is well", ts.Options{Heartbeat: 4 * time.Second}, session(), 0, "heartbeat", doctor.OK, "8 in 35s"},
		{"silence with heartbeats", ts.Options{}, silent(), 0, "ids", doctor.Unknown, "no event"},

		{"refused", ts.Options{}, session(fault.Refuse()), 2, "reachable", doctor.Fault, "nothing listens at that port"},
		{"no answer", ts.Options{}, session(fault.NoAnswer()), 2, "reachable", doctor.Fault, "does not answer requests"},
		{"redirect", ts.Options{}, session(fault.Redirect(fault.ToSameOrigin).Times(9)), 1, "redirect", doctor.Warning, "use the last address"},
		{"redirect loop", ts.Options{}, session(fault.Redirect(fault.ToLoop).Always()), 2, "reachable", doctor.Fault, "more than 10 redirects"},
		{"redirect to nowhere", ts.Options{}, session(fault.Redirect(fault.ToNone)), 2, "status", doctor.Fault, "set its Location"},

		{"401", ts.Options{Tokens: []string{"x"}}, session(), 2, "status", doctor.Fault, "set SSE_TAIL_TOKEN"},
		{"403", ts.Options{}, session(fault.Status(403)), 2, "status", doctor.Fault, "may read this stream"},
		{"404", ts.Options{}, session(fault.Status(404)), 2, "status", doctor.Fault, "no such session"},
		{"405", ts.Options{}, session(fault.Status(405)), 2, "status", doctor.Fault, "-d DATA"},
		{"429", ts.Options{}, session(fault.Status(429).RetryAfter(7 * time.Second)), 2, "status", doctor.Fault, "come back after 7"},
		{"503", ts.Options{}, session(fault.Status(503)), 2, "status", doctor.Fault, "behind it does not"},
		{"500", ts.Options{}, session(fault.Status(500).Body("boom\x1b[2J")), 2, "status", doctor.Fault, `boom\x1b[2J`},
		{"204", ts.Options{}, session(fault.Status(204)), 1, "status", doctor.Warning, "the stream is over"},

		{"a page", ts.Options{}, session(fault.ContentType("text/html; charset=utf-8")), 2, "content type", doctor.Fault, "a page has come"},
		{"no content type", ts.Options{}, session(fault.ContentType("")), 2, "content type", doctor.Fault, "none"},

		{"buffering", ts.Options{}, session(fault.Hold(4).AfterEvents(1).Times(2)), 2, "buffering", doctor.Fault, "came together"},
		{"buffering behind nginx", ts.Options{Header: map[string][]string{"Server": {"nginx/1.27"}}}, session(fault.Hold(4).AfterEvents(1)), 2, "buffering", doctor.Fault, "proxy_buffering off;"},
		{"compressed", ts.Options{}, session(fault.Gzip()), 2, "compression", doctor.Fault, "which was not asked for"},
		{"compressed for browsers", ts.Options{}, session(fault.Gzip().Header("Accept-Encoding", "gzip, deflate, br")), 2, "compression", doctor.Fault, "0 events came through it, and 2 without it"},

		{"no heartbeat", ts.Options{Heartbeat: time.Hour}, plain(event("1"), event("2")), 1, "heartbeat", doctor.Warning, "send a comment every"},
		{"no ids", ts.Options{}, plain(event(""), event("")), 2, "ids", doctor.Fault, "2 events, none with an id"},
		{"some ids", ts.Options{}, plain(event("1"), event(""), event("2")), 1, "ids", doctor.Warning, "1 of 3 events have none"},
		{"the same id", ts.Options{}, plain(event("1"), event("2"), sse.Event{ID: "2", HasID: true, Data: "y"}), 1, "ids", doctor.Warning, "more than one event has the id 2"},

		{"the same event twice", ts.Options{}, plain(event("1"), event("2"), event("2")), 0, "ids", doctor.OK, "1 came twice, word for word"},

		{"replay of too much", ts.Options{}, session(fault.ReplayInclusive().Header("Last-Event-ID", "*")), 2, "replay", doctor.Fault, "one event comes twice"},
		{"no replay", ts.Options{}, session(fault.IgnoreLastEventID().Header("Last-Event-ID", "*")), 2, "replay", doctor.Fault, "sent none of the"},
		{"short replay", ts.Options{Window: 3}, session(), 1, "replay", doctor.Warning, "keep more events"},
		{"replay with a hole", ts.Options{}, session(fault.Drop().Header("Last-Event-ID", "*").AfterEvents(2)), 2, "replay", doctor.Fault, "events are missing"},
		{"replay refused", ts.Options{}, session(fault.Status(400).Header("Last-Event-ID", "*")), 2, "replay", doctor.Fault, "answered 400"},

		{"lines without fields", ts.Options{}, session(fault.Insert("{\"a\":1}\n\n").AfterEvents(2)), 1, "format", doctor.Warning, `such as "{\"a\":1}"`},
		{"endless event", ts.Options{}, session(fault.EndlessLine().Limit(17 << 20)), 2, "format", doctor.Fault, "an event of 17.8 MB, and no end of it"},
		{"long retry", ts.Options{}, session(fault.Retry("3600000")), 1, "retry", doctor.Warning, "a browser waits that long"},
		{"short retry", ts.Options{}, session(fault.Retry("1")), 1, "retry", doctor.Warning, "come back that often"},

		{"idle cut", ts.Options{}, silent(fault.End().AfterTime(20 * time.Second)), 2, "idle cut", doctor.Fault, "20s after the last byte"},
		{"cut inside an event", ts.Options{}, session(fault.CutInsideEvent().AfterEvents(2)), 2, "idle cut", doctor.Fault, "connection cut after 9s"},
		{"end inside an event", ts.Options{}, session(fault.End().AfterBytes(300)), 2, "idle cut", doctor.Fault, "connection cut inside an event after"},
		{"end of the response", ts.Options{}, session(fault.End().AfterEvents(2)), 1, "idle cut", doctor.Warning, "answer 204"},
		{"end at once", ts.Options{}, session(fault.AcceptThenClose()), 2, "idle cut", doctor.Fault, "without a byte"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := ts.NewInMemory(t, &test.options)
				address, publish := test.server(srv)
				checks := diagnose(t, srv, address, publish)
				if code := doctor.ExitCode(checks); code != test.code {
					t.Errorf("exit code %d, want %d", code, test.code)
				}
				found := false
				for _, c := range checks {
					if c.Name == test.check {
						text := c.Seen + "|" + c.Means + "|" + c.Change
						found = c.State == test.state && strings.Contains(text, test.says)
					}
					if c.State != doctor.OK && c.Means == "" && c.State != doctor.Unknown {
						t.Errorf("%s: %s without a meaning", c.Name, c.State)
					}
				}
				if !found || t.Failed() {
					t.Errorf("no %s of %s that says %q:", test.state, test.check, test.says)
					for _, c := range checks {
						t.Logf("%-8s%-13s%s | %s | %s", c.State, c.Name, c.Seen, c.Means, c.Change)
					}
				}
			})
		})
	}
}

// TestFirstByte has what the test server does not do: it always greets.
func TestFirstByte(t *testing.T) {
	for _, test := range []struct {
		session bool
		bytes   int64
		after   time.Duration
		want    doctor.State
	}{
		{true, 100, 10 * time.Millisecond, doctor.OK},
		{true, 100, 5 * time.Second, doctor.Warning},
		{true, 0, 0, doctor.Fault},
		{false, 100, 5 * time.Second, doctor.OK},
		{false, 0, 0, doctor.Unknown},
	} {
		checks := doctor.Diagnose(&doctor.Observation{
			StatusCode: 200, Head: http.Header{"Content-Type": {"text/event-stream"}},
			Session: test.session, Bytes: test.bytes, FirstByte: test.after, Listened: time.Minute,
		})
		for _, c := range checks {
			if c.Name == "first byte" && c.State != test.want {
				t.Errorf("%+v: got %+v", test, c)
			}
		}
	}
}

// TestSessionEnds finds no fault with a stream whose session ends, and whose name
// another one may have by the time that a replay is asked for.
func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		s := srv.Session("s")
		time.AfterFunc(time.Second, func() {
			s.Message("user", "a")
			s.Message("user", "b")
			s.Ended("done")
		})
		u, _ := url.Parse(s.URL())
		obs := doctor.Probe(t.Context(), u, doctor.Options{Transport: srv.Client().Transport, For: time.Hour, Mask: (*url.URL).String})
		for _, c := range doctor.Diagnose(obs) {
			if c.State == doctor.Fault || c.State == doctor.Warning {
				t.Errorf("got %+v", c)
			}
		}
	})
}

// TestEarlyEnd judges what was seen until then.
func TestEarlyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		s := srv.Session("s")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		u, _ := url.Parse(s.URL())
		obs := doctor.Probe(ctx, u, doctor.Options{Transport: srv.Client().Transport, For: time.Hour, Mask: (*url.URL).String})
		if obs.Listened != 5*time.Second || obs.Ended != nil || doctor.ExitCode(doctor.Diagnose(obs)) != 0 {
			t.Errorf("got %+v\n%+v", obs, doctor.Diagnose(obs))
		}
	})
}
