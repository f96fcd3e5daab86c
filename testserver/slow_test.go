package testserver_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// h2c returns a client that speaks HTTP/2 alone.
func h2c(t *testing.T, srv *ts.Server) *http.Client {
	t.Helper()
	tr := &http.Transport{
		Protocols:   new(http.Protocols),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return srv.Dial(ctx) },
	}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// protocols are how a client can ask.
var protocols = []struct {
	name   string
	client func(*testing.T, *ts.Server) *http.Client
}{
	{"HTTP/1.1", func(_ *testing.T, srv *ts.Server) *http.Client { return srv.Client() }},
	{"HTTP/2", h2c},
}

// inBothProtocols runs a test in a bubble, once with each protocol.
func inBothProtocols(t *testing.T, opts *ts.Options, test func(t *testing.T, srv *ts.Server, get func(url string) *http.Response)) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := ts.NewInMemory(t, opts)
				client := p.client(t, srv)
				test(t, srv, func(url string) *http.Response {
					resp, err := client.Do(request(t, url, "0"))
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { resp.Body.Close() })
					if resp.Proto[:6] != p.name[:6] {
						t.Errorf("spoke %s, want %s", resp.Proto, p.name)
					}
					return resp
				})
			})
		})
	}
}

// TestStalledReader shows that one who reads nothing is cut after 90 s, and that
// nobody else waits for him.
func TestStalledReader(t *testing.T) {
	inBothProtocols(t, nil, func(t *testing.T, srv *ts.Server, get func(string) *http.Response) {
		s := srv.Session("abc")
		get(s.URL()) // the window fills up
		reader := decode(get(s.URL()))
		start := time.Now()
		for range 600 { // more than an HTTP/2 window
			s.Message("assistant", strings.Repeat("x", 10<<10))
			for env := envelope(t, reader); env.ID == 0; env = envelope(t, reader) {
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("the publisher and the other reader waited %v", d)
		}
		if err := srv.WaitConns(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 90*time.Second {
			t.Errorf("cut after %v, want 1m30s", d)
		}
		if r := srv.Requests()[0]; r.Why != "the client did not read in time" {
			t.Errorf("the journal says %q", r.Why)
		}
	})
}

// TestSlowReader shows that one who reads a little now and then is not cut.
func TestSlowReader(t *testing.T) {
	inBothProtocols(t, nil, func(t *testing.T, srv *ts.Server, get func(string) *http.Response) {
		st := srv.Stream("s")
		body := get(srv.StreamURL("s")).Body
		text := "data: " + strings.Repeat("x", 5<<20) + "\n\n"
		sendText(t, st, text)
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
		if got != len(text) {
			t.Errorf("got %d bytes, want %d", got, len(text))
		}
	})
}

// TestQuietStreamStaysOpen is about write deadlines that pass while nobody writes.
func TestQuietStreamStaysOpen(t *testing.T) {
	opts := &ts.Options{Heartbeat: 24 * time.Hour}
	inBothProtocols(t, opts, func(t *testing.T, srv *ts.Server, get func(string) *http.Response) {
		st := srv.Stream("s")
		dec := decode(get(srv.StreamURL("s")))
		for range 3 {
			time.Sleep(time.Hour)
			sendText(t, st, "data: still here\n\n")
			if ev, err := dec.Next(); err != nil || ev.Data != "still here" {
				t.Fatalf("got %+v, %v", ev, err)
			}
		}
	})
}

func TestReaderThatIsTooFarBehind(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts ts.Options
	}{
		{"by events", ts.Options{LagEvents: 100}},
		{"by bytes", ts.Options{LagBytes: 1 << 20}},
	} {
		inBothProtocols(t, &tt.opts, func(t *testing.T, srv *ts.Server, get func(string) *http.Response) {
			s := srv.Session("abc")
			body := get(s.URL()).Body
			for i := range 1000 {
				s.Message("assistant", strings.Repeat("x", 10<<10))
				if i == 50 {
					synctest.Wait() // until it has got these
				}
			}
			time.Sleep(time.Second)
			b, err := io.ReadAll(body) // what was on its way
			if n := strings.Count(string(b), "id: "); err == nil || n == 0 || n > 600 {
				t.Errorf("%s: got %d events, %v", tt.name, n, err)
			}
			srv.For(t).Conns(0)
			if r := srv.Requests()[0]; r.Why != "the client was too far behind" {
				t.Errorf("%s: the journal says %q", tt.name, r.Why)
			}
			resp := open(t, srv, s.URL(), "10")
			if gap := resp.Header.Get("Last-Event-ID"); gap != "951" {
				t.Errorf("%s: the resume is told of a gap to %q, want 951", tt.name, gap)
			}
		})
	}
}

// TestLogsAreBounded shows that a log keeps its window alone when nobody reads, and
// no more than the lag bounds when somebody is behind.
func TestLogsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t, &ts.Options{LagEvents: 200})
		s := srv.Session("abc")
		kept := func() float64 { return must[[]object](t, srv, "GET", "sessions", "")[0]["kept"].(float64) }
		publish := func(n int) {
			for range n {
				s.Message("assistant", strings.Repeat("x", 1<<10))
			}
		}
		publish(1000)
		if n := kept(); n != 50 {
			t.Errorf("%v events are kept for nobody, want 50", n)
		}
		open(t, srv, s.URL(), "")
		publish(100) // more than fits between the two
		synctest.Wait()
		publish(1000)
		if n := kept(); n != 200 {
			t.Errorf("%v events are kept for one who is behind, want 200", n)
		}
		srv.Drop()
		if err := srv.WaitConns(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if n := kept(); n != 50 {
			t.Errorf("%v events are kept for nobody, want 50", n)
		}
	})
}

func TestFaultsOnHTTP2(t *testing.T) {
	for _, tt := range []struct {
		fault fault.Fault
		want  string
		clean bool
	}{
		{fault.CutAfter(20), all[:20], false},
		{fault.CutInsideChunkHeader().AfterEvents(1), one, false},
		{fault.End().AfterEvents(2), one + two, true},
		{fault.RST().AfterEvents(1), "", false},
		{fault.Slice(), all, true},
		{fault.LineEnds("crlf"), strings.ReplaceAll(all, "\n", "\r\n"), true},
		{fault.AcceptThenClose(), "", true},
	} {
		t.Run(tt.fault.Kind(), func(t *testing.T) {
			srv := ts.New(t)
			st := srv.Stream("s")
			sendAll(t, st)
			srv.Inject(tt.fault)
			resp, err := h2c(t, srv).Do(request(t, srv.StreamURL("s"), "0"))
			if err != nil {
				if tt.fault.Kind() != "rst" { // which may overtake the head
					t.Fatal(err)
				}
				return
			}
			defer resp.Body.Close()
			st.End()
			body, err := io.ReadAll(resp.Body)
			if (err == nil) != tt.clean || tt.want != "" && string(body) != tt.want {
				t.Errorf("got %q, %v, want %q, clean %v", body, err, tt.want, tt.clean)
			}
		})
	}
}
