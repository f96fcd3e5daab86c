package backoff

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"

	cenkalti "github.com/cenkalti/backoff/v4"
)

// BackOff is v4's interface; a [Schedule] is one, and takes one.
type BackOff = cenkalti.BackOff

// Stop is what NextBackOff returns when there is no next attempt.
const Stop = cenkalti.Stop

// Permanent marks an error that no retry will mend. It is v4's.
func Permanent(err error) error { return cenkalti.Permanent(err) }

// IsPermanent tells whether an error was marked by [Permanent], of this package
// or of v4.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*cenkalti.PermanentError](err)
	return ok
}

// A Schedule is the course of one client's outages: it is told of each failure
// and of each success, and says how long to wait. It is a v4 BackOff. The zero
// value is the schedule of the zero [Policy]. It is not safe for concurrent use.
type Schedule struct {
	policy   Policy
	inForce  Policy        // with the Initial that SetInitial has brought
	delays   BackOff       // nil in the zero value
	foreign  bool          // delays are not the policy's own
	floor    time.Duration // least delay of a foreign one
	state    State
	began    time.Time     // of the outage: its first failure, or Begin; zero without one
	failures int           // in this outage
	steps    int           // delays taken since the last success
	last     time.Duration // the delay it has come to, without floor and clipping; 0 before the first
	goesOn   bool          // see Renew
}

// New returns a schedule of the policy. The error is that of [Policy.Validate].
func New(p Policy) (*Schedule, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	p = p.withDefaults()
	return &Schedule{policy: p, inForce: p, delays: p.delays()}, nil
}

// Wrap returns a schedule whose delays are those of another BackOff and whose
// give-up is the policy's. A Stop from it gives up at once. The schedule calls
// its Reset when an outage begins and when it ends: a BackOff that counts from
// its Reset, as v4's own does, counts the outage and not the health before it.
func Wrap(delays BackOff, p Policy) (*Schedule, error) {
	s, err := New(p)
	if err != nil {
		return nil, err
	}
	s.delays, s.foreign = delays, true
	return s, nil
}

func (s *Schedule) init() {
	if s.delays == nil {
		p := Policy{}.withDefaults()
		s.policy, s.inForce, s.delays = p, p, p.delays()
	}
}

// NextBackOff takes note of a failure and returns how long to wait for the next
// attempt, or [Stop].
func (s *Schedule) NextBackOff() time.Duration { return s.Fail(0) }

// Fail is NextBackOff with a floor, such as a server's Retry-After: the wait is
// not shorter, unless the give-up clips it. Above the floor it is spread as the
// delay would have been.
func (s *Schedule) Fail(floor time.Duration) time.Duration {
	s.init()
	now := time.Now()
	if s.began.IsZero() {
		s.began = now
		if s.foreign && !s.goesOn { // it may count from its last Reset, however long all was well since
			s.delays.Reset()
		}
	}
	s.failures++
	s.steps++
	wait := s.delays.NextBackOff()
	left := s.leftAt(now)
	if wait != Stop {
		wait = s.inRange(wait)
		s.last = wait
	}
	if s.state == GivenUp || wait == Stop || left <= 0 {
		s.state = GivenUp
		return Stop
	}
	s.state = Open
	if wait < floor {
		wait = add(floor, s.spread(wait))
	}
	return min(wait, left)
}

// inRange mends what v4 has rounded, and what a foreign BackOff may not go below.
func (s *Schedule) inRange(wait time.Duration) time.Duration {
	if s.foreign {
		return max(wait, s.floor)
	}
	return min(max(wait, s.inForce.Initial), s.inForce.longest())
}

// spread returns a part of the delay's spread, at random; 0 where a foreign
// BackOff has its own ideas.
func (s *Schedule) spread(wait time.Duration) time.Duration {
	j := s.inForce.Jitter
	if s.foreign || j == 0 {
		return 0
	}
	return time.Duration(rand.Float64() * float64(wait) * j / (1 + j))
}

// add adds durations that are not negative, as far as durations go.
func add(a, b time.Duration) time.Duration { return a + min(b, math.MaxInt64-a) }

// Attempt takes note that the wait is over and an attempt is under way.
func (s *Schedule) Attempt() {
	if s.state == Open {
		s.state = HalfOpen
	}
}

// Begin takes note of an outage that others have found: no attempt of this client
// has failed, but it waits, and its GiveUp counts from now. In an outage it does
// nothing.
func (s *Schedule) Begin() {
	s.init()
	if !s.began.IsZero() {
		return
	}
	s.began, s.state = time.Now(), Open
	if s.foreign {
		s.delays.Reset()
		s.goesOn = true
	}
}

// Renew takes note that a client which has given up, or was refused, begins anew
// although nothing has become better: the next failure is the first of an outage,
// but its delay is the one that would have come next.
func (s *Schedule) Renew() {
	s.init()
	s.goesOn = s.state != GivenUp // a foreign BackOff that said Stop says it again
	s.state, s.failures, s.began = Closed, 0, time.Time{}
}

// Reset takes note of success: the outage is over and delays start anew.
func (s *Schedule) Reset() {
	if s.began.IsZero() && s.steps == 0 {
		return
	}
	s.state, s.failures, s.steps, s.began, s.last, s.goesOn = Closed, 0, 0, time.Time{}, 0, false
	s.delays.Reset()
}

// State returns the state of the circuit.
func (s *Schedule) State() State { return s.state }

// Failures returns how many attempts have failed since the outage began.
func (s *Schedule) Failures() int { return s.failures }

// Outage returns how long ago the outage began; zero if there is none.
func (s *Schedule) Outage() time.Duration {
	if s.began.IsZero() {
		return 0
	}
	return time.Since(s.began)
}

// Deadline returns when the last attempt of this outage may start; ok is false
// if there is no outage or no end to it.
func (s *Schedule) Deadline() (t time.Time, ok bool) {
	if s.began.IsZero() || s.policy.GiveUp == Never {
		return time.Time{}, false
	}
	return s.began.Add(s.policy.GiveUp), true
}

// Last returns the delay that the outage has come to, without floor and clipping;
// 0 if there has been none. After a give-up it is what the delay would have been.
func (s *Schedule) Last() time.Duration { return s.last }

// Max returns the longest delay there will be: that of the policy, or of a foreign
// BackOff its last one, 30 s at least.
func (s *Schedule) Max() time.Duration {
	if s.foreign {
		return max(s.last, 30*time.Second)
	}
	s.init()
	return s.inForce.longest()
}

// leftAt returns how long after now an attempt may still start.
func (s *Schedule) leftAt(now time.Time) time.Duration {
	if s.policy.GiveUp == Never {
		return math.MaxInt64
	}
	return s.policy.GiveUp - now.Sub(s.began)
}

// SetInitial replaces Policy.Initial, as a stream's retry field does, clamped
// to what it was at first and Max. Delays go on from where they are. With
// another BackOff, see [Wrap], it is the least delay instead.
func (s *Schedule) SetInitial(d time.Duration) {
	s.init()
	d = min(d, s.policy.Max)
	if s.foreign {
		s.floor = d
		return
	}
	s.inForce.Initial = max(d, s.policy.Initial)
	s.delays = s.inForce.delays()
	for range min(s.steps, 100_000) { // by then it has met Max, at any multiplier of sense
		s.delays.NextBackOff()
	}
}
