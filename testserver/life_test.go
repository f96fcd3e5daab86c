package testserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/session"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// TestBytesOnTheWire shows a session's stream byte by byte. A bubble's clock begins
// on the first of January 2000.
func TestBytesOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t, &ts.Options{Header: http.Header{"X-More": {"yes"}}})
		s := srv.Session("a b")
		c := getRaw(t, srv, s.URL())
		c.SetReadDeadline(time.Now().Add(time.Minute))
		synctest.Wait()
		s.Message("assistant", "grüße\n<b>")
		time.Sleep(30*time.Second + time.Millisecond)
		s.Ended("done")
		b, err := io.ReadAll(c.in)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Replace(string(b), "Sse-Run: "+srv.Stats().Run, "Sse-Run: RUN", 1)
		want := strings.ReplaceAll(`HTTP/1.1 200 OK
Cache-Control: no-cache
Connection: close
Content-Type: text/event-stream
Date: Sat, 01 Jan 2000 00:00:00 GMT
Sse-Run: RUN
Transfer-Encoding: chunked
X-Accel-Buffering: no
X-More: yes

`, "\n", "\r\n") +
			chunk(`data: {"event":"connected","sessionId":"a b","timestamp":"2000-01-01T00:00:00.000Z","emittedAt":946684800000}`, "\n\n", "id: 1\n\n") +
			chunk("id: 2\n", `data: {"event":"message","sessionId":"a b","timestamp":"2000-01-01T00:00:00.000Z","data":{"role":"assistant","text":"grüße\n<b>"},"emittedAt":946684800000,"id":2}`, "\n\n") +
			chunk(`data: {"event":"heartbeat","sessionId":"a b","timestamp":"2000-01-01T00:00:30.000Z","emittedAt":946684830000}`, "\n\n") +
			chunk("id: 3\n", `data: {"event":"ended","sessionId":"a b","timestamp":"2000-01-01T00:00:30.001Z","data":{"reason":"done"},"emittedAt":946684830001,"id":3}`, "\n\n") +
			lastChunk
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("on the wire (-want +got):\n%s", diff)
		}
	})
}

func TestHTTP10(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	sendAll(t, st)
	c := dialRaw(t, srv)
	fmt.Fprintf(c, "GET /events?stream=s HTTP/1.0\r\nLast-Event-ID: 0\r\n\r\n")
	if resp := c.head(t); len(resp.TransferEncoding) > 0 {
		t.Errorf("HTTP/1.0 got %v", resp.TransferEncoding)
	}
	if err := srv.WaitDeliveredID(t.Context(), st.Name(), "4"); err != nil {
		t.Fatal(err)
	}
	st.End()
	if got, _ := c.rest(); got != all {
		t.Errorf("got %q", got)
	}
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		for _, url := range []string{srv.Session("abc").URL(), srv.GlobalURL()} {
			dec := decode(open(t, srv, url, ""))
			start := time.Now()
			if env := envelope(t, dec); env.Kind != session.Connected || env.ID != 0 {
				t.Errorf("%s: first frame %+v", url, env)
			}
			for i := 1; i <= 10; i++ {
				ev, err := dec.Next()
				if err != nil || !session.IsControl(ev) || time.Since(start) != time.Duration(i)*30*time.Second {
					t.Fatalf("%s: %+v, %v after %v", url, ev, err, time.Since(start))
				}
			}
		}
	})
}

// TestEndedAndRetired is the race of the original: a session that is created again
// inside the second after its end lives on.
func TestEndedAndRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		old := srv.Session("abc")
		oldBody := open(t, srv, old.URL(), "").Body
		old.Ended("done")
		time.Sleep(500 * time.Millisecond)
		fresh := srv.Session("abc")
		if fresh == old {
			t.Fatal("a session that has ended was taken for a fresh one")
		}
		dec := decode(open(t, srv, fresh.URL(), ""))
		start := time.Now()
		body, err := io.ReadAll(oldBody)
		if err != nil || !strings.Contains(string(body), `"ended"`) || time.Since(start) != 500*time.Millisecond {
			t.Errorf("old stream: %q, %v after %v", body, err, time.Since(start))
		}
		time.Sleep(time.Hour)
		fresh.Message("assistant", "alive")
		for env := envelope(t, dec); env.Kind != session.Message; env = envelope(t, dec) {
		}
		if old.Message("assistant", "dead") != 0 {
			t.Error("a retired session still publishes")
		}
	})
}

func TestEndedIsReplayedUntilRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		s := srv.Session("abc")
		id := s.Message("assistant", "hi")
		s.Ended("done")
		time.Sleep(999 * time.Millisecond)
		resp := open(t, srv, s.URL(), fmt.Sprint(id))
		start := time.Now()
		body, err := io.ReadAll(resp.Body)
		if err != nil || strings.Count(string(body), "id: ") != 1 || !strings.Contains(string(body), `"ended"`) {
			t.Errorf("got %q, %v", body, err)
		}
		if d := time.Since(start); d != time.Millisecond {
			t.Errorf("ended after %v", d)
		}
		if status := statusOf(t, srv, "GET", s.URL()); status != 204 {
			t.Errorf("with nothing left to read: %d", status)
		}
		time.Sleep(5*time.Minute - time.Millisecond)
		if status := statusOf(t, srv, "GET", s.URL()); status != 204 {
			t.Errorf("before its retirement: %d", status)
		}
		time.Sleep(2 * time.Millisecond)
		if status := statusOf(t, srv, "GET", s.URL()); status != 404 {
			t.Errorf("after its retirement: %d", status)
		}
	})
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		s := srv.Session("abc")
		global, own := open(t, srv, srv.GlobalURL(), ""), open(t, srv, s.URL(), "")
		s.Message("assistant", "last words")
		start := time.Now()
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %v", d)
		}
		for url, want := range map[*http.Response]string{global: `"event":"shutdown"`, own: "last words"} {
			body, err := io.ReadAll(url.Body)
			if err != nil || !strings.Contains(string(body), want) {
				t.Errorf("%q, %v, want %s and a clean end", body, err, want)
			}
		}
		if _, err := srv.Client().Get(srv.GlobalURL()); err == nil {
			t.Error("the server still answers")
		}
	})
}

func TestShutdownHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		s := srv.Session("abc")
		open(t, srv, s.URL(), "") // never read
		for range 100 {
			s.Message("assistant", strings.Repeat("x", 10<<10))
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, cause)
		defer cancel()
		time.AfterFunc(time.Second, func() {
			if status := statusOf(t, srv, "GET", srv.GlobalURL()); status != 503 {
				t.Errorf("a new stream during the shutdown: %d, want 503", status)
			}
		})
		start := time.Now()
		if err := srv.Shutdown(ctx); !errors.Is(err, cause) || time.Since(start) != 5*time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

// TestCloseDoesNotHang closes a server with every kind of connection that does not
// end by itself.
func TestCloseDoesNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		s := srv.Session("abc")
		for _, f := range []fault.Fault{
			fault.Stall(), fault.StallEvents(), fault.Hold(1000), fault.Drip(1, time.Hour), fault.NoAnswer(), fault.SlowHeaders(time.Hour), fault.EndlessLine(), fault.Gzip(),
		} {
			srv.Inject(f.Header("Fault", f.Kind()))
			getRaw(t, srv, s.URL(), "Fault: "+f.Kind())
		}
		getRaw(t, srv, s.URL())
		fmt.Fprint(dialRaw(t, srv), "GET / HT")
		fmt.Fprint(dialRaw(t, srv), "POST /_ctl/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
		fmt.Fprint(dialRaw(t, srv), "POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
		dialRaw(t, srv)
		for range 100 {
			s.Message("assistant", strings.Repeat("x", 10<<10))
		}
		synctest.Wait()
		start := time.Now()
		srv.Close()
		srv.Close()
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v", d)
		}
	})
}
