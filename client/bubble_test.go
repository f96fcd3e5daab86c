package client_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
	"github.com/google/go-cmp/cmp"
)

// A world is a server on an in-memory network inside a synctest bubble, what its
// handler was asked when, and what the client's observer saw. The bubble is also
// the leak check: it does not end while a goroutine is left.
type world struct {
	t       *testing.T
	start   time.Time
	client  *http.Client
	handler func(n int, w http.ResponseWriter, r *http.Request) // n counts requests from 1
	down    atomic.Bool                                         // dials are refused
	hang    atomic.Int32                                        // so many dials never end

	mu       sync.Mutex      // guards what handlers note; tests read it when they are done
	asked    []time.Duration // when attempts reached the network
	ids      []string        // their Last-Event-ID
	observed []client.Transition

	onTransition func(client.Transition) // may be set later than the source's observer
}

const streamURL = "http://stream.test/events"

// newWorld must be called in a bubble.
func newWorld(t *testing.T, handler func(n int, w http.ResponseWriter, r *http.Request)) *world {
	w := &world{t: t, start: time.Now(), handler: handler}
	l := memnet.Listen("stream.test:80")
	requests := 0
	srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		requests++
		n := requests
		w.asked = append(w.asked, w.now())
		w.ids = append(w.ids, r.Header.Get("Last-Event-ID"))
		w.mu.Unlock()
		w.handler(n, rw, r)
	}), ErrorLog: log.New(io.Discard, "", 0)}
	go srv.Serve(l)
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if w.down.Load() {
			w.mu.Lock()
			w.asked = append(w.asked, w.now())
			w.mu.Unlock()
			return nil, errRefused
		}
		if w.hang.Add(-1) >= 0 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return l.Dial(ctx)
	}}
	w.client = &http.Client{Transport: tr}
	t.Cleanup(func() {
		srv.Close()
		tr.CloseIdleConnections()
	})
	return w
}

var errRefused = &net.OpError{Op: "dial", Net: "mem", Err: io.ErrClosedPipe}

// now is the time since the world began.
func (w *world) now() time.Duration { return time.Since(w.start) }

// source returns an event source in this world, observed.
func (w *world) source(opts client.Options) *client.EventSource {
	w.t.Helper()
	opts.HTTPClient = w.client
	after := opts.Observer
	opts.Observer = func(tr client.Transition) {
		w.observed = append(w.observed, tr)
		if w.onTransition != nil {
			w.onTransition(tr)
		}
		if after != nil {
			after(tr)
		}
	}
	return mustNew(w.t, streamURL, opts)
}

// delays are those of the Waiting transitions.
func (w *world) delays() (ds []time.Duration) {
	for _, tr := range w.observed {
		if tr.State == client.Waiting && tr.From != client.Waiting {
			ds = append(ds, tr.Delay)
		}
	}
	return ds
}

// stream begins an event stream and returns a function that sends and flushes.
func stream(w http.ResponseWriter) (send func(string)) {
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	c.Flush()
	return func(s string) {
		io.WriteString(w, s)
		c.Flush()
	}
}

// untilGone waits for the client to hang up.
func untilGone(r *http.Request) { <-r.Context().Done() }

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func seconds(s ...float64) (ds []time.Duration) {
	for _, s := range s {
		ds = append(ds, time.Duration(s*float64(time.Second)))
	}
	return ds
}
