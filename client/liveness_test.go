package client_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

// A stream that goes silent is left after IdleTimeout; any byte counts.
func TestIdleTimeout(t *testing.T) {
	for _, tt := range []struct {
		name  string
		opts  client.Options
		after time.Duration // of silence; 0: never
	}{
		{"5 min unless told", client.Options{}, 5 * time.Minute},
		{"shorter", client.Options{Timeouts: client.Timeouts{Idle: 20 * time.Second}}, 20 * time.Second},
		{"never", client.Options{Timeouts: client.Timeouts{Idle: -1}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					if n == 2 {
						rw.WriteHeader(http.StatusNoContent)
						return
					}
					send := stream(rw)
					for range 10 { // one byte of a comment at a time
						time.Sleep(19 * time.Second)
						send(":")
					}
					select {
					case <-r.Context().Done():
					case <-time.After(24 * time.Hour):
					}
				})
				tt.opts.Backoff = exact
				if _, err := collect(t, w.source(tt.opts)); err != nil {
					t.Fatal(err)
				}
				silence := tt.after
				cause := client.ErrIdle
				if silence == 0 {
					silence, cause = 24*time.Hour, client.ErrEnded
				}
				equal(t, "requests", w.asked, []time.Duration{0, 190*time.Second + silence + time.Second})
				if got := w.observed[2].Cause; !errors.Is(got, cause) {
					t.Errorf("cause %v, want %v", got, cause)
				}
			})
		})
	}
}

// A consumer that takes its time is not a dead server: the limits run only while
// the loop waits for bytes.
func TestSlowConsumerIsNotADeadServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			send := stream(rw)
			send("data: 1\n\ndata: 2\n\n")
			time.Sleep(30 * time.Second)
			send("data: 3\n\n")
			untilGone(r)
		})
		n := 0
		for _, err := range w.source(client.Options{Timeouts: client.Timeouts{Idle: time.Minute, Event: time.Minute}}).Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			if n++; n == 3 {
				break
			}
		}
		equal(t, "requests", len(w.asked), 1)
	})
}

// Comments keep a connection alive for IdleTimeout, not for EventTimeout: they
// may mask a producer that is dead.
func TestEventTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n == 2 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			send := stream(rw)
			time.Sleep(50 * time.Second)
			send("data: x\n\n")
			for {
				send(": alive\n\n")
				select {
				case <-r.Context().Done():
					return
				case <-time.After(10 * time.Second):
				}
			}
		})
		if _, err := collect(t, w.source(client.Options{Backoff: exact, Timeouts: client.Timeouts{Event: time.Minute}})); err != nil {
			t.Fatal(err)
		}
		equal(t, "requests", w.asked, seconds(0, 50+60+1))
		if got := w.observed[2].Cause; !errors.Is(got, client.ErrNoEvent) {
			t.Errorf("cause %v, want ErrNoEvent", got)
		}
	})
}

// A server that accepts and never answers is left after HeaderTimeout.
func TestHeaderTimeout(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts client.Options
		want time.Duration
	}{
		{"Idle unless told: some servers answer with the first event", client.Options{Timeouts: client.Timeouts{Idle: 50 * time.Second}}, 50 * time.Second},
		{"a fifth of the give-up, if that is less", client.Options{}, time.Minute},
		{"a fifth of another give-up", client.Options{Backoff: backoff.Policy{GiveUp: time.Hour}, Timeouts: client.Timeouts{Idle: backoff.Off}}, 12 * time.Minute},
		{"Idle where there is no give-up", client.Options{Backoff: backoff.Policy{GiveUp: backoff.Off}}, 5 * time.Minute},
		{"its own", client.Options{Timeouts: client.Timeouts{Header: 5 * time.Second}}, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					if n == 2 {
						rw.WriteHeader(http.StatusNoContent)
						return
					}
					untilGone(r)
				})
				tt.opts.Backoff.Jitter = backoff.Off
				if _, err := collect(t, w.source(tt.opts)); err != nil {
					t.Fatal(err)
				}
				equal(t, "requests", w.asked, []time.Duration{0, tt.want + time.Second})
				if got := w.observed[1].Cause; !errors.Is(got, client.ErrHeaderTimeout) {
					t.Errorf("cause %v, want ErrHeaderTimeout", got)
				}
			})
		})
	}
}

// A dial that never ends is left after ConnectTimeout, also with a dialler that
// knows no limit of its own.
func TestConnectTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusNoContent) })
		w.hang.Store(1)
		if _, err := collect(t, w.source(client.Options{Backoff: exact})); err != nil {
			t.Fatal(err)
		}
		equal(t, "requests", w.asked, seconds(16))
		if got := w.observed[1].Cause; !errors.Is(got, client.ErrConnectTimeout) {
			t.Errorf("cause %v, want ErrConnectTimeout", got)
		}
	})
}

// The body of a 101 is the bare connection, which looks at no context. Nobody
// waits for it longer than for another refused body.
func TestSwitchedProtocolDoesNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			c, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { c.Close() })
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		})
		_, err := collect(t, w.source(client.Options{}))
		if e, ok := errors.AsType[*client.ResponseError](err); !ok || e.StatusCode != http.StatusSwitchingProtocols || w.now() > 10*time.Second {
			t.Errorf("got %v after %v, want the 101 within seconds", err, w.now())
		}
	})
}

// A deafBody ends its reads when it is closed, and by nothing else.
type deafBody struct {
	closed chan struct{}
	once   sync.Once
}

func (b *deafBody) Read([]byte) (int, error) { <-b.closed; return 0, net.ErrClosed }
func (b *deafBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// A body that looks at no context is closed when the attempt is cancelled.
func TestBodyThatKnowsOnlyClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &deafBody{closed: make(chan struct{})}
		hc := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: b, Request: r}, nil
		})}
		once := func(error, bool) bool { return false }
		start := time.Now()
		_, err := collect(t, mustNew(t, streamURL, client.Options{HTTPClient: hc, Timeouts: client.Timeouts{Idle: 10 * time.Second}, Retryable: once}))
		if !errors.Is(err, client.ErrIdle) || time.Since(start) != 10*time.Second {
			t.Errorf("got %v after %v, want ErrIdle after 10s", err, time.Since(start))
		}
	})
}
