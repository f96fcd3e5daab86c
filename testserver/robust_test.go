package testserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// TestNothingIsLeft opens 1,000 connections and ends them at random, in every way
// there is: the bubble finds a goroutine that is left, and the heap what is kept.
func TestNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t, &ts.Options{Journal: 1, Record: 1})
		s, st := srv.Session("abc"), srv.Stream("s")
		urls := []string{s.URL(), srv.GlobalURL(), srv.StreamURL("s")}
		round := func(seed uint64) {
			random := rand.New(rand.NewPCG(1, seed))
			faults := []fault.Fault{fault.Cut(), fault.RST(), fault.End(), fault.CutInsideLine(), fault.Stall(), fault.Hold(9), fault.Drip(1, time.Second), fault.Gzip(), fault.NoAnswer(), fault.Reorder()}
			var open []net.Conn
			for i := range 500 {
				if random.IntN(4) == 0 {
					srv.Inject(faults[random.IntN(len(faults))].Probability(0.9))
				}
				c, err := srv.Dial(t.Context()) // which, unlike getRaw, leaves nothing with the test
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\n\r\n", strings.TrimPrefix(urls[i%3], srv.URL))
				open = append(open, c)
				if i%10 == 0 {
					s.Message("assistant", "hello")
					sendText(t, st, one)
				}
				if random.IntN(2) == 0 {
					open[random.IntN(len(open))].Close()
				}
			}
			for _, c := range open {
				c.Close()
			}
			must[object](t, srv, "DELETE", "faults", "")
			srv.Drop()
			if err := srv.WaitConns(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) // timers that are under way
		}
		round(1) // what is there only once
		before := heap()
		for i := range 3 {
			round(uint64(i + 2))
		}
		if grown := heap() - before; grown > 768<<10 {
			t.Errorf("1,500 connections left %d bytes", grown)
		}
		if list := must[[]object](t, srv, "GET", "connections", ""); len(list) > 0 {
			t.Errorf("connections that are left: %v", list)
		}
	})
}

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers let go
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestCutAtRandomOnSockets cuts 1,000 connections on sockets while events are
// published.
func TestCutAtRandomOnSockets(t *testing.T) {
	srv := ts.New(t)
	s := srv.Session("abc")
	var clients sync.WaitGroup
	for i := range 20 {
		random := rand.New(rand.NewPCG(2, uint64(i)))
		clients.Go(func() {
			for range 50 {
				c := getRaw(t, srv, s.URL(), "Last-Event-ID: 1")
				io.CopyN(io.Discard, c.in, random.Int64N(5000))
				c.Close()
				if random.IntN(10) == 0 {
					srv.Drop()
				}
			}
		})
	}
	stop := make(chan struct{})
	published := make(chan struct{})
	go func() {
		defer close(published)
		for {
			select {
			case <-stop:
				return
			default:
				s.Message("assistant", "hello")
				runtime.Gosched()
			}
		}
	}()
	clients.Wait()
	close(stop)
	<-published
	if err := srv.WaitConns(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
}

// TestHostileClients shows how long a client can hold a connection that is no
// stream.
func TestHostileClients(t *testing.T) {
	for _, tt := range []struct {
		name    string
		start   string // is sent at once
		drop    string // is sent each second
		within  time.Duration
		answers string
	}{
		{"says nothing", "", "", 10 * time.Second, ""},
		{"slow headers", "GET / HTTP/1.1\r\n", "A: b\r\n", 10 * time.Second, ""},
		{"huge headers", "GET / HTTP/1.1\r\nA: " + strings.Repeat("x", 1<<20), "", 10 * time.Second, "431"},
		{"endless headers", "GET / HTTP/1.1\r\n", strings.Repeat("A: b\r\n", 10_000), 10 * time.Second, "431"},
		{"slow body", "POST /events?stream=s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", "x", 12 * time.Second, "413"},
		{"slow body to the control API", "POST /_ctl/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", "x", 12 * time.Second, "413"},
		{"endless body", "POST /events?stream=s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n", strings.Repeat("x", 100_000), 12 * time.Second, "413"},
		{"idle", "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", "", 2 * time.Minute, "404"},
		{"talks into its stream", "GET /events?stream=s HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("x", 100_000), 12 * time.Second, "200"},
		{"garbage", strings.Repeat("\x00\xff", 100), "", 10 * time.Second, "400"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ts.Server, _ *server.Stream) {
				c := dialRaw(t, srv)
				done := make(chan struct{})
				go func() {
					defer close(done)
					io.WriteString(c, tt.start)
					for tt.drop != "" {
						time.Sleep(time.Second)
						if _, err := io.WriteString(c, tt.drop); err != nil {
							return
						}
					}
				}()
				start := time.Now()
				got, _ := io.ReadAll(c)
				d := time.Since(start)
				c.Close()
				<-done
				if d > tt.within {
					t.Errorf("held for %v, want at most %v", d, tt.within)
				}
				if status := strings.TrimPrefix(string(got), "HTTP/1.1 "); !strings.HasPrefix(status, tt.answers) || (tt.answers == "") != (status == "") {
					t.Errorf("answered %.100q, want %s", got, tt.answers)
				}
			})
		})
	}
}

// TestNeverReading shows that who asks and asks, and never reads, is cut.
func TestNeverReading(t *testing.T) {
	for _, path := range []string{"/_ctl/kinds", "/nowhere"} {
		inBubble(t, func(t *testing.T, srv *ts.Server, _ *server.Stream) {
			c := dialRaw(t, srv)
			asking := make(chan time.Duration)
			go func() {
				start := time.Now()
				for {
					if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
						asking <- time.Since(start)
						return
					}
				}
			}()
			if d := <-asking; d != 90*time.Second {
				t.Errorf("%s: cut after %v, want 1m30s", path, d)
			}
		})
	}
}

// FuzzControl: whatever is sent to the control API, it answers JSON with a status
// of its own, names what is wrong, and the server goes on.
func FuzzControl(f *testing.F) {
	for _, seed := range [][3]string{
		{"POST", "sessions", `{"name":"abc"}`},
		{"POST", "sessions/abc/end", `{"reason":"done"}`},
		{"POST", "streams", `{"name":"s"}`},
		{"POST", "publish", `[{"session":"abc","event":"message","data":{"text":"hi"},"times":2},{"stream":"s","id":"1","data":"x","retry":"1s"}]`},
		{"POST", "write", `{"stream":"s","base64":"AAAA"}`},
		{"POST", "faults", `[{"kind":"cut","afterBytes":3},{"kind":"status","status":503,"header":{"A":"b"}}]`},
		{"DELETE", "connections?how=reset&stream=s", ""},
		{"GET", "requests?after=3", ""},
		{"POST", "wait", `{"connections":1,"stream":"s","timeout":"1ms"}`},
		{"POST", "restart", `{"keep":"nothing"}`},
		{"GET", "faults/1", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		srv := ts.NewInMemory(t)
		req, err := http.NewRequest(method, srv.ControlURL()+path, strings.NewReader(body))
		if err != nil || strings.Contains(body, "down") || len(body) > 1<<12 { // a long restart is long
			t.Skip()
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // no wait is met
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, req.WithContext(ctx))
		if w.Header().Get("Content-Type") != "application/json" {
			if w.Code/100 == 3 || w.Code == 404 || w.Code == 405 { // a path that isn't the API's
				return
			}
			t.Fatalf("%s %q: %d %s", method, path, w.Code, w.Body)
		}
		var e struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &e); w.Code >= 400 && (err != nil || e.Error == "") || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %q %q: %d %s", method, path, body, w.Code, w.Body)
		}
		if w.Code >= 500 && w.Code != 503 && w.Code != 504 {
			t.Fatalf("%s %q %q: %d %s", method, path, body, w.Code, w.Body)
		}
		if id := srv.Session("alive").Status("working", ""); id == 0 {
			t.Fatal("the server does not publish any more")
		}
	})
}
