package backoff

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// A Breaker is a circuit breaker that the clients of one origin share, so that
// an outage costs the origin one attempt for each delay, however many clients
// there are. Each attempt is made under a [Lease]:
//
//	closed     every attempt may be made at once
//	open       none may; the policy's delay is under way
//	half-open  one may, the probe; the others wait for its answer
//
// When the probe brings good news, those who waited return one by one, in the
// order in which they came, and not all at once.
//
// A Breaker paces and never gives up: each client counts for itself how long it
// waits, in the context that it calls Acquire with. Whoever comes back after that
// waits for the next probe like the others. Failures belong to one outage, and
// their delays grow, until an attempt succeeds, or until for longer than the
// longest delay nobody has waited and no attempt was under way.
//
// The zero value is a closed breaker with the zero [Policy]. A Breaker has no
// goroutine of its own. It is safe for concurrent use, and must not be copied.
type Breaker struct {
	opts BreakerOptions

	mu       sync.Mutex
	schedule *Schedule // nil in the zero value
	state    State
	spell    uint64 // counts openings and closings: a failure counts in the spell in which its attempt began
	probe    *Lease // under way
	due      *time.Timer
	dueAt    time.Time // of the next probe, while open
	err      error     // why the last probe failed
	waiters  list.List // of *waiter, in order of arrival

	underWay  int       // leases that have not ended
	idleSince time.Time // when the last lease ended or the last waiter left

	changes  []Change // not yet observed
	observed bool     // somebody is observing them
}

// BreakerOptions tune a [Breaker]. Zero fields mean the value beside them; what is
// negative is an error.
type BreakerOptions struct {
	// Delays give the delays instead of the policy, if set. They are called under
	// the breaker's lock. A Stop from them repeats the delay before.
	Delays BackOff

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

// NewBreaker returns a closed breaker; opts may be nil. The policy's GiveUp is not
// looked at. The error says what of the policy or the options makes no sense.
func NewBreaker(p Policy, opts *BreakerOptions) (*Breaker, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	b := &Breaker{}
	if opts != nil {
		b.opts = *opts
	}
	if b.opts.LeaseTime < 0 || b.opts.ReturnEvery < 0 {
		return nil, fmt.Errorf("backoff: LeaseTime %v or ReturnEvery %v is negative", b.opts.LeaseTime, b.opts.ReturnEvery)
	}
	b.init(p)
	return b, nil
}

func (b *Breaker) init(p Policy) {
	p.GiveUp = Never
	b.schedule, _ = New(p) // the caller has validated it
	if b.opts.Delays != nil {
		b.schedule.delays, b.schedule.foreign = b.opts.Delays, true
	}
	b.opts.LeaseTime = cmp.Or(b.opts.LeaseTime, 45*time.Second)
	b.opts.ReturnEvery = cmp.Or(b.opts.ReturnEvery, time.Millisecond)
}

// lock takes the lock and makes what is due: the timer that would have done so may
// be late.
func (b *Breaker) lock() {
	b.mu.Lock()
	if b.schedule == nil {
		b.init(Policy{})
	}
	if b.state == Open && !time.Now().Before(b.dueAt) {
		b.halfOpen()
	}
}

// waiter is one call of Acquire that waits.
type waiter struct {
	answer  chan verdict  // holds one
	news    chan struct{} // holds one: a probe has failed
	element *list.Element
}

// verdict ends a wait: with a lease, or without one; then the outage is over and
// the waiter's turn comes after the delay.
type verdict struct {
	lease *Lease
	delay time.Duration
}

// Acquire returns a lease for one attempt, and waits for it during an outage.
// Waiting, unless it is nil, is called on the caller's goroutine when a wait
// begins and each time a probe fails while it lasts, with the time until the next
// probe (0 if one is under way) and the failure of the last. The error is the
// context's cause. Whoever has a lease must tell how the attempt went.
func (b *Breaker) Acquire(ctx context.Context, waiting func(delay time.Duration, cause error)) (*Lease, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		b.lock()
		l := b.admit()
		if l != nil {
			b.unlock()
			return l, nil
		}
		w := &waiter{answer: make(chan verdict, 1), news: make(chan struct{}, 1)}
		w.news <- struct{}{}
		w.element = b.waiters.PushBack(w)
		b.unlock()

		v, err := b.await(ctx, w, waiting)
		if v.lease != nil || err != nil {
			return v.lease, err
		}
		if !sleep(ctx, v.delay) {
			return nil, context.Cause(ctx)
		}
	}
}

// await waits for the verdict.
func (b *Breaker) await(ctx context.Context, w *waiter, waiting func(time.Duration, error)) (verdict, error) {
	for {
		select {
		case v := <-w.answer:
			return v, nil
		case <-w.news:
			if waiting != nil {
				waiting(b.Next(), b.Err())
			}
		case <-ctx.Done():
			b.leave(w)
			return verdict{}, context.Cause(ctx)
		}
	}
}

// TryAcquire returns a lease if an attempt may be made now, and nil if it would
// have to wait.
func (b *Breaker) TryAcquire() *Lease {
	b.lock()
	defer b.unlock()
	return b.admit()
}

// admit answers a call that need not wait; nil if it must.
func (b *Breaker) admit() *Lease {
	b.separate()
	switch {
	case b.state == Closed:
		return b.newLease()
	case b.state == HalfOpen && b.probe == nil:
		return b.newProbe()
	}
	return nil
}

// separate begins a new outage if the last one has been left alone for so long
// that nobody knows how it went on.
func (b *Breaker) separate() {
	if b.state != Closed && b.underWay == 0 && b.waiters.Len() == 0 && time.Since(b.idleSince) > b.schedule.Max() {
		b.schedule.Reset()
	}
}

// leave takes back a call whose context is done.
func (b *Breaker) leave(w *waiter) {
	b.lock()
	b.waiters.Remove(w.element)
	b.idleSince = time.Now()
	b.unlock()
	select {
	case v := <-w.answer: // it came too late
		v.lease.Release()
	default:
	}
}

// Suspect tells that a stream was lost. That proves nothing about the origin,
// since streams end for many reasons, but the next attempt is a probe and the
// others wait for its answer: if a thousand streams were lost at once, the origin
// that may be dead sees one attempt, not a thousand.
func (b *Breaker) Suspect() {
	b.lock()
	defer b.unlock()
	if b.state == Closed {
		b.idleSince = time.Now()
		b.enter(HalfOpen, 0)
	}
}

// Reset closes the breaker by hand. Those who wait return as after an outage.
func (b *Breaker) Reset() {
	b.lock()
	defer b.unlock()
	b.close()
}

// State returns the state: [Closed], [Open] or [HalfOpen].
func (b *Breaker) State() State {
	b.lock()
	defer b.unlock()
	return b.state
}

// Next returns how long it is until the next probe; 0 if attempts may be made now,
// or the probe is under way.
func (b *Breaker) Next() time.Duration {
	b.lock()
	defer b.unlock()
	if b.state != Open {
		return 0
	}
	return max(time.Until(b.dueAt), 0)
}

// Err returns why the last probe of the outage failed; nil if there is no outage,
// or nobody said.
func (b *Breaker) Err() error {
	b.lock()
	defer b.unlock()
	return b.err
}

// fail takes note that an attempt failed, and opens the breaker for a delay.
func (b *Breaker) fail(cause error, floor time.Duration) {
	b.spell++
	b.err = cause
	delay := b.schedule.Fail(floor)
	if delay == Stop { // of foreign delays
		delay = max(b.schedule.Last(), b.schedule.policy.Initial, floor)
	}
	b.dueAt = time.Now().Add(delay)
	b.enter(Open, delay)
	spell := b.spell
	b.due = time.AfterFunc(delay, func() { b.probeDue(spell) })
	for e := b.waiters.Front(); e != nil; e = e.Next() {
		select {
		case e.Value.(*waiter).news <- struct{}{}:
		default:
		}
	}
}

// close ends the outage.
func (b *Breaker) close() {
	if b.state == Closed {
		return
	}
	b.spell++
	b.probe, b.err = nil, nil
	if b.due != nil {
		b.due.Stop()
	}
	every := b.opts.ReturnEvery
	if n := time.Duration(b.waiters.Len()); n > 0 {
		every = min(every, max(b.schedule.Last(), b.schedule.policy.Initial)/n)
	}
	b.schedule.Reset()
	b.enter(Closed, 0)
	for i := time.Duration(0); b.waiters.Len() > 0; i++ {
		b.pop().answer <- verdict{delay: i * every}
	}
}

func (b *Breaker) pop() *waiter { return b.waiters.Remove(b.waiters.Front()).(*waiter) }

// probeDue runs when the delay of a spell is over.
func (b *Breaker) probeDue(spell uint64) {
	b.mu.Lock()
	defer b.unlock()
	if b.state == Open && b.spell == spell {
		b.halfOpen()
	}
}

func (b *Breaker) halfOpen() {
	b.schedule.Attempt()
	b.enter(HalfOpen, 0)
	b.nextProbe()
}

// nextProbe makes the first who waits the probe. If nobody does, the next caller
// will be it.
func (b *Breaker) nextProbe() {
	b.probe = nil
	if b.waiters.Len() > 0 {
		b.pop().answer <- verdict{lease: b.newProbe()}
	}
}

func (b *Breaker) newLease() *Lease {
	b.underWay++
	return &Lease{breaker: b, spell: b.spell}
}

func (b *Breaker) newProbe() *Lease {
	l := b.newLease()
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
