package hub_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// endings keeps why connections ended, in their order.
type endings struct {
	mu  sync.Mutex
	all []hub.Report
}

func (e *endings) report(r hub.Report) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.What != hub.WasOpened {
		e.all = append(e.all, r)
	}
}

func (e *endings) why() (why []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.all {
		why = append(why, r.Why)
	}
	return why
}

// A reader that reads nothing is cut after 90 s, and nobody else waits for it.
func TestStalledReader(t *testing.T) {
	var e endings
	inAllWays(t, func(c *hub.Config) { e = endings{}; c.Report = e.report }, func(t *testing.T, s *server) {
		abc := s.session("abc")
		s.read("/v1/sessions/abc/events") // the buffers fill up
		r := s.read("/v1/sessions/abc/events")
		synctest.Wait()
		start := time.Now()
		for range 600 {
			id := emit(t, abc, strings.Repeat("x", 10<<10))
			if got := r.ids(1); got != fmt.Sprint(id) {
				t.Fatalf("got %s, want %d", got, id)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("the publisher and the other reader waited %v", d)
		}
		time.Sleep(89 * time.Second)
		if open := s.Stats().Open; open != 2 {
			t.Errorf("%d are open after 89 s, want 2", open)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if open, why := s.Stats().Open, strings.Join(e.why(), "; "); open != 1 || why != "the client did not read in time" {
			t.Errorf("%d are open after 90 s (%s), want 1", open, why)
		}
	})
}

// A reader that reads a little now and then is not cut.
func TestSlowReader(t *testing.T) {
	inAllWays(t, nil, func(t *testing.T, s *server) {
		st := s.stream("s")
		body := s.read("/events?stream=s").resp.Body
		synctest.Wait()
		text := strings.Repeat("x", 5<<20)
		if err := st.Send(sse.Event{Data: text}); err != nil {
			t.Fatal(err)
		}
		st.End()
		got := 0
		for buf := make([]byte, 256<<10); ; time.Sleep(20 * time.Second) { // 7 min in all
			n, err := io.ReadFull(body, buf)
			if got += n; err == io.EOF || err == io.ErrUnexpectedEOF {
				break
			} else if err != nil {
				t.Fatalf("after %d bytes: %v", got, err)
			}
		}
		if want := len("data: \n\n") + len(text); got < want || got > want+100 { // and comments
			t.Errorf("got %d bytes, want %d", got, want)
		}
	})
}

// A reader that is too far behind is cut, and its resume is told of the gap.
func TestBehind(t *testing.T) {
	inAllWays(t, func(c *hub.Config) { c.Window, c.LagEvents = 3, 10 }, func(t *testing.T, s *server) {
		abc := s.session("abc")
		r := s.read("/v1/sessions/abc/events")
		synctest.Wait()
		emit(t, abc, strings.Repeat("x", 5<<20)) // 2: more than all buffers
		synctest.Wait()
		for range 30 {
			emit(t, abc, "") // 3 to 32
		}
		if got, err := r.rest(); got != "2" || err == nil {
			t.Errorf("got %s, %v, want 2 and a cut", got, err)
		}
		r = s.read("/v1/sessions/abc/events", "Last-Event-ID", "2")
		if gap := r.resp.Header.Get("Last-Event-ID"); gap != "29" {
			t.Errorf("Last-Event-ID: got %q, want 29", gap)
		}
		if got := r.ids(3); got != "30 31 32" {
			t.Errorf("got %s, want 30 31 32", got)
		}
	})
}

// All logs together keep no more for slow readers than the bound, however many they
// are; the windows stay.
func TestTotalBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total, streams = 1 << 20, 20
		s := serve(t, hub.Config{Window: 2, TotalBytes: total})
		data := strings.Repeat("x", 10<<10)
		for i := range streams {
			st := s.stream(fmt.Sprint(i))
			s.read(fmt.Sprintf("/events?stream=%d", i)) // and reads nothing
			synctest.Wait()
			for n := range 200 {
				send2(t, st, fmt.Sprint(n), data)
				if kept := s.Stats().Kept; kept > total+(i+1)*3*(len(data)+100) {
					t.Fatalf("%d bytes are kept, want at most %d and the windows", kept, total)
				}
			}
		}
		for _, i := range s.Streams(hub.Plain) {
			if i.Kept < 2 {
				t.Errorf("stream %s keeps %d events, want its window of 2", i.ID.Name, i.Kept)
			}
		}
		s.CommandAll(nil, hub.Abort, "test")
		synctest.Wait()
		if kept := s.Stats().Kept; kept > streams*2*(len(data)+100) {
			t.Errorf("%d bytes are kept for nobody", kept)
		}
	})
}

func send2(t *testing.T, st *hub.Stream, id, data string) {
	t.Helper()
	if err := st.Send(sse.Event{ID: id, HasID: true, Data: data}); err != nil {
		t.Fatal(err)
	}
}

// Heartbeats come each 30 s of silence, on each kind of stream, and an HTTP/2 stream
// survives hours of them.
func TestHeartbeats(t *testing.T) {
	inAllWays(t, nil, func(t *testing.T, s *server) {
		s.session("abc")
		s.stream("s")
		for _, tt := range []struct{ path, beat string }{
			{"/v1/sessions/abc/events", `"event":"heartbeat","sessionId":"abc"`}, {"/v1/events", `"event":"heartbeat"`}, {"/events?stream=s", ": heartbeat"},
		} {
			resp := s.get(tt.path)
			start := time.Now()
			synctest.Wait()
			time.Sleep(3*time.Hour + time.Second)
			s.CommandAll(nil, hub.Clean, "test")
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Errorf("%s after %v: %v", tt.path, time.Since(start), err)
			}
			if got := strings.Count(string(b), tt.beat); got != 360 {
				t.Errorf("%s: got %d heartbeats in 3 h, want 360", tt.path, got)
			}
		}
	})
}

func TestMaxAge(t *testing.T) {
	var e endings
	inAllWays(t, func(c *hub.Config) { e = endings{}; c.MaxAge, c.Report = time.Minute, e.report }, func(t *testing.T, s *server) {
		abc := s.session("abc")
		r := s.read("/v1/sessions/abc/events")
		start := time.Now()
		time.Sleep(59 * time.Second)
		emit(t, abc, "")
		if got, err := r.rest(); got != "2" || err != nil || time.Since(start) != time.Minute {
			t.Errorf("got %s, %v after %v, want 2 and a clean end after 1m", got, err, time.Since(start))
		}
		synctest.Wait()
		if why := strings.Join(e.why(), "; "); why != "the connection was old enough" {
			t.Errorf("why: %s", why)
		}
	})
}

// A gap ends the connections before it cleanly; their resume is told, and so is nobody
// else.
func TestGap(t *testing.T) {
	inAllWays(t, func(c *hub.Config) { c.Run = "r1" }, func(t *testing.T, s *server) {
		abc, xyz := s.session("abc"), s.session("xyz")
		add := func(ses *hub.Session, id int64) {
			t.Helper()
			if err := ses.Append(id, session.Message, fmt.Appendf(nil, `{"event":"message","id":%d}`, id)); err != nil {
				t.Fatal(err)
			}
		}
		add(abc, 10)
		add(xyz, 11)
		r, all, other := s.read("/v1/sessions/abc/events", "Last-Event-ID", "0"), s.read("/v1/events", "Last-Event-ID", "0"), s.read("/v1/sessions/xyz/events", "Last-Event-ID", "11")
		synctest.Wait()
		abc.Gap()
		add(abc, 20)
		for _, tt := range []struct {
			r    *reader
			want string
		}{{r, "10"}, {all, "10 11"}} {
			if got, err := tt.r.rest(); got != tt.want || err != nil {
				t.Errorf("before the gap: got %s, %v, want %s and a clean end", got, err, tt.want)
			}
		}
		add(xyz, 21)
		if got := other.ids(1); got != "21" {
			t.Errorf("the other session: got %s, want 21", got)
		}
		for _, tt := range []struct{ path, asked, gap, ids string }{
			{"/v1/sessions/abc/events", "10", hub.Earliest, "20"},
			{"/v1/sessions/abc/events", "12", "", "20"}, // an id from behind the gap
			{"/v1/sessions/abc/events", "20", "", ""},
			{"/v1/sessions/xyz/events", "11", "", "21"},
			{"/v1/events", "11", hub.Earliest, "20 21"},
			{"/v1/events", "20", "", "21"},
		} {
			r := s.read(tt.path, "Last-Event-ID", tt.asked)
			if got := r.resp.Header.Get("Last-Event-ID"); got != tt.gap {
				t.Errorf("%s behind %s: Last-Event-ID is %q, want %q", tt.path, tt.asked, got, tt.gap)
			}
			if got := r.ids(len(strings.Fields(tt.ids))); got != tt.ids {
				t.Errorf("%s behind %s: got %s, want %s", tt.path, tt.asked, got, tt.ids)
			}
			r.resp.Body.Close()
		}
		// From the beginning, a reader comes to the gap, and is told when it goes on.
		r = s.read("/v1/sessions/abc/events", "Last-Event-ID", "0")
		if got, err := r.rest(); got != "10" || err != nil {
			t.Errorf("from 0 on: got %s, %v, want 10 and a clean end", got, err)
		}
	})
}

func TestAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, hub.Config{Run: "r1"})
		abc := s.session("abc")
		data := `{ "event" : "message", "x": "<b>", "id":7}`
		for _, tt := range []struct {
			id   int64
			data string
			want error
		}{{100, data, nil}, {100, data, hub.ErrOrder}, {99, data, hub.ErrOrder}, {101, "two\nlines", nil}, {102, `{"event":"ended"}`, nil}} {
			kind := session.KindOf(sse.Event{Data: tt.data})
			if err := abc.Append(tt.id, kind, []byte(tt.data)); !errors.Is(err, tt.want) {
				t.Errorf("Append(%d): got %v, want %v", tt.id, err, tt.want)
			}
		}
		if _, ok := errors.AsType[*sse.FieldError](abc.Append(103, session.Message, []byte("\xff"))); !ok {
			t.Error("what is not UTF-8 is taken")
		}
		if _, err := abc.Emit(session.Message, nil); !errors.Is(err, hub.ErrOutside) {
			t.Errorf("Emit: got %v, want ErrOutside", err)
		}
		if err := serve(t, hub.Config{}).session("abc").Append(1, session.Message, []byte("{}")); !errors.Is(err, hub.ErrInside) {
			t.Errorf("Append without a run: got %v, want ErrInside", err)
		}
		r := s.read("/v1/sessions/abc/events", "Last-Event-ID", "0")
		if run := r.resp.Header.Get("Sse-Run"); run != "r1" {
			t.Errorf("Sse-Run: got %q, want r1", run)
		}
		for _, want := range []string{data, "two\nlines", `{"event":"ended"}`} {
			if ev, err := r.next(); err != nil || ev.Data != want {
				t.Errorf("got %q, %v, want %q", ev.Data, err, want)
			}
		}
		all := s.read("/v1/events", "Last-Event-ID", "0")
		for _, want := range []string{`{ "event" : "session_message", "x": "<b>", "id":7}`, "two\nlines", `{"event":"session_ended"}`} {
			if ev, err := all.next(); err != nil || ev.Data != want {
				t.Errorf("global: got %q, %v, want %q", ev.Data, err, want)
			}
		}
		if _, err := r.rest(); err != nil {
			t.Errorf("after ended: %v, want a clean end", err)
		}
		if err := abc.Append(200, session.Message, []byte("{}")); !errors.Is(err, hub.ErrEnded) {
			t.Errorf("after the end: got %v, want ErrEnded", err)
		}
	})
}

// Shutdown lets each connection read to the end, refuses new ones meanwhile, and cuts
// what is left when its time is over.
func TestShutdown(t *testing.T) {
	inAllWays(t, nil, func(t *testing.T, s *server) {
		abc := s.session("abc")
		all, slow := s.read("/v1/events"), s.read("/v1/sessions/abc/events")
		synctest.Wait()
		emit(t, abc, strings.Repeat("x", 4<<20)) // 2; slow does not read it
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start, done := time.Now(), make(chan error)
		go func() { done <- s.Shutdown(ctx) }()
		time.Sleep(time.Second)
		if resp := s.get("/v1/events"); resp.StatusCode != 503 {
			t.Errorf("while it shuts down: got %s, want 503", resp.Status)
		}
		if got, err := all.rest(); got != "2 3" || err != nil {
			t.Errorf("got %s, %v, want 2 3 and a clean end", got, err)
		}
		if err := <-done; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("Shutdown: %v after %v, want a deadline after 1m", err, time.Since(start))
		}
		if _, err := slow.rest(); err == nil {
			t.Error("who did not read in time has a clean end, want a cut")
		}
		if _, err := abc.Emit(session.Message, nil); !errors.Is(err, hub.ErrEnded) {
			t.Errorf("Emit: got %v, want ErrEnded", err)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("the second time: %v", err)
		}
	})
}

// A politeConn says good-bye before it closes, as TLS does, and a client that does not
// read lets it wait.
type politeConn struct{ net.Conn }

func (c politeConn) NetConn() net.Conn { return c.Conn }

func (c politeConn) Close() error {
	time.Sleep(5 * time.Second)
	return c.Conn.Close()
}

type politeListener struct{ net.Listener }

func (l politeListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return politeConn{c}, err
}

// Connections are cut under the lock, and whoever publishes does not wait until TLS has
// said good-bye to a client that does not read.
func TestCutWaitsForNobody(t *testing.T) {
	for _, how := range []hub.How{hub.Abort, hub.Reset} {
		for _, cfg := range []hub.Config{{}, {NoHijack: true}} {
			synctest.Test(t, func(t *testing.T) {
				h, err := hub.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				st, _ := h.Stream("s")
				l := memnet.Listen("sse.test:80")
				hs := &http.Server{Handler: h, ConnContext: hub.WithConn}
				go hs.Serve(politeListener{l})
				defer hs.Close()
				defer h.Close()
				c, err := l.Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprint(c, "GET /events?stream=s HTTP/1.1\r\nHost: x\r\n\r\n")
				synctest.Wait()
				start := time.Now()
				if n := h.CommandAll(nil, how, "test"); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
				send(t, st, "a")
				if d := time.Since(start); d != 0 {
					t.Errorf("how %v, NoHijack %v: took %v", how, cfg.NoHijack, d)
				}
			})
		}
	}
}

// Bytes that are no events are bounded too, however small they are.
func TestVerbatimIsBounded(t *testing.T) {
	inAllWays(t, func(c *hub.Config) { c.LagBytes = 10_000 }, func(t *testing.T, s *server) {
		st := s.stream("s")
		s.read("/events?stream=s") // and reads nothing
		synctest.Wait()
		send2(t, st, "1", strings.Repeat("x", 5<<20))
		synctest.Wait()
		n := 0
		for s.Write(func(hub.StreamID) bool { return true }, []byte(":")) > 0 {
			if n++; n > 1000 {
				t.Fatal("1000 pieces wait for a reader that does not read")
			}
		}
	})
}
