package client

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
)

// pace is what a loop that failed leaves to the next: whoever ranges again at once,
// for ever, must not ask a server more often than one loop would.
type pace struct {
	schedule *backoff.Schedule // nil: the last loop did not fail
	due      time.Time         // no attempt before
	cause    error
}

// newSchedule returns the schedule of a loop: the one before it goes on if that has
// just failed.
func (es *EventSource) newSchedule() (s *backoff.Schedule, last pace) {
	last, es.pace = es.pace, pace{}
	if s := last.schedule; s != nil && time.Since(last.due) <= s.Max() {
		s.Renew()
		return s, last
	}
	// Their errors were found when the source was made.
	if es.opts.Delays != nil {
		s, _ = backoff.Wrap(es.opts.Delays, es.opts.Backoff)
	} else {
		s, _ = backoff.New(es.opts.Backoff)
	}
	if es.retry > 0 {
		s.SetInitial(es.retry)
	}
	return s, pace{}
}

// keepPace leaves the pace to the next loop when this one ends: of an outage that
// goes on, and of an error or a refusal (204 is one) that has not been waited for.
func (r *run) keepPace(err error) {
	switch {
	case r.paced, r.ctx.Err() != nil, err == errDrained, errors.Is(err, errBreak), errors.Is(err, errOver) && r.progress:
	case errors.Is(err, errOver):
		r.fail(nil)
	default:
		r.fail(err)
	}
	if !r.due.IsZero() {
		r.pace = pace{r.schedule, r.due, r.cause}
	}
}

// holdBack waits for the time that the last loop has left.
func (r *run) holdBack() error {
	if !time.Now().Before(r.due) {
		return nil
	}
	r.announce(r.due, r.cause)
	r.beforeWait()
	if err := r.done(); err != nil {
		return err
	}
	return r.sleep(r.due)
}

// fail takes note of a failed attempt and returns the delay before the next.
func (r *run) fail(err error) time.Duration {
	now := time.Now()
	r.paced = true
	asked := retryAfter(err)
	floor := asked
	if r.giveUpAfter() == backoff.Never {
		floor = min(asked, time.Hour) // a server must not stop a client for good
	}
	delay := r.schedule.Fail(floor)
	r.cause = err
	if delay == backoff.Stop {
		r.due = now.Add(max(r.schedule.Last(), time.Second)) // for another loop
		return delay
	}
	if delay < floor {
		r.clipped = asked
	}
	r.due = now.Add(delay)
	return delay
}

func (r *run) countFailure(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Failures++
	r.stats.LastError = err
}

// floor is how long a shared breaker waits at least because of what the server
// asked for; not longer than this source would.
func (r *run) floor(err error) time.Duration {
	left := r.giveUpAfter()
	if left == backoff.Never {
		left = time.Hour
	} else if deadline, ok := r.schedule.Deadline(); ok {
		left = max(time.Until(deadline), 0)
	}
	return min(retryAfter(err), left)
}

func (r *run) giveUpAfter() time.Duration { return cmp.Or(r.opts.Backoff.GiveUp, 5*time.Minute) }

// wait waits for the next attempt to be due, or until it may be admitted.
func (r *run) wait(cause error, due time.Time) error {
	seen := due
	if b := r.opts.Breaker; b != nil {
		if probe := time.Now().Add(b.Next()); probe.After(seen) {
			seen = probe
		}
	}
	r.announce(seen, cause)
	r.beforeWait()
	if err := r.done(); err != nil { // a callback has said so
		return err
	}
	if r.late(time.Now()) { // so slow were the callbacks
		return r.giveUp(cause)
	}
	return r.sleep(due)
}

// announce tells the observer when the next attempt is due, or the end of waiting
// for one.
func (r *run) announce(due time.Time, cause error) {
	if deadline, ok := r.schedule.Deadline(); ok && due.After(deadline) {
		due = deadline
	}
	r.announced = due
	r.observe(Waiting, news{delay: max(time.Until(due), 0), cause: cause})
}

// sleep waits until then, whatever callbacks have taken of the time.
func (r *run) sleep(until time.Time) error {
	ctx, cancel := context.WithCancelCause(r.ctx)
	defer cancel(nil)
	r.interruptible(cancel)
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		r.ready = time.Now()
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// late tells whether no attempt may start any more.
func (r *run) late(now time.Time) bool {
	deadline, ok := r.schedule.Deadline()
	return ok && now.After(deadline)
}

// heldUpByCallbacks tells whether callbacks have let the time pass in which the
// attempt might have started. That a timer was late is not their fault, and costs
// no attempt.
func (r *run) heldUpByCallbacks() bool {
	now := time.Now()
	return r.late(now) && now.Sub(r.ready) > time.Millisecond
}

func (r *run) giveUp(cause error) error {
	r.mu.Lock()
	r.stats.GiveUps++
	r.mu.Unlock()
	r.gave = &GiveUpError{Outage: r.schedule.Outage(), Attempts: r.schedule.Failures(), RetryAfter: r.clipped,
		Err: cmp.Or(r.cause, cause, errTooLate)}
	return r.gave
}

// gaveUp tells whether the error is this loop's own give-up, and not one from
// elsewhere, such as that of a Prepare that follows a stream.
func (r *run) gaveUp(err error) bool {
	own, ok := err.(*GiveUpError)
	return ok && own == r.gave
}
