package hub_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A server is a hub behind net/http, in memory.
type server struct {
	*hub.Hub
	t      *testing.T
	client *http.Client
	dial   func(context.Context) (net.Conn, error)
}

const url = "http://sse.test"

// serve starts a hub for one test; h2 speaks HTTP/2 alone.
func serve(t *testing.T, cfg hub.Config, h2 ...bool) *server {
	t.Helper()
	h, err := hub.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return serveHandler(t, h, h, h2...)
}

// serveHandler serves a hub behind another handler.
func serveHandler(t *testing.T, h *hub.Hub, handler http.Handler, h2 ...bool) *server {
	t.Helper()
	l := memnet.Listen("sse.test:80")
	hs := &http.Server{Handler: handler, Protocols: new(http.Protocols), ConnContext: hub.WithConn}
	hs.Protocols.SetHTTP1(true)
	hs.Protocols.SetUnencryptedHTTP2(true)
	go hs.Serve(l)
	tr := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }}
	if len(h2) > 0 && h2[0] {
		tr.Protocols.SetUnencryptedHTTP2(true)
	} else {
		tr.Protocols.SetHTTP1(true)
	}
	t.Cleanup(func() {
		h.Close()
		hs.Close()
		tr.CloseIdleConnections()
	})
	return &server{Hub: h, t: t, client: &http.Client{Transport: tr}, dial: l.Dial}
}

// session creates a session.
func (s *server) session(name string) *hub.Session {
	s.t.Helper()
	ses, err := s.Session(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return ses
}

// stream creates a plain stream.
func (s *server) stream(name string) *hub.Stream {
	s.t.Helper()
	st, err := s.Stream(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// emit publishes a message.
func emit(t *testing.T, s *hub.Session, text string) int64 {
	t.Helper()
	id, err := s.Emit(session.Message, fmt.Appendf(nil, `{"text":%q}`, text))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// get asks for a path, with some headers.
func (s *server) get(path string, header ...string) *http.Response {
	s.t.Helper()
	return s.do(http.MethodGet, path, header...)
}

func (s *server) do(method, path string, header ...string) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// A reader reads the events of a response.
type reader struct {
	t    *testing.T
	resp *http.Response
	dec  *sse.Decoder
}

func (s *server) read(path string, header ...string) *reader {
	s.t.Helper()
	resp := s.get(path, header...)
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		s.t.Fatalf("GET %s: got %s %s, want 200", path, resp.Status, b)
	}
	return &reader{s.t, resp, sse.NewDecoder(resp.Body, nil)}
}

// next returns the next event that is no control frame.
func (r *reader) next() (sse.Event, error) {
	for {
		ev, err := r.dec.Next()
		if err != nil || !session.IsControl(ev) {
			return ev, err
		}
	}
}

// ids returns the ids of the next n events.
func (r *reader) ids(n int) string {
	r.t.Helper()
	var ids []string
	for range n {
		ev, err := r.next()
		if err != nil {
			r.t.Fatalf("after %v: %v", ids, err)
		}
		ids = append(ids, ev.ID)
	}
	return strings.Join(ids, " ")
}

// rest returns the ids of all events until the end, and how it came.
func (r *reader) rest() (string, error) {
	var ids []string
	for {
		ev, err := r.next()
		if err == io.EOF {
			return strings.Join(ids, " "), nil
		}
		if err != nil {
			return strings.Join(ids, " "), err
		}
		ids = append(ids, ev.ID)
	}
}

// ways are how a response can be written.
var ways = []struct {
	name string
	h2   bool
	cfg  hub.Config
}{
	{"hijacked", false, hub.Config{}},
	{"net/http", false, hub.Config{NoHijack: true}},
	{"HTTP/2", true, hub.Config{}},
}

// inAllWays runs a test in a bubble, once with each way of writing.
func inAllWays(t *testing.T, change func(*hub.Config), test func(t *testing.T, s *server)) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := way.cfg
				if change != nil {
					change(&cfg)
				}
				test(t, serve(t, cfg, way.h2))
			})
		})
	}
}

func TestFollowAndResume(t *testing.T) {
	inAllWays(t, nil, func(t *testing.T, s *server) {
		abc := s.session("abc") // session_created: 1
		emit(t, abc, "early")   // 2
		r := s.read("/v1/sessions/abc/events")
		emit(t, abc, "live") // 3
		if got := r.ids(1); got != "3" {
			t.Errorf("live: got %s, want 3", got)
		}
		r = s.read("/v1/sessions/abc/events", "Last-Event-ID", "0")
		all := s.read("/v1/events", "Last-Event-ID", "0")
		synctest.Wait()
		emit(t, abc, "more") // 4
		abc.Emit(session.Ended, nil)
		time.Sleep(2 * time.Second)
		if got, err := r.rest(); got != "2 3 4 5" || err != nil {
			t.Errorf("from 0 on: got %s, %v, want 2 3 4 5 and a clean end", got, err)
		}
		if got := all.ids(5); got != "1 2 3 4 5" {
			t.Errorf("global: got %s, want 1 2 3 4 5", got)
		}
		if got, err := s.read("/v1/sessions/abc/events", "Last-Event-ID", "4").rest(); got != "5" || err != nil {
			t.Errorf("after the end: got %s, %v, want 5 and a clean end", got, err)
		}
		if resp := s.get("/v1/sessions/abc/events", "Last-Event-ID", "5"); resp.StatusCode != http.StatusNoContent {
			t.Errorf("who has everything: got %s, want 204", resp.Status)
		}
		time.Sleep(5 * time.Minute)
		if resp := s.get("/v1/sessions/abc/events", "Last-Event-ID", "5"); resp.StatusCode != http.StatusNotFound {
			t.Errorf("after retirement: got %s, want 404", resp.Status)
		}
	})
}

// A client that keeps to the standard resumes exactly, also when it is cut before its
// first event.
func TestStartBlock(t *testing.T) {
	inAllWays(t, nil, func(t *testing.T, s *server) {
		abc := s.session("abc")
		emit(t, abc, "before")
		r := s.read("/v1/sessions/abc/events")
		if ev, err := r.dec.Next(); err != nil || session.KindOf(ev) != session.Connected {
			t.Fatalf("first frame: %+v, %v, want connected", ev, err)
		}
		synctest.Wait()
		s.CommandAll(nil, hub.Abort, "test")
		emit(t, abc, "in between") // 3
		if _, err := r.dec.Next(); err == nil {
			t.Fatal("the connection goes on, want a cut")
		}
		if got := r.dec.LastEventID(); got != "2" {
			t.Errorf("last event ID: got %q, want 2", got)
		}
		if got := s.read("/v1/sessions/abc/events", "Last-Event-ID", r.dec.LastEventID()).ids(1); got != "3" {
			t.Errorf("got %s, want 3", got)
		}
	})
}

func TestPlainStream(t *testing.T) {
	inAllWays(t, nil, func(t *testing.T, s *server) {
		st := s.stream("orders")
		r := s.read("/events?stream=orders")
		synctest.Wait()
		for _, id := range []string{"a", "b"} {
			if err := st.Send(sse.Event{ID: id, HasID: true, Type: "order", Data: id}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute) // heartbeats
		if ev, err := r.next(); err != nil || ev.ID != "a" || ev.Type != "order" || ev.Data != "a" {
			t.Errorf("got %+v, %v, want event a", ev, err)
		}
		st.End()
		if got, err := r.rest(); got != "b" || err != nil {
			t.Errorf("got %s, %v, want b and a clean end", got, err)
		}
	})
}
