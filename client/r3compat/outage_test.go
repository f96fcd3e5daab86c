package sse_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	v1 "gopkg.in/cenkalti/backoff.v1"

	"github.com/OneStepAt4time/resilient-sse/client"
	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
)

// waits notes what the client waits.
func waits(c *sse.Client) *[]time.Duration {
	var ds []time.Duration
	c.ReconnectNotify = func(_ error, d time.Duration) { ds = append(ds, d) }
	return &ds
}

// A counter waits 1 s, 2 s, 3 s … from its last reset.
type counter struct {
	n      int
	resets int
}

func (c *counter) NextBackOff() time.Duration {
	c.n++
	return time.Duration(c.n) * time.Second
}

func (c *counter) Reset() { c.n, c.resets = 0, c.resets+1 }

// TestStrategyIsReset: an event ends an outage, and each outage begins anew.
func TestStrategyIsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			switch {
			case n == 12:
				w.WriteHeader(http.StatusNoContent)
			case n%4 == 0:
				brief(n, w, r)
			default:
				down(n, w, r)
			}
		})
		c := w.client()
		got, strategy := waits(c), &counter{n: 99}
		c.ReconnectStrategy = strategy
		must(t, c.SubscribeRaw(func(*sse.Event) {}))
		s := time.Second
		equal(t, "waits", *got, []time.Duration{1 * s, 2 * s, 3 * s, 1 * s, 2 * s, 3 * s, 4 * s, 1 * s, 2 * s, 3 * s, 4 * s})
		equal(t, "resets", strategy.resets, 3)
	})
}

// TestStrategyAfterHealth: v1's own limit of 15 minutes does not count hours of
// health.
func TestStrategyAfterHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := func(w http.ResponseWriter) {
			send := stream(w, "id: 1\n\n")
			for range 120 {
				send("data: a\n\n")
				time.Sleep(time.Minute)
			}
		}
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if n <= 2 {
				up(w)
				return
			}
			down(n, w, r)
		})
		c := w.client()
		got := waits(c)
		c.ReconnectStrategy = v1.NewExponentialBackOff()
		err := c.SubscribeRaw(func(*sse.Event) {})
		if _, ok := errors.AsType[*client.GiveUpError](err); !ok {
			t.Errorf("got %v, want a *GiveUpError", err)
		}
		at := w.askedAt()
		if len(at) < 10 {
			t.Fatalf("%d requests, want many: waited %v", len(at), *got)
		}
		outage := at[len(at)-1] - 4*time.Hour
		if outage < 12*time.Minute || outage > 17*time.Minute { // v1's stops short, or overshoots by a wait
			t.Errorf("gave up %v into the outage, want about 15m", outage)
		}
	})
}

// TestStrategyStops: as often as it says, and the last failure is in the error.
func TestStrategyStops(t *testing.T) {
	for name, tt := range map[string]struct {
		strategy v1.BackOff
		requests int
	}{
		"tries": {v1.WithMaxTries(v1.NewExponentialBackOff(), 3), 4},
		"never": {&v1.StopBackOff{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, down)
				c := w.client()
				c.ReconnectStrategy = tt.strategy
				for range 2 { // it is used again
					before := len(w.askedAt())
					err := c.SubscribeRaw(nil)
					if !refused(err, 503) {
						t.Errorf("got %v, want the last 503", err)
					}
					equal(t, "requests", len(w.askedAt())-before, tt.requests)
				}
			})
		})
	}
}

// TestStrategyGoesOn: nothing but the strategy itself ends its outages.
func TestStrategyGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if n < 60 {
				down(n, w, r)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
		c := w.client()
		c.ReconnectStrategy = v1.NewConstantBackOff(time.Minute)
		must(t, c.SubscribeRaw(nil))
		equal(t, "time", time.Since(w.start), 59*time.Minute)
	})
}

// TestStrategyWithContext: v1's context ends a wait, and not a stream that is open,
// whatever came before.
func TestStrategyWithContext(t *testing.T) {
	for name, tt := range map[string]struct {
		limit, wait, ended time.Duration
		isLast             func(error) bool
	}{
		"in a wait": {10 * time.Minute, time.Hour, 10 * time.Minute,
			func(err error) bool { return refused(err, 503) }},
		"in the stream": {time.Minute, time.Second, 2*time.Minute + time.Second,
			func(err error) bool { return err == nil }}, // the last was a clean end
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
					if n == 1 {
						down(n, w, r)
						return
					}
					send := stream(w, "")
					time.Sleep(2 * time.Minute)
					send("id: 1\ndata: a\n\n")
				})
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				c := w.client()
				c.ReconnectStrategy = v1.WithContext(v1.NewConstantBackOff(tt.wait), ctx)
				err := c.SubscribeRaw(func(*sse.Event) {})
				if !tt.isLast(err) {
					t.Errorf("got %v, want the last failure", err)
				}
				equal(t, "time", time.Since(w.start), tt.ended)
			})
		})
	}
}

// TestSharedStrategy: strategies know no locks; the race detector looks on.
func TestSharedStrategy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, brief)
		c := w.client()
		c.ReconnectStrategy = v1.NewExponentialBackOff()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ended := make(chan error)
		for range 8 {
			go func() { ended <- c.SubscribeRawWithContext(ctx, func(*sse.Event) {}) }()
		}
		for range 8 {
			if err := <-ended; err != context.DeadlineExceeded {
				t.Error(err)
			}
		}
	})
}

// TestNoStrategy: growing delays, and the give-up exactly 15 minutes into an outage,
// not into the client's life.
func TestNoStrategy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if n > 1 {
				down(n, w, r)
				return
			}
			send := stream(w, "id: 1\n\n")
			for range 60 {
				send("data: a\n\n")
				time.Sleep(time.Minute)
			}
		})
		c := w.client()
		got := waits(c)
		err := c.SubscribeRaw(func(*sse.Event) {})
		gaveUp, ok := errors.AsType[*client.GiveUpError](err)
		if !ok {
			t.Fatalf("got %v, want a *GiveUpError", err)
		}
		equal(t, "outage", gaveUp.Outage, 15*time.Minute)
		at := w.askedAt()
		equal(t, "last attempt", at[len(at)-1], time.Hour+15*time.Minute)
		if first := (*got)[0]; first < time.Second || first > 1500*time.Millisecond {
			t.Errorf("first wait %v, want 1s to 1.5s", first)
		}
		if longest := slices.Max(*got); longest < 20*time.Second || longest > 30*time.Second {
			t.Errorf("longest wait %v, want 20s to 30s", longest)
		}
	})
}

// TestServerThatDropsAtOnce: a bare 200 is no success; delays grow.
func TestServerThatDropsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ int, w http.ResponseWriter, _ *http.Request) { stream(w, "") })
		if _, ok := errors.AsType[*client.GiveUpError](w.client().SubscribeRaw(nil)); !ok {
			t.Error("did not give up")
		}
		if n := len(w.askedAt()); n > 60 {
			t.Errorf("%d attempts in 15 minutes", n)
		}
	})
}

// TestSilence: a connection that brings no byte is given up for another one.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if n > 1 {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			open("data: a\n\n")(n, w, r)
		})
		must(t, w.client().SubscribeRaw(func(*sse.Event) {}))
		if at := w.askedAt()[1]; at < 5*time.Minute || at > 5*time.Minute+2*time.Second {
			t.Errorf("asked again after %v, want 5m and the wait", at)
		}
	})
}

// TestRetryField is obeyed, by a strategy too.
func TestRetryField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, strategy := range []v1.BackOff{nil, &v1.ZeroBackOff{}} {
			w := newWorld(t, bodies("retry: 20000\ndata: a\n\n"))
			c := w.client()
			got := waits(c)
			c.ReconnectStrategy = strategy
			must(t, c.SubscribeRaw(func(*sse.Event) {}))
			if d := (*got)[0]; d < 20*time.Second || d > 30*time.Second {
				t.Errorf("with %T: waited %v, want 20s or a little more", strategy, d)
			}
		}
	})
}

// TestTune reaches the engine: its options, and what it reports.
func TestTune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var states []client.State
		var prepared, waited int
		tune := func(o *client.Options) {
			o.Timeouts.Idle = 20 * time.Second
			o.Backoff.GiveUp = time.Minute
			o.Observer = func(t client.Transition) { states = append(states, t.State) }
			o.BeforeWait = func() error { waited++; return nil }
			o.Retryable = func(err error, _ bool) bool { return errors.Is(err, client.ErrIdle) }
			o.Request.Prepare = func(_ context.Context, r *http.Request) error {
				prepared++
				r.Header.Set("X-Prepared", "yes")
				return nil
			}
		}
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				open("data: a\n\n")(n, w, r)
			}
			down(n, w, r)
		})
		c := w.client(sse.ClientTune(tune))
		err := c.SubscribeRaw(func(*sse.Event) {})
		if !refused(err, 503) {
			t.Errorf("got %v, want 503", err)
		}
		equal(t, "states", states, []client.State{client.Connecting, client.Open, client.Waiting, client.Connecting, client.Closed})
		equal(t, "prepared", w.asked(func(r *http.Request) string { return r.Header.Get("X-Prepared") }), []string{"yes", "yes"})
		equal(t, "Prepare was called", prepared, 2)
		if waited == 0 {
			t.Error("BeforeWait was not called")
		}
	})
}
