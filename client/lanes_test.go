package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// http2World serves unencrypted HTTP/2 on an in-memory network, in a bubble.
type http2World struct {
	mu    sync.Mutex
	conns []*blackHole
	l     *memnet.Listener
}

func newHTTP2World(t *testing.T, h http.HandlerFunc) *http2World {
	w := &http2World{l: memnet.Listen("stream.test:80")}
	srv := &http.Server{Protocols: new(http.Protocols), Handler: h, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 10_000}}
	srv.Protocols.SetUnencryptedHTTP2(true)
	go srv.Serve(w.l)
	t.Cleanup(func() { srv.Close() })
	return w
}

// through makes a transport one of this world.
func (w *http2World) through(t *testing.T, tr *http.Transport) *http.Transport {
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetUnencryptedHTTP2(true)
	tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := w.l.Dial(ctx)
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.conns = append(w.conns, &blackHole{Conn: c})
		return w.conns[len(w.conns)-1], nil
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func (w *http2World) dials() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.conns)
}

// Streams whose bodies are busy take nothing from their neighbours on HTTP/2, and
// hold no more than their buffers. There are more of them than a connection takes.
func TestHTTP2BusyBodiesStarveNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const busy, events = 300, 2000
		var sent atomic.Int64 // to the busy ones
		chunk := "data: " + strings.Repeat("x", 32<<10) + "\n\n"
		w := newHTTP2World(t, func(rw http.ResponseWriter, r *http.Request) {
			send := stream(rw)
			if r.URL.Path == "/busy" {
				for r.Context().Err() == nil {
					send(chunk)
					sent.Add(int64(len(chunk)))
				}
				return
			}
			for i := range events {
				send(fmt.Sprintf("id: %d\ndata: x\n\n", i))
			}
			untilGone(r)
		})
		hc := &http.Client{Transport: w.through(t, client.NewTransport())}
		ctx, cancel := context.WithCancel(t.Context())
		var bodies sync.WaitGroup
		for range busy {
			es := mustNew(t, "http://stream.test/busy", client.Options{HTTPClient: hc})
			bodies.Go(func() {
				for range es.Events(ctx) {
					<-ctx.Done() // has its hands full
					return
				}
			})
			synctest.Wait() // no dial while another would do
		}
		if got := w.dials(); got != 2 {
			t.Errorf("%d streams are on %d connections, want 2", busy, got)
		}
		if held := sent.Load() / busy; held > 256<<10 {
			t.Errorf("a busy stream holds %d bytes", held)
		}
		start := time.Now()
		for range 3 { // on either connection
			es := mustNew(t, streamURL, client.Options{HTTPClient: hc, FailFast: true})
			n := 0
			for _, err := range es.Events(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == events {
					break
				}
			}
			if n != events {
				t.Errorf("a neighbour got %d of %d events", n, events)
			}
		}
		if d := time.Since(start); d > 0 { // in the bubble, only waiting takes time
			t.Errorf("the neighbours had to wait for %v", d)
		}
		cancel()
		bodies.Wait()
		if n := client.LanesInUse(); n != 0 {
			t.Errorf("%d lanes are left behind", n)
		}
	})
}

// An attempt that follows a timeout does not share the connection with it, with
// any transport of net/http, also one that sends no pings.
func TestAttemptAfterATimeoutHasAnotherConnection(t *testing.T) {
	for name, tr := range map[string]func() *http.Transport{
		"ours":       client.NewTransport,
		"plain":      func() *http.Transport { return new(http.Transport) },
		"one dial":   func() *http.Transport { return &http.Transport{MaxConnsPerHost: 1} },
		"our strict": func() *http.Transport { t := client.NewTransport(); t.HTTP2.SendPingTimeout = 0; return t },
	} {
		for limit, timeouts := range map[string]client.Timeouts{
			"idle":   {Idle: 10 * time.Second},
			"header": {Header: 10 * time.Second, Idle: time.Hour},
		} {
			t.Run(name+"/"+limit, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newHTTP2World(t, func(rw http.ResponseWriter, r *http.Request) {
						stream(rw)("data: x\n\n")
						if r.URL.Path == "/ends" {
							return
						}
						untilGone(r)
					})
					hc := &http.Client{Transport: w.through(t, tr())}
					ctx, cancel := context.WithCancel(t.Context())
					var neighbour sync.WaitGroup
					neighbour.Go(func() { // keeps the connection from being idle
						for range mustNew(t, streamURL, client.Options{HTTPClient: hc, Timeouts: client.Timeouts{Idle: time.Hour}}).Events(ctx) {
						}
					})
					synctest.Wait()

					url := streamURL
					if limit == "header" {
						url = "http://stream.test/ends"
					}
					es := mustNew(t, url, client.Options{HTTPClient: hc, Backoff: exact, Timeouts: timeouts})
					n := 0
					for _, err := range es.Events(ctx) {
						if err != nil {
							t.Fatal(err)
						}
						if n++; n == 2 {
							break
						}
						w.conns[0].vanished.Store(true)
					}
					if stats := es.Stats(); limit == "idle" && (stats.Attempts != 2 || w.dials() != 2) ||
						limit == "header" && (stats.Attempts != 3 || w.dials() != 2) {
						t.Errorf("%d attempts on %d connections", stats.Attempts, w.dials())
					}
					cancel()
					neighbour.Wait()
				})
			})
		}
	}
}

// Behind a RoundTripper of the caller's the connections can't be seen. It is asked
// for another one in both ways there are.
func TestForeignTransportIsAskedForAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHTTP2World(t, func(rw http.ResponseWriter, r *http.Request) {
			stream(rw)("data: x\n\n")
			untilGone(r)
		})
		foreign := &wrapped{Transport: w.through(t, new(http.Transport))}
		es := mustNew(t, streamURL, client.Options{HTTPClient: &http.Client{Transport: foreign}, Backoff: exact,
			Timeouts: client.Timeouts{Idle: 10 * time.Second, Header: 10 * time.Second}})
		n := 0
		for _, err := range es.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 2 {
				break
			}
			w.conns[0].vanished.Store(true)
		}
		equal(t, "Close of the requests", foreign.close, []bool{false, true})
		if foreign.idle != 1 || w.dials() != 2 {
			t.Errorf("CloseIdleConnections was called %d times, and %d connections were made; want 1 and 2", foreign.idle, w.dials())
		}
	})
}

// wrapped is a RoundTripper that is no *http.Transport.
type wrapped struct {
	*http.Transport
	close []bool
	idle  int
}

func (w *wrapped) RoundTrip(r *http.Request) (*http.Response, error) {
	w.close = append(w.close, r.Close)
	return w.Transport.RoundTrip(r)
}

func (w *wrapped) CloseIdleConnections() {
	w.idle++
	w.Transport.CloseIdleConnections()
}

// A client without a transport uses the one that sources share, whose HTTP/2
// connections are watched, and not net/http's.
func TestClientWithoutTransportUsesTheSharedOne(t *testing.T) {
	srv := newScript(t, events("data: x\n\n"), events("data: x\n\n"), events("data: x\n\n"))
	before := http.DefaultTransport
	http.DefaultTransport = roundTripper(func(*http.Request) (*http.Response, error) {
		t.Error("the request goes through http.DefaultTransport")
		return nil, net.ErrClosed
	})
	defer func() { http.DefaultTransport = before }()
	for _, hc := range []*http.Client{nil, {}, {Timeout: time.Minute}} {
		var got sse.Event
		for ev, err := range mustNew(t, srv.URL, client.Options{HTTPClient: hc, FailFast: true}).Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = ev
			break
		}
		if got.Data != "x" {
			t.Errorf("got %+v", got)
		}
	}
}

// A refused response whose body does not come is no timeout: its connection has just
// brought an answer, and is used again.
func TestTricklingRefusalKeepsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHTTP2World(t, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/refused" {
				rw.WriteHeader(http.StatusServiceUnavailable)
				http.NewResponseController(rw).Flush()
			} else {
				stream(rw)("data: x\n\n")
			}
			untilGone(r)
		})
		tr := w.through(t, client.NewTransport())
		tr.IdleConnTimeout = 0 // net/http counts it from the first use of an unencrypted connection
		hc := &http.Client{Transport: tr}
		ctx, cancel := context.WithCancel(t.Context())
		var neighbour sync.WaitGroup
		neighbour.Go(func() {
			for range mustNew(t, streamURL, client.Options{HTTPClient: hc, Timeouts: client.Timeouts{Idle: time.Hour}}).Events(ctx) {
			}
		})
		synctest.Wait()
		_, err := collect(t, mustNew(t, "http://stream.test/refused", client.Options{HTTPClient: hc, Backoff: exact}))
		if e, ok := errors.AsType[*client.GiveUpError](err); !ok || e.Attempts < 5 {
			t.Errorf("got %v, want a give-up after some refusals", err)
		}
		if got := w.dials(); got != 1 {
			t.Errorf("%d connections, want 1", got)
		}
		cancel()
		neighbour.Wait()
	})
}

// Where connecting takes too long the next attempt connects anew, also where the
// transport would have it wait for what does not come.
func TestAttemptAfterAConnectTimeoutDialsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen("stream.test:80")
		srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusNoContent) })}
		go srv.Serve(l)
		defer srv.Close()
		var dials atomic.Int32
		hang := make(chan struct{})
		tr := &http.Transport{MaxConnsPerHost: 1, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if dials.Add(1) == 1 {
				<-hang // and looks at no context
				return nil, net.ErrClosed
			}
			return l.Dial(ctx)
		}}
		defer tr.CloseIdleConnections()
		start := time.Now()
		es := mustNew(t, streamURL, client.Options{HTTPClient: &http.Client{Transport: tr}, Backoff: exact, Timeouts: client.Timeouts{Connect: 10 * time.Second}})
		if _, err := collect(t, es); err != nil || time.Since(start) != 11*time.Second || dials.Load() != 2 {
			t.Errorf("got %v after %v and %d dials, want the 204 after 11s and 2", err, time.Since(start), dials.Load())
		}
		close(hang)
	})
}
