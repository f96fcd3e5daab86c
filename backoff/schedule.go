package backoff

import (
	"errors"
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
// and of each success, and says how long to wait. It is a v4 BackOff. It is not
// safe for concurrent use.
type Schedule struct {
	policy   Policy
	delays   BackOff
	foreign  bool          // delays are not the policy's own
	floor    time.Duration // least delay of a foreign one
	state    State
	began    time.Time     // of the outage: its first failure
	failures int           // in this outage
	last     time.Duration // the delay it has come to, without floor and clipping
}

// New returns a schedule of the policy. The error is that of [Policy.Validate].
func New(p Policy) (*Schedule, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	p = p.withDefaults()
	return &Schedule{policy: p, delays: p.delays()}, nil
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

// NextBackOff takes note of a failure and returns how long to wait for the next
// attempt, or [Stop].
func (s *Schedule) NextBackOff() time.Duration { return s.Fail(0) }

// Fail is NextBackOff with a floor, such as a server's Retry-After: the wait is
// not shorter, unless the give-up clips it.
func (s *Schedule) Fail(floor time.Duration) time.Duration {
	now := time.Now()
	if s.failures == 0 {
		s.began = now
		if s.foreign { // it may count from its last Reset, however long all was well since
			s.delays.Reset()
		}
	}
	s.failures++
	wait := s.delays.NextBackOff()
	left := s.leftAt(now)
	if s.state == GivenUp || wait == Stop || left <= 0 {
		s.state = GivenUp
		return Stop
	}
	s.state = Open
	if s.foreign {
		wait = max(wait, s.floor)
	} else {
		wait = min(max(wait, s.policy.Initial), s.policy.Max) // v4 rounds
	}
	s.last = wait
	return min(max(wait, floor), left)
}

// Attempt takes note that the wait is over and an attempt is under way.
func (s *Schedule) Attempt() {
	if s.state == Open {
		s.state = HalfOpen
	}
}

// Reset takes note of success: the outage is over and delays start anew.
func (s *Schedule) Reset() {
	if s.failures == 0 && s.state == Closed {
		return
	}
	s.state, s.failures, s.began, s.last = Closed, 0, time.Time{}, 0
	s.delays.Reset()
}

// State returns the state of the circuit.
func (s *Schedule) State() State { return s.state }

// Failures returns how many attempts have failed since the outage began.
func (s *Schedule) Failures() int { return s.failures }

// Outage returns how long ago the outage began; zero if there is none.
func (s *Schedule) Outage() time.Duration {
	if s.failures == 0 {
		return 0
	}
	return time.Since(s.began)
}

// Deadline returns when the last attempt of this outage may start; ok is false
// if there is no outage or no end to it.
func (s *Schedule) Deadline() (t time.Time, ok bool) {
	if s.failures == 0 || s.policy.GiveUp == Never {
		return time.Time{}, false
	}
	return s.began.Add(s.policy.GiveUp), true
}

// leftAt returns how long after now an attempt may still start.
func (s *Schedule) leftAt(now time.Time) time.Duration {
	if s.policy.GiveUp == Never {
		return 1<<63 - 1
	}
	return s.began.Add(s.policy.GiveUp).Sub(now)
}

// SetInitial replaces Policy.Initial, as a stream's retry field does, clamped
// to what it was at first and Max. Delays go on from where they are. With
// another BackOff, see [Wrap], it is the least delay instead.
func (s *Schedule) SetInitial(d time.Duration) {
	d = min(d, s.policy.Max)
	if s.foreign {
		s.floor = d
		return
	}
	p := s.policy
	p.Initial = max(d, p.Initial)
	s.delays = p.delays()
	for range min(s.failures, 100_000) { // by then it has met Max, at any multiplier of sense
		s.delays.NextBackOff()
	}
}
