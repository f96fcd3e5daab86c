package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

// Ten supervisors that range again whenever a loop ends, against a server that is
// dead for two hours: no hammering, no spinning, and all are back within two delays
// of its return; with a shared breaker and without. (With the breaker of old all were
// locked out for good after five minutes.)
func TestSupervisorsOfTenSources(t *testing.T) {
	const outage = 2 * time.Hour
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprint("shared=", shared), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					stream(rw)("data: x\n\n")
					untilGone(r)
				})
				w.down.Store(true)
				time.AfterFunc(outage, func() { w.down.Store(false) })
				opts := client.Options{HTTPClient: w.client}
				if shared {
					opts.Breaker = new(backoff.Breaker)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var wg sync.WaitGroup
				var mu sync.Mutex
				loops, back := 0, []time.Duration(nil)
				for range 10 {
					es := mustNew(t, streamURL, opts)
					wg.Go(func() {
						for ctx.Err() == nil {
							for _, err := range es.Events(ctx) {
								mu.Lock()
								if err == nil {
									back = append(back, w.now()-outage)
								} else if _, ok := errors.AsType[*client.GiveUpError](err); !ok && ctx.Err() == nil {
									t.Errorf("got %v, want a give-up", err)
								}
								mu.Unlock()
							}
							mu.Lock()
							loops++
							mu.Unlock()
						}
					})
				}
				time.Sleep(outage)
				synctest.Wait()
				mu.Lock()
				w.mu.Lock()
				asked := len(w.asked)
				w.mu.Unlock()
				sources := 10
				if shared {
					sources = 1
				}
				// A delay is 20 s at least once it has grown.
				if limit := sources * (10 + int(outage/(20*time.Second))); asked > limit {
					t.Errorf("the dead server was asked %d times, want %d at most", asked, limit)
				}
				if loops > 10*int(outage/(5*time.Minute)+1) || loops < 10*int(outage/(6*time.Minute)) {
					t.Errorf("%d loops of ten sources in %v, want one for each give-up", loops, outage)
				}
				mu.Unlock()
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if len(back) != 10 || slices.Max(back) > time.Minute {
					t.Errorf("back after %v, want all ten within two delays", back)
				}
				cancel()
				wg.Wait()
			})
		})
	}
}

// Whoever ranges in a loop asks no more often than one loop would, whatever it is
// that ends each of them.
func TestRangingInALoopKeepsThePace(t *testing.T) {
	status := func(code int) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(code) }
	}
	for name, tt := range map[string]struct {
		handler func(n int, rw http.ResponseWriter, r *http.Request)
		opts    client.Options
		want    []time.Duration
	}{
		"404":         {status(404), client.Options{}, seconds(0, 1, 3, 7, 15, 31, 61, 91)},
		"204":         {status(204), client.Options{}, seconds(0, 1, 3, 7, 15, 31, 61, 91)},
		"fail fast":   {status(503), client.Options{FailFast: true}, seconds(0, 1, 3, 7, 15, 31, 61, 91)},
		"tiny GiveUp": {status(503), client.Options{Backoff: backoff.Policy{Jitter: backoff.Off, GiveUp: 1}}, nil},
		"no retries": {status(503), client.Options{Retryable: func(error, bool) bool { return false }},
			seconds(0, 1, 3, 7, 15, 31, 61, 91)},
		"a gap that nobody accepts": {func(_ int, rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Last-Event-ID", "9")
			stream(rw)
		}, client.Options{LastEventID: "5", FailOnGap: true}, seconds(0, 1, 3, 7, 15, 31, 61, 91)},
		"an event, then too much": {func(_ int, rw http.ResponseWriter, _ *http.Request) {
			stream(rw)("data: x\n\ndata: " + string(make([]byte, 100)) + "\n\n")
		}, client.Options{MaxEventSize: 64}, seconds(0, 1, 2, 3, 4, 5, 6, 7)},
		"delays of the caller's":   {status(404), client.Options{Delays: constant(3 * time.Second)}, seconds(0, 3, 6, 9, 12, 15, 18, 21)},
		"a cursor that can't load": {status(204), client.Options{Cursor: brokenCursor{}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.handler)
				if tt.opts.Backoff == (backoff.Policy{}) {
					tt.opts.Backoff = exact
				}
				es := w.source(tt.opts)
				for range 8 {
					collect(t, es)
				}
				if tt.want == nil {
					if w.now() < 60*time.Second || len(w.asked) > 16 {
						t.Errorf("eight loops took %v and %d requests", w.now(), len(w.asked))
					}
					return
				}
				equal(t, "asked", w.asked, tt.want)
			})
		})
	}
}

// The pace is nobody's who comes later, nor who has had success.
func TestPaceIsNotKeptWithoutNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			switch n {
			case 1, 2:
				rw.WriteHeader(http.StatusNotFound)
			default:
				stream(rw)("data: x\n\n")
				untilGone(r)
			}
		})
		es := w.source(client.Options{Backoff: exact})
		collect(t, es)
		time.Sleep(10 * time.Second)
		collect(t, es) // at once
		time.Sleep(10 * time.Second)
		for range 3 {
			for range es.Events(t.Context()) {
				break // after success, at once again
			}
		}
		equal(t, "asked", w.asked, seconds(0, 10, 20, 20, 20))
	})
}

// A source whose turn does not come gives up by itself, counted from its own wait;
// its neighbours, who have waited for less, go on.
func TestEachSourceGivesUpByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusNoContent) })
		w.down.Store(true)
		var b backoff.Breaker
		b.TryAcquire().Fail(errRefused, 10*time.Minute)
		ended := make(map[int]time.Duration)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 4 {
			es := mustNew(t, streamURL, client.Options{HTTPClient: w.client, Breaker: &b})
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 2 * time.Minute)
				_, err := collect(t, es)
				mu.Lock()
				defer mu.Unlock()
				ended[i] = w.now().Truncate(time.Second)
				if _, ok := errors.AsType[*client.GiveUpError](err); ok != (i < 3) {
					t.Errorf("source %d: %v", i, err)
				}
			})
		}
		time.Sleep(9 * time.Minute)
		w.down.Store(false)
		wg.Wait()
		equal(t, "ended", ended, map[int]time.Duration{0: 5 * time.Minute, 1: 7 * time.Minute, 2: 9 * time.Minute, 3: 10 * time.Minute})
	})
}

// Transition.Delay is when the next attempt comes, also where a shared breaker has a
// say: with one source exactly, and with several each is told when it is put off.
func TestDelayWithABreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.down.Store(true)
		var b backoff.Breaker // with its own jitter
		es := w.source(client.Options{Breaker: &b, Backoff: backoff.Policy{GiveUp: time.Minute}})
		var due []time.Duration
		after := time.Duration(0)
		w.onTransition = func(tr client.Transition) {
			if tr.State == client.Waiting {
				after = w.now() + tr.Delay
			}
			if tr.State == client.Connecting && after > 0 {
				due = append(due, after)
			}
		}
		collect(t, es)
		if len(due) < 4 || !slices.Equal(due, w.asked[1:]) {
			t.Errorf("attempts were announced for %v and made at %v", due, w.asked[1:])
		}
	})
}

// A neighbour that waits behind a probe is told each time that one fails.
func TestBreakerPutsOffANeighbour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.down.Store(true)
		b := newBreaker(t, exact)
		b.TryAcquire().Fail(errRefused, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		go collect(t, mustNew(t, streamURL, client.Options{HTTPClient: w.client, Breaker: b, Backoff: backoff.Policy{GiveUp: 40 * time.Second}}))
		synctest.Wait()
		var delays []time.Duration
		es := w.source(client.Options{Breaker: b, Backoff: exact})
		w.onTransition = func(tr client.Transition) {
			if tr.State == client.Waiting && tr.Attempt == 0 {
				if delays = append(delays, tr.Delay); !errors.Is(tr.Cause, errRefused) {
					t.Errorf("cause %v, want the probe's failure", tr.Cause)
				}
			}
		}
		for range es.Events(ctx) {
		}
		if len(delays) < 2 || delays[0] != time.Second || delays[1] != 2*time.Second {
			t.Errorf("told to wait for %v, want 1s, then 2s more", delays)
		}
		time.Sleep(time.Minute)
	})
}

// A callback that is slower than the give-up: no attempt is made behind it.
func TestNoAttemptBehindTheGiveUp(t *testing.T) {
	for _, slow := range []string{"observer", "BeforeWait", "save"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				if n == 1 {
					stream(rw)("id: 1\n\n")
					return
				}
				rw.WriteHeader(503)
			})
			opts := client.Options{Backoff: backoff.Policy{Jitter: backoff.Off, GiveUp: 10 * time.Second}}
			pause := func(what string, failures int) {
				if what == slow && failures == 2 {
					time.Sleep(11 * time.Second)
				}
			}
			failures := 0
			opts.Observer = func(tr client.Transition) {
				if failures = tr.Attempt; tr.State == client.Waiting {
					pause("observer", failures)
				}
			}
			opts.BeforeWait = func() error { pause("BeforeWait", failures); return nil }
			c := &checkedCursor{save: func(string) { pause("save", 2) }}
			opts.Cursor = c
			_, err := collect(t, w.source(opts))
			if _, ok := errors.AsType[*client.GiveUpError](err); !ok {
				t.Errorf("%s: got %v, want a give-up", slow, err)
			}
			if last := w.asked[len(w.asked)-1]; last > 10*time.Second {
				t.Errorf("%s: an attempt at %v, behind the give-up at 10s", slow, last)
			}
		})
	}
}

// Time in callbacks is no health: a server that flaps meets growing delays however
// slow they are.
func TestSlowCallbacksAreNoHealth(t *testing.T) {
	slow := func() { time.Sleep(6 * time.Second) }
	for name, with := range map[string]func(o *client.Options){
		"BeforeWait": func(o *client.Options) { o.BeforeWait = func() error { slow(); return nil } },
		"save":       func(o *client.Options) { o.Cursor = &checkedCursor{save: func(string) { slow() }} },
		"Prepare": func(o *client.Options) {
			o.Request.Prepare = func(context.Context, *http.Request) error { slow(); return nil }
		},
		"observer":  func(o *client.Options) { o.Observer = func(client.Transition) { slow() } },
		"OnComment": func(o *client.Options) { o.OnComment = func(string) { slow() } },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					send := stream(rw)
					send(fmt.Sprintf(": hi\n\nid: %d\n\n", n)) // no event
					time.Sleep(time.Millisecond)
					send(": there\n\n")
				})
				opts := client.Options{Backoff: backoff.Policy{Jitter: backoff.Off, GiveUp: 2 * time.Minute}}
				with(&opts)
				_, err := collect(t, w.source(opts))
				if _, ok := errors.AsType[*client.GiveUpError](err); !ok {
					t.Errorf("got %v, want a give-up", err)
				}
				equal(t, "first delays", w.delays()[:3], seconds(1, 2, 4))
			})
		})
	}
}

// A server that accepts and hangs is asked more than once before the give-up, with
// plain defaults.
func TestServerThatHangsIsAskedSeveralTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) { untilGone(r) })
		_, err := collect(t, w.source(client.Options{Backoff: exact}))
		if _, ok := errors.AsType[*client.GiveUpError](err); !ok || !errors.Is(err, client.ErrHeaderTimeout) {
			t.Errorf("got %v, want a give-up over the header timeout", err)
		}
		synctest.Wait()                                                // the last request is with its handler still
		equal(t, "asked", w.asked, seconds(0, 61, 123, 187, 255, 331)) // five minutes from the first failure
	})
}

// A Retry-After of a year, without a give-up, counts for an hour; a day's, with one of
// two days, for what it says.
func TestRetryAfterOfAYear(t *testing.T) {
	for _, tt := range []struct{ giveUp, asked, want time.Duration }{
		{backoff.Never, 365 * 24 * time.Hour, time.Hour},
		{48 * time.Hour, 24 * time.Hour, 24 * time.Hour},
	} {
		for _, breaker := range []*backoff.Breaker{nil, new(backoff.Breaker)} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					if n > 1 {
						rw.WriteHeader(http.StatusNoContent)
						return
					}
					rw.Header().Set("Retry-After", fmt.Sprint(int(tt.asked.Seconds())))
					rw.WriteHeader(503)
				})
				if _, err := collect(t, w.source(client.Options{Breaker: breaker, Backoff: backoff.Policy{Jitter: backoff.Off, GiveUp: tt.giveUp}})); err != nil {
					t.Fatal(err)
				}
				if at := w.asked[1]; at < tt.want || at > tt.want+time.Minute {
					t.Errorf("asked again after %v, want %v", at, tt.want)
				}
			})
		}
	}
}

// Fifty clients of a server that sends `retry: 60000` and goes away do not come back
// at one moment.
func TestRetryFieldKeepsTheJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 50 {
			w := newWorld(t, played("retry: 60000\n\ndata: x\n\n"))
			collect(t, w.source(client.Options{}))
			d := w.delays()[0]
			if d < 30*time.Second || d > 45*time.Second {
				t.Errorf("delay %v, want within [30s, 45s]", d)
			}
			seen[d.Truncate(time.Second)] = true
		}
		if len(seen) < 8 {
			t.Errorf("fifty clients chose among %d seconds", len(seen))
		}
	})
}
