package testserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// call sends a request to the control API and returns the status and the body.
func call(t *testing.T, srv *ts.Server, method, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.ControlURL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if !json.Valid(b) || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s: not JSON: %q", method, path, b)
	}
	return resp.StatusCode, strings.TrimSpace(string(b))
}

// must is call for what has to succeed; it returns the body as T.
func must[T any](t *testing.T, srv *ts.Server, method, path, body string) (v T) {
	t.Helper()
	status, got := call(t, srv, method, path, body)
	if status >= 300 {
		t.Fatalf("%s %s %s: %d %s", method, path, body, status, got)
	}
	if err := json.Unmarshal([]byte(got), &v); err != nil {
		t.Fatalf("%s %s: %s: %v", method, path, got, err)
	}
	return v
}

type object = map[string]any

func TestControlOfSessions(t *testing.T) {
	srv := ts.NewInMemory(t)
	if got := must[object](t, srv, "POST", "sessions", `{"name":"a/b"}`); got["url"] != srv.SessionURL("a/b") {
		t.Errorf("created %v", got)
	}
	ids := must[struct{ IDs []string }](t, srv, "POST", "publish", `[
		{"session":"a/b","event":"status","data":{"status":"working"}},
		{"session":"new","event":"message","data":{"text":"\u2028 <hi>"},"times":2}]`).IDs
	if fmt.Sprint(ids) != "[2 4 5]" { // 1 and 3 are session_created
		t.Errorf("ids %v", ids)
	}
	list := must[[]object](t, srv, "GET", "sessions", "")
	if len(list) != 2 || list[0]["name"] != "a/b" || list[1]["newest"] != "5" || list[1]["kept"] != 2.0 {
		t.Errorf("sessions %v", list)
	}
	if got := must[object](t, srv, "POST", "sessions/a%2Fb/end", `{"reason":"done"}`); fmt.Sprint(got["ids"]) != "[6]" {
		t.Errorf("ended %v", got)
	}
	if list := must[[]object](t, srv, "GET", "sessions", ""); list[0]["ended"] != true {
		t.Errorf("sessions %v", list)
	}
}

func TestControlOfStreams(t *testing.T) {
	srv := ts.NewInMemory(t)
	must[object](t, srv, "POST", "streams", `{"name":"s"}`)
	c := getRaw(t, srv, srv.StreamURL("s"))
	c.head(t)
	must[object](t, srv, "POST", "wait", `{"connections":1,"stream":"s"}`)
	must[object](t, srv, "POST", "publish", `{"stream":"s","id":"x1","event":"order","data":"a\nb","retry":"1.5s"}`)
	must[object](t, srv, "POST", "wait", `{"delivered":"x1","stream":"s"}`)
	must[object](t, srv, "POST", "publish", `{"stream":"s","data":{"n": 1}}`)
	must[object](t, srv, "POST", "write", `{"stream":"s","text":": verbatim\n"}`)
	must[object](t, srv, "POST", "write", `{"base64":"/w=="}`)
	if list := must[[]object](t, srv, "GET", "streams", ""); len(list) != 1 || list[0]["connections"] != 1.0 {
		t.Errorf("streams %v", list)
	}
	must[object](t, srv, "POST", "streams/s/end", "")
	got, end := c.rest()
	want := "id: x1\nevent: order\nretry: 1500\ndata: a\ndata: b\n\ndata: {\"n\": 1}\n\n: verbatim\n\xff"
	if body := strings.Join(unchunk(t, got), ""); body != want || end != "clean" {
		t.Errorf("got %q, %s, want %q", body, end, want)
	}
}

func TestControlOfFaults(t *testing.T) {
	srv := ts.NewInMemory(t)
	srv.Stream("s")
	posted := must[[]object](t, srv, "POST", "faults", `[{"kind":"status","status":503,"times":2},{"kind":"cut","always":true}]`)
	if len(posted) != 2 || posted[0]["number"] != 1.0 || posted[0]["left"] != 2.0 || posted[1]["left"] != nil {
		t.Errorf("posted %v", posted)
	}
	if resp := getRaw(t, srv, srv.StreamURL("s")).head(t); resp.StatusCode != 503 {
		t.Errorf("got %s", resp.Status)
	}
	must[object](t, srv, "POST", "wait", `{"fired":1,"fault":1}`)
	if got := must[object](t, srv, "DELETE", "faults/1", ""); got["fired"] != 1.0 {
		t.Errorf("deleted %v", got)
	}
	if got := must[object](t, srv, "GET", "faults/1", ""); got["left"] != 0.0 {
		t.Errorf("deleted, but %v", got)
	}
	if list := must[[]object](t, srv, "GET", "faults", ""); len(list) != 1 || list[0]["number"] != 2.0 {
		t.Errorf("faults %v", list)
	}
	if got := must[object](t, srv, "DELETE", "faults", ""); got["removed"] != 1.0 {
		t.Errorf("removed %v", got)
	}
	for _, k := range must[[]struct {
		Kind    string
		Example json.RawMessage
	}](t, srv, "GET", "kinds", "") {
		if status, got := call(t, srv, "POST", "faults", string(k.Example)); status != 201 {
			t.Errorf("the example of %s, %s: %d %s", k.Kind, k.Example, status, got)
		}
	}
}

func TestControlOfConnections(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	srv.Stream("other")
	sendAll(t, st)
	wants := map[string]string{"cut": "cut", "end": "clean", "reset": "reset"}
	for how, want := range wants {
		c := getRaw(t, srv, srv.StreamURL("s"), "Last-Event-ID: 0")
		must[object](t, srv, "POST", "wait", `{"connections":1}`)
		if err := st.Send(sse.Event{ID: how, HasID: true, Data: "x"}); err != nil {
			t.Fatal(err)
		}
		must[object](t, srv, "POST", "wait", fmt.Sprintf(`{"delivered":%q,"stream":"s"}`, how))
		list := must[[]object](t, srv, "GET", "connections?stream=s", "")
		if len(list) != 1 || list[0]["stream"] != "s" || list[0]["behind"] != 0.0 {
			t.Fatalf("connections %v", list)
		}
		if list := must[[]object](t, srv, "GET", "connections?stream=other", ""); len(list) != 0 {
			t.Errorf("connections of another stream: %v", list)
		}
		must[object](t, srv, "DELETE", fmt.Sprintf("connections/%v?how=%s", list[0]["number"], how), "")
		if _, end := c.rest(); end != want {
			t.Errorf("%s: the end was %s", how, end)
		}
		must[object](t, srv, "POST", "wait", `{"connections":0,"stream":"s"}`)
	}
	getRaw(t, srv, srv.StreamURL("s"))
	must[object](t, srv, "POST", "wait", `{"connections":1}`)
	getRaw(t, srv, srv.StreamURL("other"))
	must[object](t, srv, "POST", "wait", `{"connections":2}`)
	if got := must[object](t, srv, "DELETE", "connections?stream=s", ""); got["removed"] != 1.0 {
		t.Errorf("removed %v", got)
	}
	must[object](t, srv, "POST", "wait", `{"connections":1}`)
	requests := must[[]object](t, srv, "GET", "requests?after=3", "")
	if len(requests) != 2 || requests[0]["why"] != "dropped" || requests[1]["open"] != true {
		t.Errorf("requests %v", requests)
	}
}

func TestControlRestartAndReset(t *testing.T) {
	srv := ts.New(t)
	s := srv.Session("abc")
	s.Message("assistant", "hi")
	run := srv.Stats().Run
	if got := must[object](t, srv, "POST", "restart", `{"keep":"counter","down":"10ms"}`); got["run"] != run || got["restarts"] != 1.0 {
		t.Errorf("restarted: %v", got)
	}
	if got := must[object](t, srv, "POST", "restart", `{"keep":"nothing"}`); got["run"] == run || got["counter"] != 0.0 {
		t.Errorf("restarted: %v", got)
	}
	srv.Inject(fault.Status(500).Always())
	if got := must[object](t, srv, "POST", "reset", ""); got["sessions"] != 0.0 || got["restarts"] != 0.0 {
		t.Errorf("reset: %v", got)
	}
	if s.Message("assistant", "late") != 0 {
		t.Error("a session from before the reset still publishes")
	}
	if list := must[[]object](t, srv, "GET", "faults", ""); len(list) != 0 {
		t.Errorf("faults after the reset: %v", list)
	}
	if srv.Session("abc") == s {
		t.Error("a session from before the reset is still there")
	}
}

func TestControlErrors(t *testing.T) {
	srv := ts.NewInMemory(t)
	srv.Session("abc")
	for _, tt := range []struct {
		method, path, body string
		status             int
		field              string
	}{
		{"GET", "nonsense", "", 404, ""},
		{"PUT", "faults", "", 405, ""},
		{"POST", "faults", "{", 400, ""},
		{"POST", "faults", `{"kind":"x"}`, 400, "kind"},
		{"POST", "faults", `[{"kind":"cut"},{"kind":"cut","for":"1s"}]`, 400, "[1].for"},
		{"POST", "faults", `[{"kind":"cut"},{"kind":"cut","x":1}]`, 400, "[1].x"},
		{"GET", "faults/7", "", 404, ""},
		{"DELETE", "faults/x", "", 404, ""},
		{"POST", "sessions", `{"name":""}`, 400, "name"},
		{"POST", "sessions", `{"name":1}`, 400, "name"},
		{"POST", "sessions", `{"id":"x"}`, 400, "id"},
		{"POST", "sessions/x/end", "", 404, ""},
		{"POST", "streams/x/end", "", 404, ""},
		{"POST", "publish", `{}`, 400, "session"},
		{"POST", "publish", `{"session":"a","stream":"b"}`, 400, "session"},
		{"POST", "publish", `{"session":".."," event":"x"}`, 400, " event"},
		{"POST", "publish", `{"session":"..","event":"x"}`, 400, "session"},
		{"POST", "publish", `{"session":"a"}`, 400, "event"},
		{"POST", "publish", `{"session":"a","event":"x","id":"7"}`, 400, "id"},
		{"POST", "publish", `{"session":"a","event":"x","retry":"1s"}`, 400, "retry"},
		{"POST", "publish", `{"stream":"a","id":"a\nb"}`, 400, "id"},
		{"POST", "publish", `{"stream":"a","event":"a\nb"}`, 400, "event"},
		{"POST", "publish", `{"stream":"a","retry":"-1s"}`, 400, "retry"},
		{"POST", "publish", `[{"stream":"a"},{"stream":"a","times":-1}]`, 400, "[1].times"},
		{"POST", "write", `{}`, 400, "text"},
		{"POST", "write", `{"base64":"!"}`, 400, "base64"},
		{"GET", "connections?strem=x", "", 400, "strem"},
		{"DELETE", "connections?how=gently", "", 400, "how"},
		{"DELETE", "connections/7", "", 404, ""},
		{"DELETE", "connections/7?x=1", "", 400, "x"},
		{"GET", "requests?after=x", "", 400, "after"},
		{"POST", "wait", `{}`, 400, "connections"},
		{"POST", "wait", `{"connections":1,"requests":1}`, 400, "requests"},
		{"POST", "wait", `{"connections":"1"}`, 400, "connections"},
		{"POST", "wait", `{"connections":1,"timeout":"-1s"}`, 400, "timeout"},
		{"POST", "wait", `{"connections":1,"timeout":"1ms"}`, 504, ""},
		{"POST", "wait", `{"delivered":"x","stream":"abc"}`, 400, "delivered"},
		{"POST", "wait", `{"fired":1,"fault":9}`, 400, "fault"},
		{"POST", "restart", `{"keep":"calm"}`, 400, "keep"},
		{"POST", "restart", `{"down":"-1s"}`, 400, "down"},
		{"POST", "publish", strings.Repeat(" ", 9<<20), 413, ""},
	} {
		status, body := call(t, srv, tt.method, tt.path, tt.body)
		var e struct{ Error, Field string }
		if json.Unmarshal([]byte(body), &e); status != tt.status || e.Field != tt.field || e.Error == "" {
			t.Errorf("%s %s %.80s: %d %s, want %d and field %q", tt.method, tt.path, tt.body, status, body, tt.status, tt.field)
		}
	}
	if n := srv.Stats().Events; n != 1 { // session_created
		t.Errorf("%d events, although each request was refused", n)
	}
}

func TestControlKeepsOthersOut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		opts   ts.Options
		header []string
		status int
	}{
		{"plain", ts.Options{}, nil, 200},
		{"localhost", ts.Options{}, []string{"Host", "LocalHost:1"}, 200},
		{"IPv6", ts.Options{}, []string{"Host", "[::1]:80"}, 200},
		{"rebound name", ts.Options{}, []string{"Host", "evil.example"}, 403},
		{"name like ours", ts.Options{}, []string{"Host", "127.0.0.1.evil.example"}, 403},
		{"other address", ts.Options{}, []string{"Host", "192.168.0.1"}, 403},
		{"rebound name, told to take any", ts.Options{ControlAny: true}, []string{"Host", "evil.example"}, 200},
		{"web page", ts.Options{}, []string{"Origin", "https://evil.example"}, 403},
		{"web page, in new words", ts.Options{}, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"web page, although any", ts.Options{ControlAny: true}, []string{"Origin", "https://evil.example"}, 403},
		{"no token", ts.Options{ControlToken: "secret"}, nil, 401},
		{"wrong token", ts.Options{ControlToken: "secret"}, []string{"Authorization", "Bearer x"}, 401},
		{"token", ts.Options{ControlToken: "secret"}, []string{"Authorization", "Bearer secret"}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := ts.New(t, &tt.opts)
			if status, body := call(t, srv, "POST", "reset", "", tt.header...); status != tt.status {
				t.Errorf("%d %s, want %d", status, body, tt.status)
			}
		})
	}
}

func TestControlOnAnAddressOfItsOwn(t *testing.T) {
	srv := ts.New(t, &ts.Options{ControlAddr: "127.0.0.1:0"})
	resp, err := srv.Client().Get(srv.URL + "/_ctl/stats")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 404 {
		t.Errorf("the streams' address answers %s", resp.Status)
	}
	must[[]object](t, srv, "POST", "faults", `{"kind":"refuse","for":"1h"}`)
	if got := must[object](t, srv, "GET", "stats", ""); got["faults"] != 1.0 {
		t.Errorf("stats %v", got)
	}
	resp, err = srv.Client().Get(strings.TrimSuffix(srv.ControlURL(), "/_ctl/") + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 404 {
		t.Errorf("the control address answers a stream with %s", resp.Status)
	}
	if c, err := srv.Dial(t.Context()); err == nil {
		c.Close()
		t.Error("the port is open, although it is shut for an hour")
	}
}

func TestNoControl(t *testing.T) {
	srv := ts.New(t, &ts.Options{NoControl: true})
	resp, err := srv.Client().Get(srv.URL + "/_ctl/stats")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 404 || srv.ControlURL() != "" {
		t.Errorf("%s, ControlURL %q", resp.Status, srv.ControlURL())
	}
}

// TestWaitEndsWithItsRequest shows that a wait that nobody wants any more, and one
// that the server's end overtakes, are over.
func TestWaitEndsWithItsRequest(t *testing.T) {
	srv := ts.New(t)
	done := make(chan string)
	go func() {
		req, _ := http.NewRequest("POST", srv.ControlURL()+"wait", strings.NewReader(`{"requests":1,"timeout":"5m"}`))
		resp, err := srv.Client().Do(req)
		if err == nil {
			resp.Body.Close()
		}
		done <- fmt.Sprint(err)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := srv.WaitRequests(ctx, 1); err == nil {
		t.Error("a wait for what never comes was met")
	}
	srv.Close()
	<-done
}
