package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

func newBreaker(t *testing.T, p backoff.Policy) *backoff.Breaker {
	t.Helper()
	b, err := backoff.NewBreaker(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Many streams of one origin, all lost at once: the dead server sees one attempt
// for each delay, and all are back after it.
func TestSharedBreaker(t *testing.T) {
	for _, dead := range []string{"refused", "503"} {
		t.Run(dead, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 200
				var mu sync.Mutex
				down, asked := false, 0
				var gone chan struct{}
				w := newWorld(t, nil)
				w.handler = func(_ int, rw http.ResponseWriter, r *http.Request) {
					mu.Lock()
					refuse, end := down, gone
					if refuse {
						asked++
					}
					mu.Unlock()
					if refuse && dead == "503" {
						rw.WriteHeader(http.StatusServiceUnavailable)
						return
					}
					if refuse {
						panic(http.ErrAbortHandler) // no response at all
					}
					stream(rw)("data: x\n\n")
					select {
					case <-end:
					case <-r.Context().Done():
					}
				}
				gone = make(chan struct{})
				breaker := newBreaker(t, backoff.Policy{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var opened atomic.Int32
				var wg sync.WaitGroup
				for range n {
					es := mustNew(t, streamURL, client.Options{HTTPClient: w.client, Breaker: breaker})
					wg.Go(func() {
						for _, err := range es.Events(ctx) {
							if err == nil {
								opened.Add(1)
							}
						}
					})
				}
				synctest.Wait()
				equal(t, "streams", opened.Load(), n)
				mu.Lock()
				down = true
				close(gone)
				mu.Unlock()
				time.Sleep(2 * time.Minute)
				mu.Lock()
				if down = false; asked > 12 {
					t.Errorf("the dead server was asked %d times in two minutes, want once for each delay", asked)
				}
				gone = make(chan struct{})
				mu.Unlock()
				time.Sleep(31 * time.Second)
				synctest.Wait()
				equal(t, "streams that are back", opened.Load(), 2*n)
				cancel()
				wg.Wait()
			})
		})
	}
}

// A session that the server refuses, or whose stream breaks each time, is no
// outage of the origin: its neighbours are not held up.
func TestSharedBreakerIsNotOpenedByOneBadStream(t *testing.T) {
	for _, code := range []int{http.StatusInternalServerError, http.StatusTooManyRequests, http.StatusOK} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("bad") == "" {
					stream(rw)("data: x\n\n")
					return
				}
				if code == http.StatusOK {
					stream(rw) // accepted and dropped
					return
				}
				rw.WriteHeader(code)
			})
			var states []backoff.State
			breaker, err := backoff.NewBreaker(backoff.Policy{}, &backoff.BreakerOptions{Observer: func(c backoff.Change) { states = append(states, c.To) }})
			if err != nil {
				t.Fatal(err)
			}
			bad := mustNew(t, streamURL+"?bad=1", client.Options{HTTPClient: w.client, Breaker: breaker})
			_, err = collect(t, bad)
			if _, ok := errors.AsType[*client.GiveUpError](err); !ok {
				t.Errorf("bad stream: got %v, want its own give-up", err)
			}
			for _, s := range states {
				if s == backoff.Open {
					t.Fatalf("status %d: the breaker went to %v", code, s)
				}
			}
			start := time.Now()
			for _, err := range mustNew(t, streamURL, client.Options{HTTPClient: w.client, Breaker: breaker}).Events(t.Context()) {
				if err != nil || time.Since(start) != 0 {
					t.Errorf("neighbour: got %v after %v, want an event at once", err, time.Since(start))
				}
				break
			}
		})
	}
}

// A source's own give-up holds while it waits for the breaker, also the attempt
// at its very end.
func TestSharedBreakerAndAnEarlierGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.down.Store(true)
		es := w.source(client.Options{
			Backoff: backoff.Policy{Jitter: backoff.NoJitter, GiveUp: 10 * time.Second},
			Breaker: newBreaker(t, backoff.Policy{Jitter: backoff.NoJitter}),
		})
		_, err := collect(t, es)
		if _, ok := errors.AsType[*client.GiveUpError](err); !ok || w.now() != 10*time.Second {
			t.Errorf("got %v at %v, want the source's give-up at 10s", err, w.now())
		}
	})
}

// A loop that never comes to an attempt ends as any other.
func TestCallbacksWithoutAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := newBreaker(t, backoff.Policy{})
		b.TryAcquire().Fail(errRefused, 10*time.Second)
		var calls []string
		cb := client.Callbacks{OnGiveUp: func() { calls = append(calls, "give up") }, OnClose: func() { calls = append(calls, "close") }}
		es := w.source(client.Options{Breaker: b, Backoff: backoff.Policy{GiveUp: time.Second}, Observer: cb.Observe})
		_, err := collect(t, es)
		e, ok := errors.AsType[*client.GiveUpError](err)
		if !ok || e.Attempts != 0 || e.Outage != time.Second || !errors.Is(err, errRefused) {
			t.Errorf("got %v, want a give-up after 1s over what the breaker knows", err)
		}
		equal(t, "calls", calls, []string{"give up", "close"})
		equal(t, "requests", len(w.asked), 0)
	})
}

// A first attempt that waits for its turn is not a closed source.
func TestStateWhileWaitingForTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played())
		b := newBreaker(t, backoff.Policy{})
		l, _ := b.Acquire(t.Context(), nil)
		l.Fail(nil, 0)
		es := w.source(client.Options{Breaker: b})
		done := make(chan bool)
		go func() { collect(t, es); close(done) }()
		synctest.Wait()
		if s := es.Stats(); s.State == client.Closed || s.Since.IsZero() {
			t.Errorf("a loop is under way, and waits; state %v since %v", s.State, s.Since)
		}
		<-done
	})
}

// What a redirect leads to is not the origin: that has answered.
func TestSharedBreakerAndRedirects(t *testing.T) {
	for _, how := range []string{"dead", "503"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				if r.Host == "other.test" {
					rw.WriteHeader(503)
					return
				}
				rw.Header().Set("Location", "http://other.test/")
				rw.WriteHeader(302)
			})
			tr := w.client.Transport.(*http.Transport)
			dial := tr.DialContext
			tr.DialContext = func(ctx context.Context, n, addr string) (net.Conn, error) {
				if how == "dead" && strings.HasPrefix(addr, "other.") {
					return nil, errRefused
				}
				return dial(ctx, n, addr)
			}
			b := newBreaker(t, backoff.Policy{})
			es := w.source(client.Options{Breaker: b, FailFast: true})
			collect(t, es)
			equal(t, how+": breaker", b.State(), backoff.Closed)
		})
	}
}

// Whoever waits for the turn to return does not give up on a server that is back.
func TestSharedBreakerClosesBeforeTheGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(204) })
		w.down.Store(true)
		b, _ := backoff.NewBreaker(backoff.Policy{Jitter: backoff.NoJitter}, &backoff.BreakerOptions{ReturnEvery: 10 * time.Second})
		time.AfterFunc(60*time.Second, func() { w.down.Store(false) })
		policy := backoff.Policy{Jitter: backoff.NoJitter, GiveUp: 62 * time.Second}
		errs := make(chan error)
		for range 3 {
			es := mustNew(t, streamURL, client.Options{HTTPClient: w.client, Backoff: policy, Breaker: b})
			go func() {
				_, err := collect(t, es)
				errs <- err
			}()
		}
		for range 3 {
			if err := <-errs; err != nil {
				t.Errorf("at %v, breaker %v: %v", w.now(), b.State(), err)
			}
		}
	})
}

// A server that takes every request and answers none opens the breaker, with one
// probe at a time, and each source gives up by itself.
func TestSharedBreakerAgainstSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		var underWay, most atomic.Int32
		w.handler = func(n int, rw http.ResponseWriter, r *http.Request) {
			if now := underWay.Add(1); n > 20 { // the first ones asked before anybody knew
				most.Store(max(most.Load(), now))
			}
			untilGone(r)
			underWay.Add(-1)
		}
		breaker := newBreaker(t, backoff.Policy{})
		opts := client.Options{HTTPClient: w.client, Breaker: breaker, Timeouts: client.Timeouts{Header: 20 * time.Second}}
		var wg sync.WaitGroup
		for range 20 {
			es := mustNew(t, streamURL, opts)
			wg.Go(func() {
				_, err := collect(t, es)
				if _, ok := errors.AsType[*client.GiveUpError](err); !ok || !errors.Is(err, client.ErrHeaderTimeout) {
					t.Errorf("got %v, want its give-up over the timeout", err)
				}
			})
		}
		wg.Wait()
		if most.Load() != 1 || w.now() > 6*time.Minute || w.now() < 5*time.Minute {
			t.Errorf("%d probes at a time, over after %v; want one, and about 5 minutes", most.Load(), w.now())
		}
	})
}

// Any answer but 502, 503 and 504 proves a shared origin alive.
func TestSharedBreakerByStatus(t *testing.T) {
	for code, want := range map[int]backoff.State{
		404: backoff.Closed, 429: backoff.Closed, 500: backoff.Closed,
		502: backoff.Open, 503: backoff.Open, 504: backoff.Open,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(code) })
			breaker := newBreaker(t, backoff.Policy{})
			collect(t, w.source(client.Options{Breaker: breaker, FailFast: true}))
			equal(t, http.StatusText(code), breaker.State(), want)
		})
	}
}

// A probe's lease ends with its response: a consumer that is busy with the first
// event holds nobody up.
func TestBusyConsumerHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("data: x\n\n")
			untilGone(r)
		})
		breaker := newBreaker(t, backoff.Policy{})
		breaker.Suspect() // the next attempt is a probe
		opts := client.Options{HTTPClient: w.client, Breaker: breaker}
		for _, err := range mustNew(t, streamURL, opts).Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			for _, err := range mustNew(t, streamURL, opts).Events(t.Context()) { // in the body of the first
				if err != nil || time.Since(start) != 0 {
					t.Errorf("neighbour: %v after %v", err, time.Since(start))
				}
				break
			}
			break
		}
	})
}

// The time that an attempt waits for its turn is no time of opening.
func TestHTTPClientTimeoutDoesNotCountTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			time.Sleep(3 * time.Second)
			rw.WriteHeader(http.StatusNoContent)
		})
		w.client.Timeout = 5 * time.Second
		breaker := newBreaker(t, backoff.Policy{Jitter: backoff.NoJitter})
		lease, err := breaker.Acquire(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		lease.Fail(errRefused, 10*time.Second)
		if _, err := collect(t, w.source(client.Options{Breaker: breaker, FailFast: true})); err != nil || w.now() != 13*time.Second {
			t.Errorf("got %v after %v, want the 204 after 13s", err, w.now())
		}
	})
}

// A callback that panics while its source is the probe does not keep the turn.
func TestPanicOfTheProbe(t *testing.T) {
	for _, where := range []string{"observer", "BeforeWait", "Prepare"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, played())
			b := newBreaker(t, backoff.Policy{})
			b.Suspect()
			opts := client.Options{Breaker: b}
			opts.Observer = func(tr client.Transition) {
				if where == "observer" && tr.State == client.Connecting {
					panic("in the observer")
				}
			}
			opts.BeforeWait = func() error {
				if where == "BeforeWait" {
					panic("in BeforeWait")
				}
				return nil
			}
			opts.Request.Prepare = func(context.Context, *http.Request) error { panic("in Prepare") }
			func() {
				defer func() { recover() }()
				collect(t, w.source(opts))
			}()
			l := b.TryAcquire()
			if l == nil {
				t.Errorf("%s: the turn is gone", where)
			}
			l.Release()
			time.Sleep(time.Minute)
		})
	}
}
