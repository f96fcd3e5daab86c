package testserver_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

func TestRestart(t *testing.T) {
	for _, tt := range []struct {
		name    string
		keep    ts.Keep
		gap     string // the Last-Event-ID header for who asks for 3
		ids     string // that come, the new one last
		sameRun bool
	}{
		{"logs", ts.KeepLogs, "", "4 5 6", true},
		{"counter", ts.KeepCounter, "5", "6", true},
		{"nothing", ts.KeepNothing, "earliest", "1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := ts.New(t)
			s := srv.Session("abc")
			for range 4 {
				s.Status("working", "") // 2 to 5
			}
			before := getRaw(t, srv, s.URL())
			run := before.head(t).Header.Get("Sse-Run")
			if err := srv.WaitConns(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			url := srv.URL
			srv.Restart(tt.keep, 0)
			if got, end := before.rest(); end == "clean" {
				t.Errorf("the connection ended cleanly: %q", got)
			}
			s.Status("working", "")
			resp := open(t, srv, s.URL(), "3")
			if srv.URL != url || resp.Header.Get("Last-Event-ID") != tt.gap || (resp.Header.Get("Sse-Run") == run) != tt.sameRun {
				t.Errorf("URL %s, before %s; header %v; run before %s", srv.URL, url, resp.Header, run)
			}
			if got := ids(t, decode(resp), (len(tt.ids)+1)/2); got != tt.ids {
				t.Errorf("ids %s, want %s", got, tt.ids)
			}
			if r := srv.Requests()[0]; r.Why != "the server restarted" {
				t.Errorf("the journal says %q", r.Why)
			}
		})
	}
}

// An id of another run means nothing, although there is one that is equal: who
// says where the id comes from gets all, and is told.
func TestIDOfAnotherRun(t *testing.T) {
	srv := ts.NewInMemory(t)
	s, st := srv.Session("abc"), srv.Stream("s")
	s.Status("working", "")
	old := srv.Stats().Run
	srv.Restart(ts.KeepNothing, 0)
	for range 3 {
		s.Status("working", "") // 1 to 3
	}
	sendText(t, st, "id: 1\ndata:\n\nid: 2\ndata:\n\nid: 3\ndata:\n\n")
	for _, tt := range []struct{ url, run, gap, ids string }{
		{s.URL(), old, "earliest", "1 2 3"},
		{s.URL(), srv.Stats().Run, "", "3"},
		{s.URL(), "", "", "3"},
		{srv.StreamURL("s"), old, "earliest", "1 2 3"},
		{srv.StreamURL("s"), srv.Stats().Run, "", "3"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Last-Event-Id": {"2"}, "Sse-Run": {tt.run}}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := resp.Header.Get("Last-Event-ID"); got != tt.gap {
			t.Errorf("%s of run %q: told of %q, want %q", tt.url, tt.run, got, tt.gap)
		}
		if got := ids(t, decode(resp), len(strings.Fields(tt.ids))); got != tt.ids {
			t.Errorf("%s of run %q: got %s, want %s", tt.url, tt.run, got, tt.ids)
		}
	}
}

func TestRestartTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		st := srv.Stream("s")
		resp := open(t, srv, srv.StreamURL("s"), "")
		var refused atomic.Int32
		for i := range 9 {
			time.AfterFunc(time.Duration(i)*time.Second+time.Millisecond, func() {
				if c, err := srv.Dial(t.Context()); errors.Is(err, syscall.ECONNREFUSED) {
					refused.Add(1)
				} else {
					c.Close()
				}
			})
		}
		start := time.Now()
		srv.Restart(ts.KeepLogs, 5*time.Second)
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("down for %v", d)
		}
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Error("the stream ended cleanly")
		}
		time.Sleep(time.Minute)
		if n := refused.Load(); n != 5 {
			t.Errorf("%d of 9 dials were refused, want 5", n)
		}
		sendAll(t, st)
		open(t, srv, srv.StreamURL("s"), "0")
		if err := srv.WaitDeliveredID(t.Context(), st.Name(), "4"); err != nil {
			t.Error(err)
		}
	})
}

// TestWriteIsInOrder puts bytes between events that a stalled reader has still to
// get.
func TestWriteIsInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.Stall().For(time.Minute))
		c := getRaw(t, srv, srv.StreamURL("s"))
		c.head(t)
		synctest.Wait()
		sendText(t, st, one)
		if n := srv.Write("s", []byte("oops")); n != 1 {
			t.Errorf("written to %d connections", n)
		}
		if n := srv.Write("another", []byte("oops")); n != 0 {
			t.Errorf("written to %d connections of another stream", n)
		}
		srv.Write("", []byte("\n"))
		sendText(t, st, two)
		st.End()
		got, end := c.rest()
		if want := chunk(one) + chunk("oops") + chunk("\n") + chunk(two); got != want || end != "clean" {
			t.Errorf("got %q, %s, want %q", got, end, want)
		}
	})
}

func TestWriteToAReaderThatIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t, &ts.Options{LagBytes: 100_000})
		srv.Stream("s")
		open(t, srv, srv.StreamURL("s"), "")
		synctest.Wait()
		for range 50 {
			srv.Write("s", make([]byte, 10_000))
		}
		if err := srv.WaitConns(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if why := srv.Requests()[0].Why; why != "the client was too far behind" {
			t.Errorf("why: %s", why)
		}
	})
}
