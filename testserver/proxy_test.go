package testserver_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// odd is a stream in forms that our own server never writes.
const odd = "\ufeff: hi\r\nretry: 10\r\n\r\nid:1\rdata:one\r\revent: x\ndata: two\nid: 2\n\n:\n\ndata: three\r\nid: 3\r\n\r\ndata: unfinished"

func inFront(t *testing.T, upstream string) *ts.Server {
	t.Helper()
	srv, err := ts.Proxy(upstream, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv
}

func TestProxy(t *testing.T) {
	asked := make(chan *http.Request, 9)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		if r.URL.Path == "/page" {
			w.Header().Set("X-Own", "yes")
			w.WriteHeader(418)
			io.WriteString(w, "no stream")
			return
		}
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		io.WriteString(w, odd)
	}))
	defer upstream.Close()
	srv := inFront(t, upstream.URL)
	for _, tt := range []struct {
		name   string
		faults []fault.Fault
		want   string
		ok     bool // the end is clean
	}{
		{"unchanged", nil, odd, true},
		{"cut inside an event", []fault.Fault{fault.CutInsideEvent().EventID("2")}, odd[:strings.Index(odd, "id: 2\n\n")+6], false},
		{"dropped", []fault.Fault{fault.Drop().EventID("1")}, strings.Replace(odd, "id:1\rdata:one\r\r", "", 1), true},
		{"cut by bytes", []fault.Fault{fault.CutAfter(30)}, odd[:30], false},
		{"on its path", []fault.Fault{fault.End().On("/stream").AfterEvents(1)}, odd[:strings.Index(odd, "event: x")], true},
		{"in slices", []fault.Fault{fault.Slice()}, odd, true},
	} {
		h := srv.InjectFor(t, tt.faults...)
		resp, err := http.Get(srv.URL + "/stream?x=1")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(b) != tt.want || (err == nil) != tt.ok || resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
			t.Errorf("%s: got  %q, %v\nwant %q", tt.name, b, err, tt.want)
		}
		if h.Fired() != len(tt.faults) {
			t.Errorf("%s: fired %d", tt.name, h.Fired())
		}
		if r := <-asked; r.URL.RequestURI() != "/stream?x=1" {
			t.Errorf("the upstream was asked for %s", r.URL)
		}
	}
	srv.Inject(fault.Status(503))
	for _, want := range []int{503, 418} {
		resp, err := http.Get(srv.URL + "/page")
		if err != nil || resp.StatusCode != want {
			t.Errorf("a page: %v, %v, want %d", resp, err, want)
		}
		resp.Body.Close()
	}
	if status, _ := call(t, srv, "POST", "faults", `{"kind":"lose_ring"}`); status != 400 {
		t.Errorf("a fault that needs a log: %d", status)
	}
	requests := srv.RequestsOn("/stream")
	if len(requests) != 6 || requests[0].Events != 3 || requests[0].LastSent != "3" {
		t.Errorf("journal: %v", requests)
	}
	for _, bad := range []string{"", "host", "ftp://host", "http://"} {
		if _, err := ts.Proxy(bad, nil); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestProxyOfALiveStream passes events on as they come, resumes, and ends with its
// client.
func TestProxyOfALiveStream(t *testing.T) {
	upstream := ts.New(t)
	s := upstream.Session("abc")
	srv := inFront(t, upstream.URL)
	srv.Inject(fault.CutInsideEvent().On("abc").AfterEvents(2), fault.IgnoreLastEventID().Conn(3))
	c := getRaw(t, srv, srv.SessionURL("abc"), "Last-Event-ID: 0")
	for range 3 {
		s.Message("assistant", "hi")
	}
	if got, end := c.rest(); end != "cut" || strings.Count(got, "id: ") != 3 {
		t.Errorf("got %q, %s", got, end)
	}
	resp := open(t, srv, srv.SessionURL("abc"), "3")
	if got := ids(t, decode(resp), 1); got != "4" {
		t.Errorf("resumed with %s", got)
	}
	third := open(t, srv, srv.SessionURL("abc"), "3")
	id := s.Message("assistant", "live")
	dec := decode(third)
	for ev, err := dec.Next(); ; ev, err = dec.Next() {
		if err != nil {
			t.Fatal(err)
		}
		if ev.HasID {
			if ev.ID != itoa(id) {
				t.Errorf("an ignored Last-Event-ID: got %s first, want %d", ev.ID, id)
			}
			break
		}
	}
	resp.Body.Close()
	third.Body.Close()
	upstream.For(t).Conns(0)
}

// TestPlay publishes a recording at its pace.
func TestPlay(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		const file = `{"time":"2026-05-04T12:30:00.000000Z","id":"1","data":"number 1"}
{"time":"2026-05-04T12:30:01.500000Z","id":"2","data":"number 2"}
{"time":"2026-05-04T12:31:01.500000Z","id":"3","data":"number 3"}
`
		c := getRaw(t, srv, st.URL())
		c.head(t)
		played := make(chan error, 1)
		go func() { played <- srv.Play(context.Background(), "s", strings.NewReader(file), 2); st.End() }()
		expectPieces(t, c,
			clocked{0, chunk("id: 1\ndata: number 1\n\n")}, clocked{750e6, chunk("id: 2\ndata: number 2\n\n")},
			clocked{30e9, chunk(": heartbeat\n\n")}, clocked{30.75e9, chunk("id: 3\ndata: number 3\n\n") + lastChunk})
		if err := <-played; err != nil {
			t.Error(err)
		}
		if err := srv.Play(t.Context(), "other", strings.NewReader("{}\n"), 0); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("a bad file: %v", err)
		}
	})
}

// TestTLS: real HTTP/2, for who trusts the server's certificate.
func TestTLS(t *testing.T) {
	srv := ts.New(t, &ts.Options{TLS: &tls.Config{}})
	s := srv.Session("abc")
	h := srv.Inject(fault.RST().AfterEvents(1).Conn(2))
	for i := range 2 {
		resp := open(t, srv, s.URL(), "0")
		if resp.ProtoMajor != 2 || !strings.HasPrefix(srv.URL, "https://") {
			t.Errorf("%s: %s", srv.URL, resp.Proto)
		}
		id := s.Message("assistant", "hi")
		if i == 0 {
			ids(t, decode(resp), 1)
			srv.For(t).Delivered("abc", id)
			continue
		}
		if _, err := io.ReadAll(resp.Body); err == nil || h.Fired() != 1 {
			t.Errorf("not reset: %v, fired %d", err, h.Fired())
		}
	}
	if _, err := http.Get(srv.URL); err == nil {
		t.Error("a certificate that nobody trusts was taken")
	}
}

// TestPage is there on the control's port alone.
func TestPage(t *testing.T) {
	srv := ts.New(t, &ts.Options{ControlAddr: "127.0.0.1:0"})
	resp, err := http.Get(strings.TrimSuffix(srv.ControlURL(), "_ctl/"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(b), `base = "`+srv.URL+`"`) || !strings.Contains(resp.Header.Get("Content-Security-Policy"), srv.URL) {
		t.Errorf("%s %v: %.200s, %v", resp.Status, resp.Header, b, err)
	}
	if status := statusOf(t, srv, "GET", srv.URL+"/"); status != 404 {
		t.Errorf("on the streams' port: %d", status)
	}
}

// A proxy's connections can be seen and ended one by one, as the server's own can.
func TestProxyConns(t *testing.T) {
	upstream := ts.New(t)
	s := upstream.Session("abc")
	srv := inFront(t, upstream.URL)
	for _, tt := range []struct {
		end  func(*ts.Conn)
		want error
	}{
		{(*ts.Conn).End, nil}, {(*ts.Conn).Cut, io.ErrUnexpectedEOF}, {(*ts.Conn).Reset, syscall.ECONNRESET},
	} {
		c := getRaw(t, srv, srv.URL+"/v1/sessions/abc/events")
		resp := c.head(t)
		srv.For(t).ConnsOn("abc", 1)
		conns := srv.Conns("abc")
		if len(conns) != 1 || conns[0].Awaiting || srv.Stats().Open != 1 || len(srv.Conns("other")) != 0 {
			t.Fatalf("connections: %+v", conns)
		}
		tt.end(&conns[0])
		got, err := io.ReadAll(resp.Body)
		if !errors.Is(err, tt.want) {
			t.Errorf("got %q, %v, want %v", got, err, tt.want)
		}
		srv.For(t).Conns(0)
		if r := srv.Requests(); r[len(r)-1].Why != "dropped" {
			t.Errorf("journal: %s", r[len(r)-1])
		}
	}
	// One that waits for its answer is cut, and one that is stalled is not held back.
	h := srv.Inject(fault.NoAnswer())
	waits := getRaw(t, srv, srv.URL+"/v1/sessions/abc/events")
	srv.For(t).Fired(h, 1)
	conns := srv.Conns("")
	if len(conns) != 1 || !conns[0].Awaiting {
		t.Fatalf("connections: %+v", conns)
	}
	conns[0].End()
	if _, end := waits.rest(); end != "cut" && end != "reset" {
		t.Errorf("the one that waits: %s", end)
	}
	srv.For(t).Conns(0)
	srv.Inject(fault.Stall())
	stalled := getRaw(t, srv, srv.URL+"/v1/sessions/abc/events")
	stalled.head(t)
	srv.For(t).Conns(1)
	s.Message("assistant", "hi")
	if n := srv.Drop(); n != 1 {
		t.Errorf("Drop: %d, want 1", n)
	}
	stalled.rest()
	srv.For(t).Conns(0)
}

// A stalled client of a proxy holds the upstream back: what waits for it is bounded.
func TestProxyHoldsTheUpstreamBack(t *testing.T) {
	written := make(chan int)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		event, n := "data: "+strings.Repeat("x", 256<<10)+"\n\n", 0
		rc := http.NewResponseController(w)
		for ; n < 500; n++ {
			rc.SetWriteDeadline(time.Now().Add(2 * time.Second))
			if _, err := io.WriteString(w, event); err != nil {
				break
			}
		}
		written <- n
	}))
	defer upstream.Close()
	srv := inFront(t, upstream.URL)
	srv.Inject(fault.Stall())
	getRaw(t, srv, srv.URL+"/events?stream=s").head(t)
	if n := <-written; n == 500 {
		t.Error("all 125 MiB went to a client that reads nothing")
	}
}

// What is no stream, and breaks off, does not look as if it had ended.
func TestProxyOfWhatBreaksOff(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half of it")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer upstream.Close()
	srv := inFront(t, upstream.URL)
	resp, err := http.Get(srv.URL + "/page")
	if err != nil {
		return // nothing of it has come
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("got %q and a clean end", b)
	}
}
