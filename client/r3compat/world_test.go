package sse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
	"github.com/google/go-cmp/cmp"
)

// A world is an HTTP server on a network in memory, inside a synctest bubble,
// and what it was asked. The bubble is also the leak check: it does not end while
// a goroutine is left.
type world struct {
	t     *testing.T
	start time.Time
	http  *http.Client // it reaches the server under every name

	mu       sync.Mutex
	requests []*http.Request
	times    []time.Duration // of the requests, from the start
	conns    []net.Conn      // dialled
}

// An answer is that to the n-th request, from 1.
type answer func(n int, w http.ResponseWriter, r *http.Request)

const streamURL = "http://stream.test/events"

// newWorld must be called in a bubble.
func newWorld(t *testing.T, answer answer) *world {
	w := &world{t: t, start: time.Now()}
	l := memnet.Listen("stream.test:80")
	srv := &http.Server{ErrorLog: log.New(io.Discard, "", 0)}
	srv.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests = append(w.requests, r)
		w.times = append(w.times, time.Since(w.start))
		n := len(w.requests)
		w.mu.Unlock()
		answer(n, rw, r)
	})
	go srv.Serve(l)
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := l.Dial(ctx)
		if err == nil {
			w.mu.Lock()
			w.conns = append(w.conns, conn)
			w.mu.Unlock()
		}
		return conn, err
	}}
	w.http = &http.Client{Transport: tr}
	t.Cleanup(func() {
		srv.Close()
		tr.CloseIdleConnections()
	})
	return w
}

// cut closes all connections.
func (w *world) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.conns {
		conn.Close()
	}
}

// client returns a client of the world.
func (w *world) client(opts ...func(c *sse.Client)) *sse.Client {
	c := sse.NewClient(streamURL, opts...)
	c.Connection = w.http
	return c
}

// asked returns what f finds in each request.
func (w *world) asked(f func(r *http.Request) string) (values []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		values = append(values, f(r))
	}
	return values
}

func (w *world) askedIDs() []string {
	return w.asked(func(r *http.Request) string { return r.Header.Get("Last-Event-ID") })
}

// askedAt returns when the requests came, since the start.
func (w *world) askedAt() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]time.Duration(nil), w.times...)
}

// stream begins an event stream and returns what sends more of it.
func stream(w http.ResponseWriter, body string) (send func(string)) {
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	send = func(s string) {
		io.WriteString(w, s)
		c.Flush()
	}
	send(body)
	return send
}

// bodies answers with one body after the other, each of which ends cleanly, and
// then declares the stream over.
func bodies(bodies ...string) answer {
	return func(n int, w http.ResponseWriter, _ *http.Request) {
		if n > len(bodies) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		stream(w, bodies[n-1])
	}
}

// open answers with a body that does not end before the client leaves.
func open(body string) answer {
	return func(_ int, w http.ResponseWriter, r *http.Request) {
		stream(w, body)
		<-r.Context().Done()
	}
}

// messages collects texts of messages.
type messages []string

func (m *messages) add(msg *sse.Event) { *m = append(*m, text(msg)) }

// text is a message in one line: its id, event and data.
func text(msg *sse.Event) string { return fmt.Sprintf("%s|%s|%s", msg.ID, msg.Event, msg.Data) }

// receive takes the texts of n messages.
func receive(ch chan *sse.Event, n int) (m messages) {
	for range n {
		m.add(<-ch)
	}
	return m
}

func lastID(c *sse.Client) string {
	id, _ := c.LastEventID.Load().([]byte)
	return string(id)
}

// refused tells whether an error comes from a response of that status.
func refused(err error, status int) bool {
	e, ok := errors.AsType[*client.ResponseError](err)
	return ok && e.StatusCode == status
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
