package testserver_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

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

// decode reads a response's events.
func decode(resp *http.Response) *sse.Decoder { return sse.NewDecoder(resp.Body, nil) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
