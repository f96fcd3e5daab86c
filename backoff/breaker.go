package backoff

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// A GivenUpError is what [Breaker.Acquire] returns once an outage has lasted for
// Policy.GiveUp.
type GivenUpError struct {
	Outage   time.Duration // how long it had lasted
	Attempts int           // how many probes failed
	Err      error         // why the last one did; nil if nobody said
}

func (e *GivenUpError) Error() string {
	s := fmt.Sprintf("backoff: breaker gave up after %v and %d failed attempts", e.Outage.Round(time.Millisecond), e.Attempts)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *GivenUpError) Unwrap() error { return e.Err }

// A Breaker is a circuit breaker that the clients of one origin share, so that
// an outage costs the origin one attempt for each delay, however many clients
// there are. Each attempt is made under a [Lease]:
//
//	closed     every attempt may be made at once
//	open       none may; the policy's delay is under way
//	half-open  one may, the probe; the others wait for its answer
//	given up   none may until Reset
//
// When the probe brings good news, those who waited return one by one, in the
// order in which they came, and not all at once.
//
// A Breaker has no goroutine of its own. It is safe for concurrent use.
type Breaker struct {
	opts BreakerOptions

	mu       sync.Mutex
	schedule *Schedule
	state    State
	spell    uint64 // counts openings and closings: a failure counts in the spell in which its attempt began
	probe    *Lease // under way
	due      *time.Timer
	givenUp  *GivenUpError // in that state
	waiters  list.List     // of *waiter, in order of arrival

	changes  []Change // not yet observed
	observed bool     // somebody is observing them
}

// BreakerOptions tune a [Breaker]. Zero fields mean the value beside them.
type BreakerOptions struct {
	// LeaseTime is how long a probe may take to tell. After that another attempt
	// is the probe, since whoever made the first may be busy elsewhere.
	LeaseTime time.Duration // 45 s

	// ReturnEvery is the least time between two who return when the outage is over.
	// All have returned after one delay of the outage, even if that makes it less.
	ReturnEvery time.Duration // 1 ms

	// Observer, if set, is told of each change, in order and one at a time, on a
	// goroutine that happens to be there; never under a lock.
	Observer func(Change)
}

// A Change is that of a breaker's state.
type Change struct {
	From, To State
	Delay    time.Duration // in Open: until the next probe
	Waiting  int           // attempts that wait
}

// NewBreaker returns a closed breaker; opts may be nil. The error says what of
// the policy or the options makes no sense.
func NewBreaker(p Policy, opts *BreakerOptions) (*Breaker, error) {
	s, err := New(p)
	if err != nil {
		return nil, err
	}
	b := &Breaker{schedule: s}
	if opts != nil {
		b.opts = *opts
	}
	if b.opts.LeaseTime < 0 || b.opts.ReturnEvery < 0 {
		return nil, fmt.Errorf("backoff: LeaseTime %v or ReturnEvery %v is negative", b.opts.LeaseTime, b.opts.ReturnEvery)
	}
	b.opts.LeaseTime = cmp.Or(b.opts.LeaseTime, 45*time.Second)
	b.opts.ReturnEvery = cmp.Or(b.opts.ReturnEvery, time.Millisecond)
	return b, nil
}

// waiter is one call of Acquire that waits.
type waiter struct {
	answer  chan verdict // holds one
	element *list.Element
}

// verdict ends a wait: with a lease, with an error, or with neither; then the
// outage is over and the waiter's turn comes after the delay.
type verdict struct {
	lease *Lease
	err   error
	delay time.Duration
}

// Acquire returns a lease for one attempt, and waits for it during an outage.
// The error is the context's cause or a [*GivenUpError]. Whoever has a lease must tell
// how the attempt went.
func (b *Breaker) Acquire(ctx context.Context) (*Lease, error) {
	for {
		b.mu.Lock()
		v, ok := b.admit()
		if ok {
			b.unlock()
			return v.lease, v.err
		}
		w := &waiter{answer: make(chan verdict, 1)}
		w.element = b.waiters.PushBack(w)
		b.unlock()

		select {
		case v = <-w.answer:
		case <-ctx.Done():
			b.leave(w)
			return nil, context.Cause(ctx)
		}
		if v.lease != nil || v.err != nil {
			return v.lease, v.err
		}
		if !sleep(ctx, v.delay) {
			return nil, context.Cause(ctx)
		}
	}
}

// admit answers a call that need not wait.
func (b *Breaker) admit() (verdict, bool) {
	switch {
	case b.state == Closed:
		return verdict{lease: &Lease{breaker: b, spell: b.spell}}, true
	case b.state == GivenUp:
		return verdict{err: b.givenUp}, true
	case b.state == HalfOpen && b.probe == nil:
		return verdict{lease: b.newProbe()}, true
	}
	return verdict{}, false
}

// leave takes back a call whose context is done.
func (b *Breaker) leave(w *waiter) {
	b.mu.Lock()
	b.waiters.Remove(w.element)
	b.unlock()
	select {
	case v := <-w.answer: // it came too late
		if v.lease != nil {
			v.lease.Release()
		}
	default:
	}
}

// Suspect tells that a stream was lost. That proves nothing about the origin,
// since streams end for many reasons, but the next attempt is a probe and the
// others wait for its answer: if a thousand streams were lost at once, the origin
// that may be dead sees one attempt, not a thousand.
func (b *Breaker) Suspect() {
	b.mu.Lock()
	defer b.unlock()
	if b.state == Closed {
		b.enter(HalfOpen, 0)
	}
}

// Reset closes the breaker by hand, also one that has given up. Those who wait
// return as after an outage.
func (b *Breaker) Reset() {
	b.mu.Lock()
	defer b.unlock()
	b.close()
}

// State returns the state.
func (b *Breaker) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// Left returns how long into the outage attempts will still be made; ok is false
// if there is no outage or no end to it.
func (b *Breaker) Left() (left time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	deadline, ok := b.schedule.Deadline()
	if !ok {
		return 0, false
	}
	return max(time.Until(deadline), 0), true
}

// fail takes note that an attempt failed, and opens the breaker for a delay.
func (b *Breaker) fail(cause error, floor time.Duration) {
	b.spell++
	delay := b.schedule.Fail(floor)
	if delay == Stop {
		b.givenUp = &GivenUpError{Outage: b.schedule.Outage(), Attempts: b.schedule.Failures(), Err: cause}
		b.enter(GivenUp, 0)
		b.dismiss(func(int) verdict { return verdict{err: b.givenUp} })
		return
	}
	b.enter(Open, delay)
	spell := b.spell
	b.due = time.AfterFunc(delay, func() { b.probeDue(spell) })
}

// close ends the outage.
func (b *Breaker) close() {
	if b.state == Closed {
		return
	}
	b.spell++
	b.probe = nil
	if b.due != nil {
		b.due.Stop()
	}
	every := b.opts.ReturnEvery
	if n := time.Duration(b.waiters.Len()); n > 0 {
		every = min(every, max(b.schedule.last, b.schedule.policy.Initial)/n)
	}
	b.schedule.Reset()
	b.enter(Closed, 0)
	b.dismiss(func(i int) verdict { return verdict{delay: time.Duration(i) * every} })
}

// dismiss answers all who wait.
func (b *Breaker) dismiss(answer func(i int) verdict) {
	for i := 0; b.waiters.Len() > 0; i++ {
		b.pop().answer <- answer(i)
	}
}

func (b *Breaker) pop() *waiter { return b.waiters.Remove(b.waiters.Front()).(*waiter) }

// probeDue runs when the delay of a spell is over.
func (b *Breaker) probeDue(spell uint64) {
	b.mu.Lock()
	defer b.unlock()
	if b.state == Open && b.spell == spell {
		b.schedule.Attempt()
		b.enter(HalfOpen, 0)
		b.nextProbe()
	}
}

// nextProbe makes the first who waits the probe. If nobody does, the next caller
// will be it.
func (b *Breaker) nextProbe() {
	b.probe = nil
	if b.waiters.Len() > 0 {
		b.pop().answer <- verdict{lease: b.newProbe()}
	}
}

func (b *Breaker) newProbe() *Lease {
	l := &Lease{breaker: b, spell: b.spell}
	b.probe = l
	l.expiry = time.AfterFunc(b.opts.LeaseTime, l.expire)
	return l
}

func (b *Breaker) enter(s State, delay time.Duration) {
	if b.opts.Observer != nil {
		b.changes = append(b.changes, Change{From: b.state, To: s, Delay: delay, Waiting: b.waiters.Len()})
	}
	b.state = s
}

// unlock releases the lock and then tells the observer what has changed, unless
// somebody is at it already: then that one goes on with it.
func (b *Breaker) unlock() {
	defer b.mu.Unlock()
	for len(b.changes) > 0 && !b.observed {
		changes := b.changes
		b.changes = nil
		b.tell(changes)
	}
}

// tell calls the observer without the lock. If it panics, it is told of later
// changes all the same.
func (b *Breaker) tell(changes []Change) {
	b.observed = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.observed = false
	}()
	for _, c := range changes {
		b.opts.Observer(c)
	}
}

// sleep waits, and tells whether the context let it.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
