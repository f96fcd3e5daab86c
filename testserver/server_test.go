package testserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// open starts a request and fails the test if it gets no response.
func open(t *testing.T, srv *ts.Server, url, lastEventID string) *http.Response {
	t.Helper()
	resp, err := srv.Client().Do(request(t, url, lastEventID))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// request asks for a stream behind an event; live if the id is empty.
func request(t *testing.T, url, lastEventID string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	return req
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
	for _, net := range networks {
		t.Run(net.name, func(t *testing.T) {
			srv := net.start(t)
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
	srv := ts.NewInMemory(t)
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
	srv := ts.New(t)
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

// TestEventsOfASession publishes with each method, and reads the envelopes.
func TestEventsOfASession(t *testing.T) {
	srv := ts.NewInMemory(t)
	s := srv.Session(`a"b/ü`)
	if s.ID() != `a"b/ü` {
		t.Errorf("ID %q", s.ID())
	}
	dec := decode(open(t, srv, s.URL(), "0"))
	envelope(t, dec) // connected
	for _, tt := range []struct {
		id   int64
		kind session.Kind
		data string
	}{
		{s.Status("working", ""), session.Status, `{"status":"working"}`},
		{s.Status("idle", "why"), session.Status, `{"status":"idle","detail":"why"}`},
		{s.Message("user", "a\r\nb"), session.Message, `{"role":"user","text":"a\r\nb"}`},
		{s.System("hello"), session.System, `{"role":"system","text":"hello"}`},
		{s.Approval("may I?"), session.Approval, `{"prompt":"may I?"}`},
		{s.Emit(session.Hook, nil), session.Hook, ""},
		{s.Emit(session.Stall, json.RawMessage(" null ")), session.Stall, ""},
		{s.Emit(session.Dead, json.RawMessage("{\n \"a\": 1\r\n}")), session.Dead, `{"a":1}`},
		{s.Emit("odd \" kind\n", 7), "odd \" kind\n", `7`},
		{s.Ended("done"), session.Ended, `{"reason":"done"}`},
	} {
		env := envelope(t, dec)
		if env.ID != tt.id || env.Kind != tt.kind || string(env.Data) != tt.data || env.SessionID != s.ID() {
			t.Errorf("got %+v with %s, want %d %s %s", env, env.Data, tt.id, tt.kind, tt.data)
		}
		if env.Timestamp.IsZero() || env.EmittedAt != env.Timestamp.UnixMilli() {
			t.Errorf("%s: timestamp %v, emitted at %d", tt.kind, env.Timestamp, env.EmittedAt)
		}
	}
}

func TestNonsensePanics(t *testing.T) {
	srv := ts.NewInMemory(t)
	for name, do := range map[string]func(){
		"a session without a name":   func() { srv.Session("") },
		"data that is no JSON":       func() { srv.Session("abc").Emit(session.Hook, func() {}) },
		"raw data that is no JSON":   func() { srv.Session("abc").Emit(session.Hook, json.RawMessage("{")) },
		"a fault that makes no kind": func() { srv.Inject(fault.Fault{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			do()
		}()
	}
}

func TestWaitDelivered(t *testing.T) {
	srv := ts.NewInMemory(t)
	s := srv.Session("abc")
	resp := open(t, srv, s.URL(), "")
	global := open(t, srv, srv.GlobalURL(), "")
	first := s.Message("assistant", "1")
	second := s.Message("assistant", "2")
	for stream, id := range map[string]int64{"abc": second, ts.Global: first} {
		if err := srv.WaitDelivered(t.Context(), stream, id); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for stream, id := range map[string]int64{"abc": second + 1, "nobody": 1} {
		if err := srv.WaitDelivered(ctx, stream, id); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want canceled", stream, err)
		}
	}
	must[object](t, srv, "POST", "wait", fmt.Sprintf(`{"delivered":"%d","stream":"abc"}`, first))
	resp.Body.Close()
	global.Body.Close()
	go srv.Close()
	if err := srv.WaitDelivered(t.Context(), "abc", second+1); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the server was closed", err)
	}
}

func TestMethods(t *testing.T) {
	srv := ts.NewInMemory(t)
	s := srv.Session("abc")
	st := srv.Stream("s")
	for _, tt := range []struct {
		method, url string
		status      int
	}{
		{"HEAD", s.URL(), 200}, {"HEAD", srv.StreamURL("s"), 200}, {"HEAD", srv.SessionURL("nobody"), 404},
		{"POST", s.URL(), 405}, {"POST", srv.GlobalURL(), 405}, {"PUT", srv.StreamURL("s"), 405},
		{"POST", srv.StreamURL("s"), 200}, {"GET", srv.StreamURL("nobody's"), 404},
	} {
		if status := statusOf(t, srv, tt.method, tt.url); status != tt.status {
			t.Errorf("%s %s: %d, want %d", tt.method, tt.url, status, tt.status)
		}
	}
	if st.Name() != "s" {
		t.Errorf("Name %q", st.Name())
	}
	st.End()
	if err := st.Send(sse.Event{Data: "late"}); err == nil {
		t.Error("a stream that has ended took an event")
	}
	if srv.Stream("s") == st {
		t.Error("a stream that has ended is given out again")
	}
}

// decode reads a response's events.
func decode(resp *http.Response) *sse.Decoder { return sse.NewDecoder(resp.Body, nil) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
