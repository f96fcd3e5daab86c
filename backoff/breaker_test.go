package backoff_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
)

var noJitter = backoff.Policy{Jitter: backoff.NoJitter}

func mustBreaker(t testing.TB, p backoff.Policy, opts *backoff.BreakerOptions) *backoff.Breaker {
	t.Helper()
	b, err := backoff.NewBreaker(p, opts)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustAcquire(t testing.TB, b *backoff.Breaker) *backoff.Lease {
	t.Helper()
	l, err := b.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// One client alone meets the schedule of its own, for as long as it likes: a
// breaker paces, and does not give up.
func TestBreakerOfOneFollowsThePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, backoff.Policy{Jitter: backoff.Off, GiveUp: time.Second}, nil)
		start := time.Now()
		var attempts []time.Duration
		for range 16 {
			l := mustAcquire(t, b)
			attempts = append(attempts, time.Since(start))
			l.Fail(nil, 0)
		}
		equal(t, "attempts", attempts, seconds(0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181, 211, 241, 271, 301, 331))
		b.Reset()
		mustAcquire(t, b).Succeed()
	})
}

// In an outage one attempt is made at a time; the others wait for its answer.
func TestBreakerProbesOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, noJitter, nil)
		mustAcquire(t, b).Fail(nil, 0)
		var underWay, attempts atomic.Int32
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				for range 2 {
					l := mustAcquire(t, b)
					if n := underWay.Add(1); n > 1 && b.State() != backoff.Closed {
						t.Errorf("%d probes at a time", n)
					}
					time.Sleep(100 * time.Millisecond)
					underWay.Add(-1)
					if attempts.Add(1) < 3 {
						l.Fail(nil, 0)
						continue
					}
					l.Succeed()
					return
				}
			})
		}
		wg.Wait()
		equal(t, "state", b.State(), backoff.Closed)
	})
}

// Attempts that began before the breaker opened fail after it: that is no news,
// and one outage counts one failure for each delay.
func TestBreakerCountsOneFailureForEachDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, noJitter, nil)
		var leases []*backoff.Lease
		for range 50 {
			leases = append(leases, mustAcquire(t, b))
		}
		for _, l := range leases {
			l.Fail(nil, 0)
		}
		start := time.Now()
		probe := mustAcquire(t, b)
		equal(t, "delay", time.Since(start), time.Second)
		probe.Succeed()
		// One that began in the outage before does not open the next one.
		mustAcquire(t, b).Succeed()
		equal(t, "state", b.State(), backoff.Closed)
	})
}

// A probe whose holder is busy is overtaken when its time is up. Its late answer
// counts as long as no other probe has told: or an origin that takes longer to
// fail than a lease lasts would never open the breaker.
func TestBreakerLeaseExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, noJitter, &backoff.BreakerOptions{LeaseTime: 10 * time.Second})
		mustAcquire(t, b).Fail(nil, 0)
		busy := mustAcquire(t, b)
		start := time.Now()
		second := mustAcquire(t, b)
		equal(t, "second probe after", time.Since(start), 10*time.Second)
		busy.Fail(nil, 0)
		equal(t, "state", b.State(), backoff.Open)
		second.Fail(nil, time.Hour) // no news
		third := mustAcquire(t, b)
		equal(t, "third after", time.Since(start), 12*time.Second)
		_ = third

		other := mustBreaker(t, noJitter, nil)
		mustAcquire(t, other).Fail(nil, 0)
		late := mustAcquire(t, other)
		mustAcquire(t, other) // when late's time is up
		late.Succeed()
		equal(t, "state after a late success", other.State(), backoff.Closed)
	})
}

func TestBreakerCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, noJitter, nil)
		mustAcquire(t, b).Fail(nil, 0)
		stop := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(300*time.Millisecond, func() { cancel(stop) })
		start := time.Now()
		if _, err := b.Acquire(ctx, nil); err != stop || time.Since(start) != 300*time.Millisecond {
			t.Errorf("got %v after %v, want the cause at 300ms", err, time.Since(start))
		}
		if _, err := b.Acquire(ctx, nil); err != stop {
			t.Errorf("with a context that is done: got %v", err)
		}
		probe := mustAcquire(t, b)
		got := make(chan *backoff.Lease)
		go func() { l, _ := b.Acquire(t.Context(), nil); got <- l }()
		synctest.Wait()
		probe.Release() // cancelled: the next one's turn, at once
		(<-got).Succeed()
		equal(t, "state", b.State(), backoff.Closed)
		probe.Fail(nil, 0) // ended already
		equal(t, "state", b.State(), backoff.Closed)
	})
}

// Who waits learns when the next probe is due, and what the last one died of: as
// its wait begins, and each time that is put off.
func TestBreakerTellsWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, noJitter, nil)
		refused := errors.New("refused")
		mustAcquire(t, b).Fail(refused, 0)
		equal(t, "next", b.Next(), time.Second)
		var other []string
		done := make(chan bool)
		go func() {
			defer close(done)
			time.Sleep(250 * time.Millisecond) // behind the other, in the queue too
			l, err := b.Acquire(t.Context(), func(d time.Duration, cause error) { other = append(other, fmt.Sprint(d, " ", cause)) })
			if err != nil {
				t.Error(err)
			}
			l.Succeed()
		}()
		l := mustAcquire(t, b)
		time.Sleep(time.Second)
		l.Fail(errors.New("reset"), 0)
		<-done
		equal(t, "told", other, []string{"750ms refused", "2s reset"})
		equal(t, "next", b.Next(), 0)
		equal(t, "error", b.Err(), nil)
	})
}

// One failure, an hour in which nobody asks, and one more: two outages. As long as
// somebody waits or tries it is one.
func TestBreakerSeparateOutages(t *testing.T) {
	for _, tt := range []struct {
		name string
		idle func(t *testing.T, b *backoff.Breaker)
		want time.Duration // the delay after that and a second failure
	}{
		{"nobody for an hour", func(t *testing.T, b *backoff.Breaker) { time.Sleep(time.Hour) }, time.Second},
		{"nobody for longer than Max", func(t *testing.T, b *backoff.Breaker) { time.Sleep(30*time.Second + 1) }, time.Second},
		{"nobody for Max", func(t *testing.T, b *backoff.Breaker) { time.Sleep(30 * time.Second) }, 2 * time.Second},
		{"an attempt is under way", func(t *testing.T, b *backoff.Breaker) {
			l := mustAcquire(t, b)
			time.Sleep(time.Hour)
			l.Release()
		}, 2 * time.Second},
		{"somebody waits", func(t *testing.T, b *backoff.Breaker) {
			probe := mustAcquire(t, b)
			ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
			defer cancel()
			if l, err := b.Acquire(ctx, nil); err == nil { // probe's time is over by then
				time.Sleep(time.Hour)
				l.Release()
			}
			probe.Release()
		}, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := mustBreaker(t, noJitter, nil)
				mustAcquire(t, b).Fail(nil, 0)
				tt.idle(t, b)
				mustAcquire(t, b).Fail(nil, 0)
				equal(t, "delay", b.Next(), tt.want)
			})
		})
	}
}

// The zero value is a breaker, whatever is asked of it first.
func TestZeroBreaker(t *testing.T) {
	for name, first := range map[string]func(b *backoff.Breaker){
		"acquire": func(b *backoff.Breaker) {}, "suspect": func(b *backoff.Breaker) { b.Suspect() },
		"reset": func(b *backoff.Breaker) { b.Reset() }, "state": func(b *backoff.Breaker) { b.State() },
		"next": func(b *backoff.Breaker) { b.Next(); b.Err() },
		"try":  func(b *backoff.Breaker) { b.TryAcquire().Release() },
	} {
		synctest.Test(t, func(t *testing.T) {
			var b backoff.Breaker
			first(&b)
			mustAcquire(t, &b).Fail(nil, 0)
			if d := b.Next(); d < time.Second || d > 1500*time.Millisecond {
				t.Errorf("%s: next probe in %v, want the zero policy's first delay", name, d)
			}
			mustAcquire(t, &b).Succeed()
			equal(t, name, b.State(), backoff.Closed)
		})
	}
}

// TryAcquire does not wait, and sees what is due although no timer has run yet.
func TestTryAcquire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, noJitter, nil)
		b.TryAcquire().Fail(nil, 0)
		if l := b.TryAcquire(); l != nil {
			t.Error("an attempt passes an open breaker")
		}
		time.Sleep(time.Second)
		probe := b.TryAcquire()
		if probe == nil || b.TryAcquire() != nil {
			t.Error("want one probe when it is due")
		}
		probe.Succeed()
	})
}

// Delays of another BackOff: its Stop repeats the delay before, for a breaker does
// not give up; and its last delay stands for Max.
func TestBreakerWithForeignDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, noJitter, &backoff.BreakerOptions{Delays: &stopAfter{n: 2}})
		var got []time.Duration
		for range 4 {
			mustAcquire(t, b).Fail(nil, 0)
			got = append(got, b.Next())
		}
		equal(t, "delays", got, seconds(1, 1, 1, 1))

		b = mustBreaker(t, noJitter, &backoff.BreakerOptions{Delays: &growing{}})
		mustAcquire(t, b).Fail(nil, 0)
		equal(t, "first", b.Next(), time.Minute)
		time.Sleep(time.Minute) // no longer than its last delay
		mustAcquire(t, b).Fail(nil, 0)
		equal(t, "one outage", b.Next(), 2*time.Minute)
		time.Sleep(2*time.Minute + 1)
		mustAcquire(t, b).Fail(nil, 0)
		equal(t, "another", b.Next(), time.Minute)
	})
}

// growing waits a minute more each time.
type growing struct{ n time.Duration }

func (g *growing) NextBackOff() time.Duration { g.n++; return g.n * time.Minute }
func (g *growing) Reset()                     { g.n = 0 }

func TestBreakerObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		var b *backoff.Breaker
		b = mustBreaker(t, noJitter, &backoff.BreakerOptions{
			Observer: func(c backoff.Change) {
				b.State() // not under a lock
				got = append(got, fmt.Sprintf("%v→%v %v", c.From, c.To, c.Delay))
			},
		})
		mustAcquire(t, b).Fail(nil, 0)
		mustAcquire(t, b).Fail(nil, 0)
		b.Reset()
		b.Suspect()
		mustAcquire(t, b).Succeed()
		b.Reset() // nothing to change
		equal(t, "changes", got, []string{
			"closed→open 1s", "open→half-open 0s", "half-open→open 2s",
			"open→closed 0s", "closed→half-open 0s", "half-open→closed 0s",
		})
	})
}

// herd follows an outage of an origin with n clients: each loses its stream at
// once, and tries until it has an answer. It returns the attempts that the dead
// origin saw, how long after its return all clients were back, and the most that
// came in one millisecond then.
func herd(t testing.TB, n int, outage time.Duration, shared bool) (attempts int, back time.Duration, burst int) {
	b := mustBreaker(t, backoff.Policy{}, nil)
	start := time.Now()
	var mu sync.Mutex
	perMilli := map[time.Duration]int{}
	try := func() bool { // an attempt at the origin
		mu.Lock()
		defer mu.Unlock()
		if at := time.Since(start); at >= outage {
			perMilli[at.Truncate(time.Millisecond)]++
			burst = max(burst, perMilli[at.Truncate(time.Millisecond)])
			back = max(back, at-outage)
			return true
		}
		attempts++
		return false
	}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			own, _ := backoff.New(backoff.Policy{})
			if shared {
				b.Suspect()
			}
			for {
				time.Sleep(own.NextBackOff())
				if !shared {
					if try() {
						return
					}
					continue
				}
				l := mustAcquire(t, b)
				if try() {
					l.Succeed()
					return
				}
				l.Fail(nil, 0)
			}
		})
	}
	wg.Wait()
	return attempts, back, burst
}

// 10,000 streams and an outage of two minutes: what a dead server sees, with and
// without sharing, and when all are back.
func TestBreakerTenThousandStreams(t *testing.T) {
	const n, outage = 10_000, 2 * time.Minute
	t.Logf("%-9s %22s %14s %18s", "", "attempts in the outage", "all back after", "most in one ms")
	for _, shared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			attempts, back, burst := herd(t, n, outage, shared)
			name := "each alone"
			if shared {
				name = "shared"
			}
			t.Logf("%-10s %21d %14v %18d", name, attempts, back.Round(time.Millisecond), burst)
			if shared && attempts > 12 {
				t.Errorf("%d attempts in the outage, want no more than one for each delay", attempts)
			}
			if shared && back > time.Minute {
				t.Errorf("all back after %v, want within two delays of the outage", back)
			}
			if !shared && attempts < n {
				t.Errorf("%d attempts without sharing: the comparison has lost its sense", attempts)
			}
		})
	}
}

// Any mix of answers, cancels and expiries, on real time and under the race
// detector: the breaker neither deadlocks nor loses a waiter.
func TestBreakerStress(t *testing.T) {
	b := mustBreaker(t, backoff.Policy{Initial: 50 * time.Microsecond, Max: 200 * time.Microsecond, GiveUp: backoff.Never},
		&backoff.BreakerOptions{LeaseTime: time.Millisecond, ReturnEvery: time.Microsecond, Observer: func(backoff.Change) {}})
	var wg sync.WaitGroup
	for i := range 16 {
		r := rand.New(rand.NewPCG(uint64(i), 7))
		wg.Go(func() {
			for range 300 {
				ctx, cancel := context.WithCancel(t.Context())
				if r.IntN(4) == 0 {
					time.AfterFunc(time.Duration(r.Int64N(300_000)), cancel)
				}
				l, err := b.Acquire(ctx, nil)
				cancel()
				if err != nil {
					continue
				}
				switch r.IntN(5) {
				case 0:
					l.Release()
				case 1:
					l.Fail(nil, 0)
				case 2:
					b.Suspect()
					fallthrough
				case 3:
					l.Succeed()
				case 4: // forgotten: it expires
				}
			}
		})
	}
	wg.Wait()
}

func TestBreakerOptionsAreChecked(t *testing.T) {
	if _, err := backoff.NewBreaker(backoff.Policy{}, &backoff.BreakerOptions{LeaseTime: -1}); err == nil {
		t.Error("repaired")
	}
}

// An observer that panics once is told of what comes later.
func TestBreakerObserverThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		b := mustBreaker(t, noJitter, &backoff.BreakerOptions{Observer: func(backoff.Change) {
			if n++; n == 1 {
				panic("x")
			}
		}})
		func() {
			defer func() { recover() }()
			b.Suspect()
		}()
		mustAcquire(t, b).Succeed()
		b.Suspect()
		equal(t, "changes observed", n, 3)
	})
}
