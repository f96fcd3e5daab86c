package testserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// open starts a request and fails the test if it gets no response.
func open(t *testing.T, srv *testserver.Server, url, lastEventID string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// ids reads n events with an id and returns their ids.
func ids(t *testing.T, dec *sse.Decoder, n int) string {
	t.Helper()
	var got []string
	for len(got) < n {
		ev, err := dec.Next()
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		if ev.HasID {
			got = append(got, ev.ID)
		}
	}
	return strings.Join(got, " ")
}

func TestSessionStream(t *testing.T) {
	for name, start := range map[string]func(testserver.TB, ...*testserver.Options) *testserver.Server{
		"socket": testserver.New, "memory": testserver.NewInMemory,
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			s := srv.Session("a b")
			resp := open(t, srv, s.URL(), "")
			dec := sse.NewDecoder(resp.Body, nil)
			ev, err := dec.Next()
			if err != nil || session.KindOf(ev) != session.Connected || !session.IsControl(ev) {
				t.Errorf("first frame: %+v, %v, want connected", ev, err)
			}
			var want []string
			for i := range 200 {
				want = append(want, fmt.Sprint(s.Message("assistant", fmt.Sprint(i))))
			}
			if got := ids(t, dec, 200); got != strings.Join(want, " ") {
				t.Errorf("got %s, want %s", got, want)
			}
			if err := srv.WaitConns(t.Context(), 1); err != nil {
				t.Error(err)
			}
			srv.Drop()
			if _, err := io.ReadAll(resp.Body); err == nil {
				t.Error("a dropped connection ended cleanly")
			}
			if err := srv.WaitConns(t.Context(), 0); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReplay(t *testing.T) {
	srv := testserver.NewInMemory(t, &testserver.Options{Window: 3})
	a, b := srv.Session("a"), srv.Session("b")
	for range 5 { // ids of a: 3 5 7 9 11
		a.Status("working", "")
		b.Status("working", "")
	}
	for _, tt := range []struct {
		asked, gap string
		ids        string
	}{
		{"0", "5", "7 9 11"},
		{"3", "5", "7 9 11"},
		{"4", "5", "7 9 11"},
		{"5", "", "7 9 11"},
		{"6", "", "7 9 11"},
		{"7", "", "9 11"},
		{"10", "", "11"},
		{"11", "", ""},
		{"12", "", ""},
		{"13", "5", "7 9 11"},
		{"garbage", "5", "7 9 11"},
		{"-1", "5", "7 9 11"},
	} {
		t.Run(tt.asked, func(t *testing.T) {
			resp := open(t, srv, a.URL(), tt.asked)
			if got := resp.Header.Get("Last-Event-ID"); got != tt.gap {
				t.Errorf("Last-Event-ID: got %q, want %q", got, tt.gap)
			}
			if got := ids(t, sse.NewDecoder(resp.Body, nil), len(strings.Fields(tt.ids))); got != tt.ids {
				t.Errorf("got %q, want %q", got, tt.ids)
			}
			resp.Body.Close()
		})
	}
}

func TestEndedAndRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t)
		old := srv.Session("abc")
		resp := open(t, srv, old.URL(), "")
		old.Ended("done")
		time.Sleep(500 * time.Millisecond)
		fresh := srv.Session("abc")
		if fresh == old {
			t.Fatal("a session that has ended was taken for a fresh one")
		}
		freshResp := open(t, srv, fresh.URL(), "")
		start := time.Now()
		body, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(body), `"ended"`) || time.Since(start) != 500*time.Millisecond {
			t.Errorf("old stream: %q, %v after %v", body, err, time.Since(start))
		}
		time.Sleep(time.Hour)
		fresh.Message("assistant", "alive")
		sc := bufio.NewScanner(freshResp.Body)
		for sc.Scan() && !strings.Contains(sc.Text(), "alive") {
		}
		if err := sc.Err(); err != nil || !strings.Contains(sc.Text(), "alive") {
			t.Errorf("fresh stream: %q, %v", sc.Text(), err)
		}
	})
}

func TestNotFound(t *testing.T) {
	srv := testserver.NewInMemory(t)
	srv.Session("abc")
	for path, json := range map[string]bool{"/v1/sessions/x/events": true, "/sessions/abc/events": false, "/v1/sessions/abc": false} {
		resp := open(t, srv, srv.URL+path, "")
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusNotFound || session.NotFound(404, body) != json {
			t.Errorf("%s: %s %q", path, resp.Status, body)
		}
	}
}

func TestStalledReaderIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t)
		s := srv.Session("abc")
		open(t, srv, s.URL(), "")
		start := time.Now()
		for range 100 {
			s.Message("assistant", strings.Repeat("x", 10<<10))
		}
		if time.Since(start) != 0 {
			t.Errorf("the publisher waited for %v", time.Since(start))
		}
		if err := srv.WaitConns(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 90*time.Second {
			t.Errorf("cut after %v, want 1m30s", d)
		}
		if why := srv.Requests()[0].Why; why != "the client did not read in time" {
			t.Errorf("why: %q", why)
		}
	})
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t)
		s := srv.Session("abc")
		resp := open(t, srv, s.URL(), "")
		dec := sse.NewDecoder(resp.Body, nil)
		start := time.Now()
		dec.Next()
		for i := 1; i <= 10; i++ {
			ev, err := dec.Next()
			if err != nil || session.KindOf(ev) != session.Heartbeat || time.Since(start) != time.Duration(i)*30*time.Second {
				t.Fatalf("%+v, %v after %v", ev, err, time.Since(start))
			}
		}
	})
}

func TestPlainStream(t *testing.T) {
	srv := testserver.New(t)
	st := srv.Stream("orders")
	for i := range 60 {
		if err := st.Send(sse.Event{ID: fmt.Sprint("o", i), HasID: true, Type: "order", Data: "a\nb"}); err != nil {
			t.Fatal(err)
		}
	}
	resp := open(t, srv, srv.StreamURL("orders"), "o57")
	if got := ids(t, sse.NewDecoder(resp.Body, nil), 2); got != "o58 o59" {
		t.Errorf("got %s", got)
	}
	if err := st.Send(sse.Event{ID: "a\nb", HasID: true}); err == nil {
		t.Error("an id with a line break was sent")
	}
}

func TestShutdown(t *testing.T) {
	srv := testserver.NewInMemory(t)
	resp := open(t, srv, srv.GlobalURL(), "")
	if err := srv.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), `"shutdown"`) {
		t.Errorf("%q, %v", body, err)
	}
}

func TestFirstFaults(t *testing.T) {
	srv := testserver.NewInMemory(t)
	s := srv.Session("abc")
	h := srv.Inject(testserver.Status(503).RetryAfter(1500*time.Millisecond).Body("later"), testserver.CutAfter(120))
	resp := open(t, srv, s.URL(), "")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "2" {
		t.Errorf("%s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	for range 50 {
		s.Message("assistant", "hello")
	}
	resp = open(t, srv, s.URL(), "0")
	body, err := io.ReadAll(resp.Body)
	if len(body) != 120 || err == nil {
		t.Errorf("%d bytes, %v, want 120 and an error", len(body), err)
	}
	if h.Fired() != 2 {
		t.Errorf("fired %d times", h.Fired())
	}
}

// decode reads a response's events.
func decode(resp *http.Response) *sse.Decoder { return sse.NewDecoder(resp.Body, nil) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
