package testserver_test

import (
	"errors"
	"io"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	ts "github.com/OneStepAt4time/resilient-sse/testserver"
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
		{"nothing", ts.KeepNothing, "", "1", false},
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
		if err := st.WaitDelivered(t.Context(), "4"); err != nil {
			t.Error(err)
		}
	})
}

// TestWriteIsInOrder puts bytes between events that a stalled reader has still to
// get.
func TestWriteIsInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *ts.Stream) {
		srv.Inject(ts.Stall().For(time.Minute))
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
