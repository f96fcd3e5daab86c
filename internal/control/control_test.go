package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/control"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A puppet is a server that only says what it was told to do. It knows the session
// "abc", the plain stream "s", the fault 1 and the request 1.
type puppet struct{ calls []string }

func (p *puppet) did(format string, args ...any) {
	p.calls = append(p.calls, fmt.Sprintf(format, args...))
}

func (p *puppet) Stats() any                 { return map[string]int{"open": 3} }
func (p *puppet) Sessions() []control.Stream { return nil }
func (p *puppet) Streams() []control.Stream  { return []control.Stream{{Name: "s"}} }
func (p *puppet) Knows(stream string) bool   { return stream == "abc" || stream == "s" || stream == "*" }
func (p *puppet) Numbers(stream string) bool { return stream == "abc" || stream == "*" }
func (p *puppet) Faults() []fault.Info {
	return []fault.Info{{Number: 1, Fault: fault.Cut(), Left: -1}}
}
func (p *puppet) Requests(after int64) any { return []int64{after} }

func (p *puppet) CreateSession(name string) (control.Stream, error) {
	p.did("session %s", name)
	return control.Stream{Name: name}, nil
}

func (p *puppet) CreateStream(name string) (control.Stream, error) {
	if name == "abc" {
		return control.Stream{}, errors.New(`testserver: "abc" is a session`)
	}
	p.did("stream %s", name)
	return control.Stream{Name: name}, nil
}

func (p *puppet) EndSession(name, reason string) (int64, bool) {
	p.did("end session %s %s", name, reason)
	return 7, name == "abc"
}

func (p *puppet) EndStream(name string) bool {
	p.did("end stream %s", name)
	return name == "s"
}

func (p *puppet) EmitTo(session, kind string, data json.RawMessage) (int64, error) {
	p.did("emit %s %s %s", session, kind, data)
	return int64(len(p.calls)), nil
}

func (p *puppet) SendTo(stream string, ev sse.Event) error {
	p.did("send %s %q %q %q %v", stream, ev.ID, ev.Type, ev.Data, ev.Retry)
	return nil
}

func (p *puppet) Published(stream string) ([]control.Published, bool) {
	if stream != "s" {
		return nil, true
	}
	return []control.Published{{Data: "x"}}, false
}

func (p *puppet) Assert(q control.Question) control.Verdict {
	p.did("assert %s %d %v", q.Stream, len(q.Seen), q.All)
	return control.Verdict{OK: true}
}

func (p *puppet) Write(stream string, b []byte) int {
	p.did("write %q %q", stream, b)
	return 2
}

func (p *puppet) Inject(faults []fault.Fault) ([]fault.Info, error) {
	infos := make([]fault.Info, len(faults))
	for i, f := range faults {
		p.did("inject %s", f.Kind())
		infos[i] = fault.Info{Number: i + 1, Fault: f, Left: 1}
	}
	return infos, nil
}

func (p *puppet) Fault(number int) (fault.Info, bool) {
	return fault.Info{Number: number, Fault: fault.Cut(), Left: -1}, number == 1
}

func (p *puppet) RemoveFaults(numbers ...int) int {
	p.did("remove %v", numbers)
	return len(numbers)
}

func (p *puppet) RemoveAllFaults() int {
	p.did("remove all")
	return 5
}

func (p *puppet) Conns(stream string) []control.Conn {
	p.did("conns %q", stream)
	return nil
}

func (p *puppet) EndConn(number int64, how control.How) bool {
	p.did("%s %d", how, number)
	return number == 1
}

func (p *puppet) EndConns(stream string, how control.How) int {
	p.did("%s all %q", how, stream)
	return 4
}

func (p *puppet) Delivered(request int64) ([]string, bool) { return nil, request == 1 }

func (p *puppet) Wait(ctx context.Context, f control.Fact) error {
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	p.did("wait %v", left > 9*time.Second)
	if left <= 0 {
		<-ctx.Done()
		return fmt.Errorf("testserver: waiting for it: %w", context.Cause(ctx))
	}
	return nil
}

func (p *puppet) Restart(keep control.Keep, down time.Duration) error {
	p.did("restart %s %v", keep, down)
	return nil
}

func (p *puppet) Reset() error {
	p.did("reset")
	return errors.New("testserver: address already in use")
}

// ask sends a request of this machine, unless the change wants another one.
func ask(h http.Handler, method, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/_ctl/"+path, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:9100", "127.0.0.1:4000"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestActions: what each request lets the server do, and the answer.
func TestActions(t *testing.T) {
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string // the answer, or the beginning of it
		calls              string
	}{
		{"GET", "stats", "", 200, `{"open":3}`, ""},
		{"HEAD", "stats", "", 200, `{"open":3}`, ""},
		{"GET", "stats?x=1", "", 400, `{"error":"unknown parameter","field":"x"}`, ""},
		{"GET", "kinds", "", 200, `[{"kind":`, ""},
		{"GET", "sessions", "", 200, `[]`, ""},
		{"POST", "sessions", `{"name":"a"}`, 201, `{"name":"a","url":"","created":"0001-01-01T00:00:00Z","ended":false,"kept":0,"newest":null,"connections":0}`, "session a"},
		{"POST", "sessions", `{}`, 400, `{"error":`, ""},
		{"POST", "sessions", `{"name":"a","nam":"b"}`, 400, `{"error":"unknown member`, ""},
		{"POST", "sessions/abc/end", `{"reason":"done"}`, 200, `{"ids":["7"]}`, "end session abc done"},
		{"POST", "sessions/abc/end", ``, 200, `{"ids":["7"]}`, "end session abc "},
		{"POST", "sessions/nobody/end", ``, 404, `{"error":"no session \"nobody\" that has not ended","field":null}`, "end session nobody "},
		{"GET", "sessions/nobody/events", "", 404, `{"error":"no stream \"nobody\"","field":null}`, ""},
		{"GET", "streams", "", 200, `[{"name":"s"`, ""},
		{"POST", "streams", `{"name":"abc"}`, 400, `{"error":"\"abc\" is a session","field":"name"}`, ""},
		{"POST", "streams/s/end", "", 200, `{}`, "end stream s"},
		{"GET", "streams/s/events", "", 200, `{"events":[{"id":null,"event":null,"data":"x"}],"complete":false}`, ""},
		{"POST", "publish", `{"session":"abc","event":"message","data":{"a":1},"times":2}`, 200, `{"ids":["1","2"]}`, `emit abc message {"a":1}; emit abc message {"a":1}`},
		{"POST", "publish", `[{"stream":"s","id":"1","data":"x","retry":"2s"},{"stream":"s","event":"e","data":[1],"retry":500}]`, 200, `{"ids":["1",""]}`, `send s "1" "" "x" 2s; send s "" "e" "[1]" 500ms`},
		{"POST", "publish", `[{"stream":"s"},{"stream":"s","id":"a\u0000"}]`, 400, `{"error":"`, ""}, // nothing of it
		{"POST", "publish", `{"data":"x"}`, 400, `{"error":"must be there, or stream, and not both","field":"session"}`, ""},
		{"POST", "publish", `{"session":"abc","event":"x","id":"9"}`, 400, `{"error":"the server gives a session's events their ids","field":"id"}`, ""},
		{"POST", "publish", `{"stream":"s","times":-1}`, 400, `{"error":"-1 is negative","field":"times"}`, ""},
		{"POST", "write", `{"text":"a\n"}`, 200, `{"connections":2}`, `write "" "a\n"`},
		{"POST", "write", `{"stream":"s","base64":"//8="}`, 200, `{"connections":2}`, `write "s" "\xff\xff"`},
		{"POST", "write", `{"stream":"nobody","text":"a"}`, 404, `{"error":"no stream`, ""},
		{"POST", "write", `{}`, 400, `{"error":"must be there, or base64, and not both","field":"text"}`, ""},
		{"POST", "assert", `{"stream":"s","seen":["1",{"id":"2","data":"x"}],"all":true}`, 200, `{"ok":true`, "assert s 2 true"},
		{"POST", "assert", `{"seen":[]}`, 400, `{"error":"must be there","field":"stream"}`, ""},
		{"POST", "assert", `{"stream":"s","seen":[7]}`, 400, `{"error":`, ""},
		{"GET", "faults", "", 200, `[{"number":1,"fault":{"kind":"cut"},"fired":0,"left":null}]`, ""},
		{"POST", "faults", `[{"kind":"cut"},{"kind":"end"}]`, 201, `[{"number":1`, "inject cut; inject end"},
		{"POST", "faults", `[{"kind":"cut"},{"kind":"status","status":200,"x":1}]`, 400, `{"error":`, ""},
		{"DELETE", "faults", "", 200, `{"removed":5}`, "remove all"},
		{"GET", "faults/1", "", 200, `{"number":1`, ""},
		{"GET", "faults/2", "", 404, `{"error":"no fault 2","field":null}`, ""},
		{"DELETE", "faults/1", "", 200, `{"number":1`, "remove [1]"},
		{"GET", "connections?stream=s", "", 200, `[]`, `conns "s"`},
		{"DELETE", "connections?how=end", "", 200, `{"removed":4}`, `end all ""`},
		{"DELETE", "connections?how=kill", "", 400, `{"error":"\"kill\" is not cut, end or reset","field":"how"}`, ""},
		{"DELETE", "connections/1?how=reset", "", 200, `{"removed":1}`, "reset 1"},
		{"DELETE", "connections/2", "", 404, `{"error":"no connection 2","field":null}`, "cut 2"},
		{"GET", "requests?after=8", "", 200, `[8]`, ""},
		{"GET", "requests?after=-1", "", 400, `{"error":"\"-1\" is not a number of a request","field":"after"}`, ""},
		{"GET", "requests?after=1&after=2", "", 400, `{"error":"is there twice","field":"after"}`, ""},
		{"GET", "requests/1/delivered", "", 200, `{"ids":[]}`, ""},
		{"GET", "requests/2/delivered", "", 404, `{"error":"no request 2 in the journal","field":null}`, ""},
		{"POST", "wait", `{"connections":0}`, 200, `{"waited":"`, "wait true"},
		{"POST", "wait", `{"delivered":"3","stream":"abc","request":1,"timeout":60000}`, 200, `{"waited":"`, "wait true"},
		{"POST", "wait", `{"connections":1,"timeout":0}`, 504, `{"error":"timeout: waiting for it: context deadline exceeded","field":null}`, "wait false"},
		{"POST", "wait", `{"delivered":"x","stream":"abc"}`, 400, `{"error":"\"x\" is no id of \"abc\", whose ids are numbers from 1","field":"delivered"}`, ""},
		{"POST", "wait", `{"fired":1,"fault":2}`, 400, `{"error":"there is no fault 2","field":"fault"}`, ""},
		{"POST", "restart", ``, 200, `{"open":3}`, "restart logs 0s"},
		{"POST", "restart", `{"keep":"nothing","down":"1.5s"}`, 200, `{"open":3}`, "restart nothing 1.5s"},
		{"POST", "restart", `{"keep":"all"}`, 400, `{"error":"\"all\" is not logs, counter or nothing","field":"keep"}`, ""},
		{"POST", "restart", `{"down":"11m"}`, 400, `{"error":"is not in 0 to 10m0s","field":"down"}`, ""},
		{"POST", "reset", ``, 503, `{"error":"address already in use","field":null}`, "reset"},
		{"GET", "nothing", "", 404, `{"error":"no such path","field":null}`, ""},
		{"PUT", "faults", "", 405, `{"error":"PUT is not for this path","field":null}`, ""},
		{"POST", "reset", `{`, 400, `{"error":`, ""},
		{"POST", "reset", `[]`, 400, `{"error":`, ""},
		{"POST", "write", `{"text":"a","text":"b"}`, 400, `{"error":`, ""},
		{"POST", "write", `{"text":"` + strings.Repeat("x", 8<<20) + `"}`, 413, `{"error":"a body is at most`, ""},
	} {
		p := &puppet{}
		w := ask(control.New(p, control.Options{}), tt.method, tt.path, tt.body, nil)
		got := strings.TrimSpace(w.Body.String())
		if w.Code != tt.status || !strings.HasPrefix(got, tt.want) || strings.HasSuffix(tt.want, "}") && got != tt.want {
			t.Errorf("%s %s %.60s: %d %.200s, want %d %s", tt.method, tt.path, tt.body, w.Code, got, tt.status, tt.want)
		}
		if calls := strings.Join(p.calls, "; "); calls != tt.calls {
			t.Errorf("%s %s %.60s did %q, want %q", tt.method, tt.path, tt.body, calls, tt.calls)
		}
		if !json.Valid(w.Body.Bytes()) || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: no JSON", tt.method, tt.path)
		}
	}
	if w := ask(control.New(&puppet{}, control.Options{}), "PUT", "faults", "", nil); w.Header().Get("Allow") != "DELETE, GET, POST" {
		t.Errorf("Allow: %q", w.Header().Get("Allow"))
	}
}

// TestRefusalOnASharedPort: what would shut the API itself out for good is refused.
func TestRefusalOnASharedPort(t *testing.T) {
	for _, shared := range []bool{true, false} {
		w := ask(control.New(&puppet{}, control.Options{Shared: shared}), "POST", "faults", `{"kind":"refuse","always":true}`, nil)
		if (w.Code == 400) != shared {
			t.Errorf("shared %v: %d %s", shared, w.Code, w.Body)
		}
	}
}

// TestGuard: who may call.
func TestGuard(t *testing.T) {
	set := func(key, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(key, value) }
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	from := func(addr string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = addr } }
	open := control.Options{}
	for _, tt := range []struct {
		name   string
		opts   control.Options
		change func(*http.Request)
		status int
	}{
		{"this machine", open, nil, 200},
		{"IPv6", open, from("[::1]:4000"), 200},
		{"a name with a dot", open, host("localhost."), 200},
		{"an address", open, host("[::1]:9100"), 200},
		{"another machine", open, from("192.0.2.1:4000"), 403},
		{"no address", open, from(""), 403},
		{"a rebound name", open, host("evil.example:9100"), 403},
		{"no host", open, host(""), 403},
		{"an allowed name", control.Options{Hosts: []string{"TestServer"}}, host("testserver:9100"), 200},
		{"an allowed name from elsewhere", control.Options{Hosts: []string{"testserver"}}, from("192.0.2.1:4000"), 403},
		{"any", control.Options{Any: true}, func(r *http.Request) { r.RemoteAddr, r.Host = "192.0.2.1:4000", "testserver" }, 200},
		{"a page elsewhere, even with any", control.Options{Any: true}, set("Origin", "https://evil.example"), 403},
		{"a page of its own", open, set("Origin", "http://localhost:9100"), 200},
		{"a page on another port", open, set("Origin", "http://localhost:9101"), 403},
		{"a sandboxed page", open, set("Origin", "null"), 403},
		{"cross-site", open, set("Sec-Fetch-Site", "cross-site"), 403},
		{"same-site", open, set("Sec-Fetch-Site", "same-site"), 403},
		{"the address bar", open, set("Sec-Fetch-Site", "none"), 200},
		{"no token", control.Options{Token: "t"}, nil, 401},
		{"a wrong token", control.Options{Token: "t"}, set("Authorization", "Bearer tt"), 401},
		{"the token", control.Options{Token: "t"}, set("Authorization", "bearer t"), 200},
		{"the token from a page elsewhere", control.Options{Token: "t"}, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer t")
			r.Header.Set("Origin", "https://evil.example")
		}, 403},
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			p := &puppet{}
			w := ask(control.New(p, tt.opts), method, map[string]string{"GET": "stats", "POST": "streams", "DELETE": "faults"}[method], `{"name":"s"}`, tt.change)
			if status := w.Code; status != tt.status && !(tt.status == 200 && status == 201) {
				t.Errorf("%s, %s: %d %s, want %d", tt.name, method, status, w.Body, tt.status)
			}
			if tt.status != 200 && len(p.calls) > 0 {
				t.Errorf("%s, %s did %v", tt.name, method, p.calls)
			}
		}
	}
}

// A caller that has left publishes nothing more.
func TestPublishStopsWithItsCaller(t *testing.T) {
	p := &puppet{}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	ask(control.New(p, control.Options{}), "POST", "publish", `{"stream":"s","times":100000}`, func(r *http.Request) { *r = *r.WithContext(gone) })
	if len(p.calls) > 0 {
		t.Errorf("%d events for a caller that has left", len(p.calls))
	}
}

// FuzzActions: whatever comes, the answer is JSON, with a status that says whose fault
// it was, and nothing is done where it is refused.
func FuzzActions(f *testing.F) {
	for _, seed := range [][3]string{
		{"POST", "publish", `{"stream":"s","data":"x"}`}, {"POST", "faults", `[{"kind":"cut","afterEvents":1}]`},
		{"POST", "wait", `{"delivered":"1","stream":"abc","timeout":"1s"}`}, {"DELETE", "connections?how=end", ""}, {"GET", "faults/1", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if !slices.Contains([]string{"GET", "POST", "DELETE", "PUT"}, method) || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.Contains(path, "%") {
			t.Skip()
		}
		if _, err := http.NewRequest(method, "http://x/_ctl/"+path, nil); err != nil || strings.Contains(path, "#") {
			t.Skip()
		}
		p := &puppet{}
		w := ask(control.New(p, control.Options{}), method, path, body, nil)
		if w.Code >= 300 && w.Code < 400 { // a path that is cleaned
			return
		}
		if !json.Valid(w.Body.Bytes()) || w.Code == 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w.Code == 400 && len(p.calls) > 0 {
			t.Errorf("refused, and did %v", p.calls)
		}
	})
}
