package hub_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// resumes opens streams behind ids, each at a server of its own, and compares the gap
// that it is told of and the ids of the replay. A row is path, id, gap, ids.
func resumes(t *testing.T, cfg hub.Config, prepare func(*server), table [][4]string) {
	t.Helper()
	for _, row := range table {
		path, asked, gap, replay := row[0], row[1], row[2], row[3]
		t.Run(path+" "+asked, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, cfg)
				prepare(s)
				r := s.read(path, "Last-Event-ID", asked)
				if got := r.resp.Header.Get("Last-Event-ID"); got != gap {
					t.Errorf("Last-Event-ID: got %q, want %q", got, gap)
				}
				s.CommandAll(nil, hub.Drain, "test")
				if got, err := r.rest(); got != replay || err != nil {
					t.Errorf("got %q, %v, want %q", got, err, replay)
				}
			})
		})
	}
}

func TestResume(t *testing.T) {
	resumes(t, hub.Config{Window: 3}, func(s *server) {
		a, b := s.session("a"), s.session("b") // session_created: 1 2
		for range 5 {                          // ids of a: 3 5 7 9 11
			emit(s.t, a, "")
			emit(s.t, b, "")
		}
	}, [][4]string{
		{"/v1/sessions/a/events", "0", "5", "7 9 11"},
		{"/v1/sessions/a/events", "4", "5", "7 9 11"},
		{"/v1/sessions/a/events", "5", "", "7 9 11"},
		{"/v1/sessions/a/events", "6", "", "7 9 11"},
		{"/v1/sessions/a/events", "7", "", "9 11"},
		{"/v1/sessions/a/events", "10", "", "11"},
		{"/v1/sessions/a/events", "11", "", ""},
		{"/v1/sessions/a/events", "12", "", ""},
		{"/v1/sessions/a/events", "13", "5", "7 9 11"},
		{"/v1/sessions/a/events", "garbage", "5", "7 9 11"},
		{"/v1/sessions/a/events", "-1", "5", "7 9 11"},
		{"/v1/sessions/a/events", "12abc", "5", "7 9 11"},
		{"/v1/events", "0", "9", "10 11 12"},
		{"/v1/events", "8", "9", "10 11 12"},
		{"/v1/events", "9", "", "10 11 12"},
		{"/v1/events", "11", "", "12"},
	})
}

// An id above what 64 bits hold is one of the future, also where nothing was dropped.
func TestResumeBehindHugeID(t *testing.T) {
	resumes(t, hub.Config{}, func(s *server) {
		emit(s.t, s.session("a"), "") // 2
	}, [][4]string{
		{"/v1/sessions/a/events", "3", hub.Earliest, "2"},
		{"/v1/sessions/a/events", "99999999999999999999", hub.Earliest, "2"},
		{"/v1/sessions/a/events", "garbage", "", "2"},
	})
}

func send(t *testing.T, st *hub.Stream, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := st.Send(sse.Event{ID: id, HasID: true, Data: "x"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestResumeOfNames(t *testing.T) {
	resumes(t, hub.Config{Window: 3}, func(s *server) {
		send(s.t, s.stream("s"), "a", "b", "c", "d", "e")
		send(s.t, s.stream("fresh"), "c", "d", "e")
		send(s.t, s.stream("odd"), "\x01", "c", "d", "e")
		s.stream("empty")
	}, [][4]string{
		{"/events?stream=s", "a", "b", "c d e"},
		{"/events?stream=s", "b", "", "c d e"},
		{"/events?stream=s", "c", "", "d e"},
		{"/events?stream=s", "e", "", ""},
		{"/events?stream=s", "unknown", "b", "c d e"},
		{"/events?stream=s", "0", "b", "c d e"},
		{"/events?stream=fresh", "unknown", hub.Earliest, "c d e"}, // perhaps of a run that the server forgot
		{"/events?stream=fresh", "0", "", "c d e"},
		{"/events?stream=odd", "unknown", hub.Earliest, "c d e"}, // no header can say it
		{"/events?stream=empty", "c", hub.Earliest, ""},
	})
}

// After a run has begun anew each resume from before is told, also on a plain stream,
// and also by a client that does not name its run.
func TestNewRunIsTold(t *testing.T) {
	inAllWays(t, nil, func(t *testing.T, s *server) {
		abc, st := s.session("abc"), s.stream("s")
		for range 5 {
			emit(t, abc, "")
		}
		send(t, st, "a", "b")
		old := s.Stats().Run
		s.NewRun()
		emit(t, abc, "new") // 1
		send(t, st, "z")
		for _, tt := range []struct{ path, asked, run, ids string }{
			{"/v1/sessions/abc/events", "6", "", "1"},
			{"/v1/sessions/abc/events", "1", old, "1"}, // an id that the new run has too
			{"/events?stream=s", "b", "", "z"},
			{"/events?stream=s", "z", old, "z"},
		} {
			r := s.read(tt.path, "Last-Event-ID", tt.asked, "Sse-Run", tt.run)
			if got := r.resp.Header.Get("Last-Event-ID"); got != hub.Earliest {
				t.Errorf("%s behind %s of %q: Last-Event-ID is %q, want earliest", tt.path, tt.asked, tt.run, got)
			}
			if run := r.resp.Header.Get("Sse-Run"); run == old || run == "" {
				t.Errorf("%s: Sse-Run is %q, want a new one", tt.path, run)
			}
			if got := r.ids(1); got != tt.ids {
				t.Errorf("%s behind %s: got %s, want %s", tt.path, tt.asked, got, tt.ids)
			}
			r.resp.Body.Close()
		}
	})
}

// A session that follows another one under its id has not lost that one's events
// without a word.
func TestSessionMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, hub.Config{})
		abc := s.session("abc")                       // 1
		emit(t, abc, "")                              // 2
		abc.Emit(session.Ended, nil)                  // 3
		again := s.session("abc")                     // 4
		emit(t, again, "")                            // 5
		if _, err := abc.Emit("x", nil); err != nil { // 6, within the second
			t.Errorf("inside the second after ended: %v", err)
		}
		for _, tt := range []struct{ asked, gap string }{{"0", "3"}, {"2", "3"}, {"3", ""}, {"4", ""}} {
			r := s.read("/v1/sessions/abc/events", "Last-Event-ID", tt.asked)
			if got := r.resp.Header.Get("Last-Event-ID"); got != tt.gap {
				t.Errorf("behind %s: Last-Event-ID is %q, want %q", tt.asked, got, tt.gap)
			}
			if got := r.ids(1); got != "5" {
				t.Errorf("behind %s: got %s, want 5", tt.asked, got)
			}
			r.resp.Body.Close()
		}
	})
}

// Nor has one that follows when the other one has retired: nobody knows what that had.
func TestSessionMadeAnewLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, hub.Config{})
		abc := s.session("abc")      // 1
		emit(t, abc, "")             // 2
		abc.Emit(session.Ended, nil) // 3
		time.Sleep(time.Hour)
		emit(t, s.session("abc"), "") // 5, behind its creation
		for _, tt := range []struct{ asked, gap string }{{"0", ""}, {"2", hub.Earliest}, {"3", ""}, {"4", ""}} {
			r := s.read("/v1/sessions/abc/events", "Last-Event-ID", tt.asked)
			if got := r.resp.Header.Get("Last-Event-ID"); got != tt.gap {
				t.Errorf("behind %s: Last-Event-ID is %q, want %q", tt.asked, got, tt.gap)
			}
			if got := r.ids(1); got != "5" {
				t.Errorf("behind %s: got %s, want 5", tt.asked, got)
			}
			r.resp.Body.Close()
		}
	})
}

// A process that begins behind ids of another one, and has no History, says that it does
// not have those.
func TestNewestWithoutHistory(t *testing.T) {
	resumes(t, hub.Config{Run: "r1", Newest: 10}, func(s *server) {
		if err := s.session("a").Append(11, session.Message, []byte("{}")); err != nil {
			s.t.Fatal(err)
		}
	}, [][4]string{
		{"/v1/events", "9", hub.Earliest, "11"},
		{"/v1/events", "10", "", "11"},
		{"/v1/sessions/a/events", "9", hub.Earliest, "11"},
		{"/v1/sessions/a/events", "10", "", "11"},
	})
}

// Sessions and plain streams have name spaces of their own.
func TestNameSpaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, hub.Config{})
		emit(t, s.session("abc"), "")
		send(t, s.stream("abc"), "x")
		if got := s.read("/v1/sessions/abc/events", "Last-Event-ID", "0").ids(1); got != "2" {
			t.Errorf("session abc: got %s, want 2", got)
		}
		if got := s.read("/events?stream=abc", "Last-Event-ID", "0").ids(1); got != "x" {
			t.Errorf("stream abc: got %s, want x", got)
		}
		for _, name := range []string{"", "*"} {
			if _, err := s.Stream(name); err == nil {
				t.Errorf("Stream(%q) is taken", name)
			}
		}
		if resp := s.get("/events?stream=xyz"); resp.StatusCode != http.StatusNotFound {
			t.Errorf("an unknown stream: got %s, want 404", resp.Status)
		}
	})
}

// What real servers do in another way.
func TestPolicies(t *testing.T) {
	policy := hub.Policy{NoSigns: true, NoStart: true, NoCreated: true, NoShutdown: true, NoGlobalReplay: true, AheadIsLive: true, LooseIDs: true}
	resumes(t, hub.Config{Window: 3, Policy: policy}, func(s *server) {
		a := s.session("a")
		for range 5 { // 1 to 5
			emit(s.t, a, "")
		}
	}, [][4]string{
		{"/v1/sessions/a/events", "0", "", "3 4 5"},
		{"/v1/sessions/a/events", "1", "", "3 4 5"},
		{"/v1/sessions/a/events", "4abc", "", "5"},
		{"/v1/sessions/a/events", "xyz", "", ""},
		{"/v1/sessions/a/events", "99", "", ""},
		{"/v1/events", "0", "", ""},
	})
	synctest.Test(t, func(t *testing.T) {
		policy := policy
		policy.EndedStays = true
		policy.Frame = func(b []byte, f *hub.Frame) []byte {
			if f.Stream == hub.OfAll && f.Num != 0 {
				return b // nothing
			}
			return fmt.Appendf(b, "id: %d\ndata: {\"event\":%q}\n\n", f.Num, f.Kind)
		}
		s := serve(t, hub.Config{Policy: policy})
		abc := s.session("abc")
		r := s.read("/v1/sessions/abc/events")
		synctest.Wait()
		abc.Emit(session.Ended, nil)
		synctest.Wait()
		if run := r.resp.Header["Sse-Run"]; run != nil {
			t.Errorf("Sse-Run: got %q, want none", run)
		}
		if resp := s.get("/v1/sessions/abc/events"); resp.StatusCode != http.StatusNotFound {
			t.Errorf("a new connection: got %s, want 404", resp.Status)
		}
		for _, want := range []string{`{"event":"connected"}`, `{"event":"ended"}`, `{"event":"heartbeat"}`, `{"event":"heartbeat"}`} {
			if ev, err := r.dec.Next(); err != nil || ev.Data != want {
				t.Errorf("got %+v, %v, want %s", ev, err, want)
			}
		}
	})
}
