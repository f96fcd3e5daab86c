package testserver_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
)

func TestReplay(t *testing.T) {
	srv := ts.NewInMemory(t, &ts.Options{Window: 3})
	a, b := srv.Session("a"), srv.Session("b") // session_created: 1 2
	for range 5 {                              // ids of a: 3 5 7 9 11
		a.Status("working", "")
		b.Status("working", "")
	}
	for _, tt := range []struct {
		url   string
		asked string
		gap   string
		ids   string
	}{
		{a.URL(), "0", "5", "7 9 11"},
		{a.URL(), "3", "5", "7 9 11"},
		{a.URL(), "4", "5", "7 9 11"},
		{a.URL(), "5", "", "7 9 11"},
		{a.URL(), "6", "", "7 9 11"},
		{a.URL(), "7", "", "9 11"},
		{a.URL(), "10", "", "11"},
		{a.URL(), "11", "", ""},
		{a.URL(), "12", "", ""},
		{a.URL(), "13", "5", "7 9 11"},
		{a.URL(), "garbage", "5", "7 9 11"},
		{a.URL(), "-1", "5", "7 9 11"},
		{a.URL(), "99999999999999999999", "5", "7 9 11"},
		{srv.GlobalURL(), "0", "9", "10 11 12"},
		{srv.GlobalURL(), "8", "9", "10 11 12"},
		{srv.GlobalURL(), "9", "", "10 11 12"},
		{srv.GlobalURL(), "11", "", "12"},
	} {
		checkResume(t, srv, tt.url, tt.asked, tt.gap, tt.ids)
	}
}

// checkResume opens a stream behind an id, and compares the gap that it is told of
// and the ids of the replay.
func checkResume(t *testing.T, srv *ts.Server, url, asked, gap, replay string) {
	t.Helper()
	t.Run(strings.TrimPrefix(url, srv.URL)+" "+asked, func(t *testing.T) {
		resp := open(t, srv, url, asked)
		if got := resp.Header.Get("Last-Event-ID"); got != gap {
			t.Errorf("Last-Event-ID: got %q, want %q", got, gap)
		}
		if got := ids(t, decode(resp), len(strings.Fields(replay))); got != replay {
			t.Errorf("got %q, want %q", got, replay)
		}
	})
}

// TestReplayOfNames is the same on a plain stream, whose ids are any text.
func TestReplayOfNames(t *testing.T) {
	srv := ts.NewInMemory(t, &ts.Options{Window: 3})
	st, fresh := srv.Stream("s"), srv.Stream("fresh")
	sendText(t, st, "id: a\ndata:\n\nid: b\ndata:\n\nid: c\ndata:\n\nid: d\ndata:\n\nid: e\ndata:\n\n")
	sendText(t, fresh, "id: c\ndata:\n\nid: d\ndata:\n\nid: e\ndata:\n\n")
	for _, tt := range []struct{ url, asked, gap, ids string }{
		{srv.StreamURL("s"), "a", "b", "c d e"},
		{srv.StreamURL("s"), "b", "", "c d e"},
		{srv.StreamURL("s"), "c", "", "d e"},
		{srv.StreamURL("s"), "e", "", ""},
		{srv.StreamURL("s"), "unknown", "b", "c d e"},
		{srv.StreamURL("fresh"), "unknown", "earliest", "c d e"}, // it means nothing here
	} {
		checkResume(t, srv, tt.url, tt.asked, tt.gap, tt.ids)
	}
}

func TestReplayOfEventsWithoutID(t *testing.T) {
	srv := ts.NewInMemory(t, &ts.Options{Window: 1})
	st := srv.Stream("s")
	sendText(t, st, "data: 1\n\ndata: 2\n\n")
	resp := open(t, srv, srv.StreamURL("s"), "0")
	if got := resp.Header.Get("Last-Event-ID"); got != "earliest" {
		t.Errorf("Last-Event-ID: got %q, want earliest", got)
	}
	if ev, err := decode(resp).Next(); err != nil || ev.Data != "2" {
		t.Errorf("got %+v, %v, want 2", ev, err)
	}
}

func TestWindowIsFifty(t *testing.T) {
	srv := ts.NewInMemory(t)
	s := srv.Session("abc")
	for range 51 {
		s.Status("working", "") // 2 to 52
	}
	resp := open(t, srv, s.URL(), "1")
	if got := resp.Header.Get("Last-Event-ID"); got != "2" {
		t.Errorf("Last-Event-ID: got %q, want 2", got)
	}
	if got := ids(t, decode(resp), 50); !strings.HasPrefix(got, "3 4 ") || !strings.HasSuffix(got, " 52") {
		t.Errorf("got %s, want 3 to 52", got)
	}
}

// TestSeam lets readers come and go at random while events are published: whoever
// resumes gets each event once and in order, wherever replay becomes live.
func TestSeam(t *testing.T) {
	const events, readers = 3000, 8
	srv := ts.NewInMemory(t, &ts.Options{Window: events})
	s := srv.Session("abc")
	var done sync.WaitGroup
	for i := range readers {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		done.Go(func() { followInPieces(t, srv, s, random, events) })
	}
	for i := range events {
		s.Message("assistant", strconv.Itoa(i))
	}
	done.Wait()
}

// followInPieces reads a session's messages over many connections.
func followInPieces(t *testing.T, srv *ts.Server, s *server.Session, random *rand.Rand, events int) {
	last, want := "0", 0
	for want < events {
		resp := open(t, srv, s.URL(), last)
		if gap := resp.Header.Get("Last-Event-ID"); gap != "" {
			t.Errorf("asked for %s, got a gap to %s", last, gap)
			return
		}
		dec := decode(resp)
		for n := random.IntN(200); n > 0 && want < events; n-- {
			ev, err := dec.Next()
			if err != nil {
				t.Errorf("after %s: %v", last, err)
				return
			}
			if session.IsControl(ev) {
				continue
			}
			if !strings.Contains(ev.Data, fmt.Sprintf(`"text":"%d"`, want)) {
				t.Errorf("after %s came %s", last, ev.Data)
				return
			}
			last = ev.ID
			want++
		}
		resp.Body.Close()
	}
}

// TestGlobalSeesAll shows that the global stream keeps events that nobody listened
// to, under its own names of the kinds.
func TestGlobalSeesAll(t *testing.T) {
	srv := ts.NewInMemory(t)
	for kind := range map[session.Kind]bool{session.Status: true, session.Message: true, session.Hook: true, session.Ended: true} {
		srv.Session(string(kind)).Emit(kind, nil)
	}
	dec := decode(open(t, srv, srv.GlobalURL(), "0"))
	if ev, err := dec.Next(); err != nil || !strings.Contains(ev.Data, `"data":{"activeSessions":3}`) {
		t.Errorf("first frame: %+v, %v, want connected with 3 active sessions", ev, err)
	}
	for range 4 {
		created, of := envelope(t, dec), envelope(t, dec)
		if created.Kind != session.SessionCreated || of.Kind != session.Kind(of.SessionID).Global() || created.SessionID != of.SessionID {
			t.Errorf("got %+v and %+v", created, of)
		}
	}
}

// envelope decodes the next event.
func envelope(t *testing.T, dec *sse.Decoder) session.Envelope {
	t.Helper()
	ev, err := dec.Next()
	if err != nil {
		t.Fatal(err)
	}
	env, err := session.Parse(ev)
	if err != nil {
		t.Fatal(err)
	}
	return env
}
