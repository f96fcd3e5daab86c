package backoff_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	cenkalti "github.com/cenkalti/backoff/v4"
	"github.com/google/go-cmp/cmp"
)

func mustNew(t *testing.T, p backoff.Policy) *backoff.Schedule {
	t.Helper()
	s, err := backoff.New(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// outage fails at once at each attempt until the give-up, and returns when the
// attempts were made.
func outage(s backoff.BackOff) (attempts []time.Duration) {
	start := time.Now()
	for {
		attempts = append(attempts, time.Since(start))
		wait := s.NextBackOff()
		if wait == backoff.Stop {
			return attempts
		}
		time.Sleep(wait)
	}
}

func seconds(s ...int) (ds []time.Duration) {
	for _, s := range s {
		ds = append(ds, time.Duration(s)*time.Second)
	}
	return ds
}

func TestScheduleWithoutJitterIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, backoff.Policy{Jitter: backoff.NoJitter})
		equal(t, "attempts", outage(s), seconds(0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181, 211, 241, 271, 300))
	})
}

// First trap of v4: its cap is applied before its spread, so that the longest
// delay is 45 s where 30 were asked for. Ours stays within [Initial, Max].
func TestTrapCapBeforeSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := cenkalti.NewExponentialBackOff(cenkalti.WithInitialInterval(time.Second),
			cenkalti.WithMultiplier(2), cenkalti.WithMaxInterval(30*time.Second), cenkalti.WithMaxElapsedTime(0))
		ours := mustNew(t, backoff.Policy{GiveUp: backoff.Never})
		var longest, shortest time.Duration = 0, time.Hour
		overshoot := false
		for range 2000 {
			overshoot = overshoot || theirs.NextBackOff() > 30*time.Second
			d := ours.NextBackOff()
			longest, shortest = max(longest, d), min(shortest, d)
		}
		if !overshoot {
			t.Error("v4 has lost its trap: the parameters that avoid it may go")
		}
		if longest > 30*time.Second || longest < 29*time.Second || shortest < time.Second {
			t.Errorf("delays between %v and %v, want within [1s, 30s] and near its end", shortest, longest)
		}
	})
}

// Second trap: v4 counts from Reset, so that after an hour of health the first
// failure is already too late.
func TestTrapElapsedTimeCountsFromReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := cenkalti.NewExponentialBackOff(cenkalti.WithMaxElapsedTime(5 * time.Minute))
		ours := mustNew(t, backoff.Policy{Jitter: backoff.NoJitter})
		theirs.Reset()
		ours.Reset()
		time.Sleep(time.Hour)
		equal(t, "v4 after an hour", theirs.NextBackOff(), cenkalti.Stop)
		equal(t, "ours after an hour", ours.NextBackOff(), time.Second)
	})
}

// Third trap: v4 stops when the next wait would overshoot, up to one delay early.
// Ours clips the last wait, so that one attempt is made exactly at the end.
func TestTrapStopsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := cenkalti.NewExponentialBackOff(cenkalti.WithInitialInterval(time.Second), cenkalti.WithRandomizationFactor(0),
			cenkalti.WithMultiplier(2), cenkalti.WithMaxInterval(30*time.Second), cenkalti.WithMaxElapsedTime(5*time.Minute))
		theirs.Reset()
		a := outage(theirs)
		equal(t, "v4's last attempt", a[len(a)-1], 271*time.Second)
		b := outage(mustNew(t, backoff.Policy{}))
		equal(t, "our last attempt", b[len(b)-1], 5*time.Minute)
	})
}

// randomPolicy returns any policy that makes sense.
func randomPolicy(r *rand.Rand) backoff.Policy {
	p := backoff.Policy{
		Initial:    1 + time.Duration(r.Int64N(int64(10*time.Second))),
		Multiplier: 1 + r.Float64()*9,
		Jitter:     r.Float64() * 3,
		GiveUp:     time.Duration(r.Int64N(int64(10 * time.Minute))),
	}
	p.Max = p.Initial + time.Duration(r.Int64N(int64(time.Minute)))
	if r.IntN(4) == 0 {
		p.Max = p.Initial + time.Duration(r.Int64N(int64(p.Initial))) // less room than the jitter wants
	}
	if r.IntN(4) == 0 {
		p.Jitter = backoff.NoJitter
	}
	return p
}

func TestScheduleBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 300 {
			p := randomPolicy(r)
			if p.GiveUp/p.Initial > 1000 {
				continue // thousands of attempts would show nothing more
			}
			checkBounds(t, p)
		}
	})
}

func checkBounds(t *testing.T, p backoff.Policy) {
	t.Helper()
	s := mustNew(t, p)
	giveUp := p.GiveUp
	if giveUp == 0 {
		giveUp = 5 * time.Minute
	}
	attempts := outage(s)
	for i := 1; i < len(attempts); i++ {
		d := attempts[i] - attempts[i-1]
		last := i == len(attempts)-1
		if d > longest(p) || (d < p.Initial && !last) {
			t.Fatalf("%+v: delay %d is %v, want within [Initial, Max], or the jitter above Initial", p, i, d)
		}
	}
	if end := attempts[len(attempts)-1]; end != giveUp {
		t.Fatalf("%+v: last attempt at %v, want exactly at %v", p, end, giveUp)
	}
}

// longest is Max, or the end of the jitter above Initial where that is more. It has
// some room for the rounding of large numbers.
func longest(p backoff.Policy) time.Duration {
	if d := float64(p.Initial) * (1 + max(p.Jitter, 0)); d > float64(p.Max) {
		return time.Duration(min(d*(1+1e-9)+1, math.MaxInt64-1024))
	}
	return p.Max
}

// Fifty clients that fail at one moment never ask again at one moment: not where
// Initial is Max, or so near to it that no room is left, not with a retry field, and
// not at a Retry-After.
func TestJitterNeverVanishes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		p     backoff.Policy
		retry time.Duration
		floor time.Duration
		least time.Duration // the spread lies above it, as far as a half more
	}{
		{"Initial is Max", backoff.Policy{Initial: 30 * time.Second, Max: 30 * time.Second}, 0, 0, 30 * time.Second},
		{"Initial is near Max", backoff.Policy{Initial: 25 * time.Second, Max: 30 * time.Second}, 0, 0, 25 * time.Second},
		{"retry of Max", backoff.Policy{}, 30 * time.Second, 0, 30 * time.Second},
		{"retry beyond Max", backoff.Policy{}, time.Hour, 0, 30 * time.Second},
		{"retry near Max", backoff.Policy{}, 29 * time.Second, 0, 29 * time.Second},
		{"Retry-After", backoff.Policy{Initial: 10 * time.Second}, 0, 60 * time.Second, 60 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var seen [5]map[time.Duration]bool // by delay of the outage
			for range 50 {
				s := mustNew(t, tt.p)
				if tt.retry > 0 {
					s.SetInitial(tt.retry)
				}
				for n := range seen {
					d := s.Fail(tt.floor)
					if d < tt.least || d > tt.least*3/2 {
						t.Fatalf("delay %d is %v, want within [%v, %v]", n+1, d, tt.least, tt.least*3/2)
					}
					if seen[n] == nil {
						seen[n] = map[time.Duration]bool{}
					}
					seen[n][d.Truncate(100*time.Millisecond)] = true
				}
			}
			for n, chosen := range seen {
				if len(chosen) < 10 {
					t.Errorf("delay %d: fifty clients chose among %d tenths of a second", n+1, len(chosen))
				}
			}
		})
	}
	s := mustNew(t, backoff.Policy{Initial: 30 * time.Second, Jitter: backoff.Off})
	equal(t, "without jitter", s.NextBackOff(), 30*time.Second)
}

// The n-th delay is uniform in [d, d·(1+Jitter)] with d = min(Initial·2^(n-1),
// Max/(1+Jitter)): its bounds are met, and its mean.
func TestSpread(t *testing.T) {
	const n = 2000
	var sums [8]time.Duration
	lo, hi := [8]time.Duration{}, [8]time.Duration{}
	for range n {
		s := mustNew(t, backoff.Policy{GiveUp: backoff.Off})
		for i := range sums {
			d := s.NextBackOff()
			sums[i] += d
			if hi[i] = max(hi[i], d); lo[i] == 0 || d < lo[i] {
				lo[i] = d
			}
		}
	}
	for i, sum := range sums {
		d := min(time.Second<<i, 20*time.Second)
		off := func(got, want time.Duration) bool { return (got - want).Abs() > want/50 }
		if lo[i] < d || hi[i] > d*3/2 || off(lo[i], d) || off(hi[i], d*3/2) || off(sum/n, d*5/4) {
			t.Errorf("delay %d: [%v, %v] with a mean of %v; want [%v, %v] and %v", i+1, lo[i], hi[i], sum/n, d, d*3/2, d*5/4)
		}
	}
}

// A client that comes back right behind its give-up goes on with the delays, and
// counts a new outage.
func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, backoff.Policy{Jitter: backoff.Off, GiveUp: 5 * time.Second})
		equal(t, "attempts", outage(s), seconds(0, 1, 3, 5))
		equal(t, "delay that would have come", s.Last(), 8*time.Second)
		s.Renew()
		equal(t, "state", s.State(), backoff.Closed)
		equal(t, "failures", s.Failures(), 0)
		time.Sleep(8 * time.Second)
		equal(t, "clipped to a give-up of its own", s.NextBackOff(), 5*time.Second)
		equal(t, "delay", s.Last(), 16*time.Second)
		s.SetInitial(time.Second) // as before: growth goes on
		s.NextBackOff()
		equal(t, "delay", s.Last(), 30*time.Second)
		s.Reset()
		equal(t, "after success", s.NextBackOff(), time.Second)
	})
}

// Who only waits has an outage too, and its end counts from there.
func TestBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, backoff.Policy{Jitter: backoff.Off, GiveUp: 10 * time.Second})
		s.Begin()
		time.Sleep(9 * time.Second)
		s.Begin()
		deadline, ok := s.Deadline()
		equal(t, "left", time.Until(deadline), time.Second)
		equal(t, "ok", ok, true)
		equal(t, "failures", s.Failures(), 0)
		equal(t, "outage", s.Outage(), 9*time.Second)
		equal(t, "first delay", s.NextBackOff(), time.Second)
		time.Sleep(time.Second)
		equal(t, "over", s.NextBackOff(), backoff.Stop)
		s.Reset()
		equal(t, "outage", s.Outage(), 0)
	})
}

// The zero value is the zero policy's schedule.
func TestZeroSchedule(t *testing.T) {
	for range 20 {
		var s backoff.Schedule
		s.Reset()
		if d := s.NextBackOff(); d < time.Second || d > 1500*time.Millisecond {
			t.Errorf("first delay %v", d)
		}
		if _, ok := s.Deadline(); !ok {
			t.Error("no deadline")
		}
	}
}

func FuzzSchedule(f *testing.F) {
	f.Add(int64(time.Second), int64(30*time.Second), 2.0, 0.5, int64(5*time.Minute))
	f.Add(int64(1), int64(1), 1.0, -1.0, int64(10))
	f.Add(int64(time.Hour), int64(time.Hour+1), 1.5, 7.0, int64(-1))
	f.Fuzz(func(t *testing.T, initial, maxDelay int64, multiplier, jitter float64, giveUp int64) {
		p := backoff.Policy{Initial: time.Duration(initial), Max: time.Duration(maxDelay), Multiplier: multiplier, Jitter: jitter, GiveUp: time.Duration(giveUp)}
		s, err := backoff.New(p)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "backoff: ") {
				t.Errorf("%+v: error %q", p, err)
			}
			return
		}
		if p.Initial == 0 {
			p.Initial = time.Second
		}
		if p.Max == 0 {
			p.Max = max(30*time.Second, p.Initial)
		}
		if p.Jitter == 0 {
			p.Jitter = 0.5
		}
		lo, hi := p.Initial, longest(p)
		for range 50 {
			switch d := s.NextBackOff(); {
			case d == backoff.Stop:
				if p.GiveUp == backoff.Never {
					t.Fatalf("%+v: gave up", p)
				}
				return
			case d > hi, d < lo && p.GiveUp == backoff.Never:
				t.Fatalf("%+v: delay %v is not within [%v, %v]", p, d, lo, hi)
			}
		}
	})
}

func TestFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, backoff.Policy{Jitter: backoff.NoJitter, GiveUp: time.Minute})
		equal(t, "below the delay", s.Fail(time.Millisecond), time.Second)
		equal(t, "above it", s.Fail(10*time.Second), 10*time.Second)
		equal(t, "growth goes on below it", s.Fail(0), 4*time.Second)
		equal(t, "clipped to the give-up", s.Fail(time.Hour), time.Minute)
	})
}

func TestResetEndsTheOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, backoff.Policy{Jitter: backoff.NoJitter})
		s.NextBackOff()
		time.Sleep(4 * time.Minute)
		s.NextBackOff()
		equal(t, "failures", s.Failures(), 2)
		equal(t, "outage", s.Outage(), 4*time.Minute)
		s.Reset()
		equal(t, "failures", s.Failures(), 0)
		equal(t, "outage", s.Outage(), 0)
		if _, ok := s.Deadline(); ok {
			t.Error("a deadline without an outage")
		}
		time.Sleep(4 * time.Minute)
		equal(t, "first delay again", s.NextBackOff(), time.Second)
	})
}

func TestStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, backoff.Policy{GiveUp: time.Second})
		equal(t, "new", s.State(), backoff.Closed)
		s.Attempt()
		equal(t, "attempt in health", s.State(), backoff.Closed)
		time.Sleep(s.NextBackOff())
		equal(t, "failed", s.State(), backoff.Open)
		s.Attempt()
		equal(t, "attempt in an outage", s.State(), backoff.HalfOpen)
		equal(t, "too late", s.NextBackOff(), backoff.Stop)
		equal(t, "given up", s.State(), backoff.GivenUp)
		equal(t, "given up for good", s.NextBackOff(), backoff.Stop)
		s.Reset()
		equal(t, "reset", s.State(), backoff.Closed)
	})
}

// A stream's retry field: clamped to the policy, and no way to restart growth.
func TestSetInitial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := backoff.Policy{Jitter: backoff.NoJitter}
		for _, tt := range []struct {
			retry time.Duration
			want  []time.Duration
		}{
			{3 * time.Second, seconds(3, 6, 12, 24, 30)},
			{time.Millisecond, seconds(1, 2, 4, 8, 16)},
			{time.Hour, seconds(30, 30, 30, 30, 30)},
		} {
			s := mustNew(t, p)
			var got []time.Duration
			for range tt.want {
				s.SetInitial(tt.retry) // as each connection brings it once more
				got = append(got, s.NextBackOff())
			}
			equal(t, "delays after retry "+tt.retry.String(), got, tt.want)
			s.Reset()
			equal(t, "the first one after success", s.NextBackOff(), tt.want[0])
		}
	})
}

type stopAfter struct{ n, resets int }

func (b *stopAfter) NextBackOff() time.Duration {
	if b.n--; b.n < 0 {
		return backoff.Stop
	}
	return time.Second
}
func (b *stopAfter) Reset() { b.resets++ }

func TestWrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := &stopAfter{n: 3}
		s, err := backoff.Wrap(own, backoff.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "its Stop is the give-up", outage(s), seconds(0, 1, 2, 3))
		equal(t, "resets, at the outage's beginning", own.resets, 1)
		s.Reset()
		equal(t, "resets, at its end too", own.resets, 2)

		s, _ = backoff.Wrap(cenkalti.NewConstantBackOff(4*time.Minute), backoff.Policy{})
		equal(t, "our give-up", outage(s), seconds(0, 240, 300))

		s, _ = backoff.Wrap(&cenkalti.ZeroBackOff{}, backoff.Policy{})
		s.SetInitial(7 * time.Second)
		equal(t, "a retry field is its least delay", s.NextBackOff(), 7*time.Second)
	})
}

// A Schedule goes wherever v4 wants a BackOff.
func TestScheduleInCenkaltisRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		n := 0
		err := cenkalti.Retry(func() error {
			if n++; n < 4 {
				return errors.New("not yet")
			}
			return nil
		}, mustNew(t, backoff.Policy{Jitter: backoff.NoJitter}))
		if err != nil || time.Since(start) != 7*time.Second {
			t.Errorf("got %v after %v, want success after 7s", err, time.Since(start))
		}
		permanent := errors.New("never")
		err = cenkalti.Retry(func() error { return backoff.Permanent(permanent) }, mustNew(t, backoff.Policy{}))
		if !errors.Is(err, permanent) {
			t.Errorf("got %v, want the permanent error", err)
		}
		if !backoff.IsPermanent(backoff.Permanent(permanent)) || backoff.IsPermanent(permanent) {
			t.Error("IsPermanent")
		}
	})
}

func TestValidateNamesAllThatIsWrong(t *testing.T) {
	err := backoff.Policy{Initial: -1, Max: -2, Multiplier: 0.5, Jitter: -0.5, GiveUp: -7}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Initial", "Max", "Multiplier", "Jitter", "GiveUp"} {
		if !strings.Contains(err.Error(), want+" ") {
			t.Errorf("%s is not named in:\n%v", want, err)
		}
	}
	for _, p := range []backoff.Policy{{}, {Initial: time.Minute}, {Initial: time.Second, Max: time.Second}, {Jitter: backoff.NoJitter, GiveUp: backoff.Never}} {
		if err := p.Validate(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestSetInitialKeepsTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, backoff.Policy{Jitter: backoff.NoJitter, Multiplier: 1.02, GiveUp: backoff.Never})
		var d time.Duration
		for range 200 {
			d = s.NextBackOff()
		}
		s.SetInitial(time.Second) // as a connection brings it, the same as before
		if next := s.NextBackOff(); next < d {
			t.Errorf("after %v: %v", d, next)
		}
	})
}
