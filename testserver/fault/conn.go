package fault

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// A Conn is one request, and the stream that answers it, as faults see it. A server
// calls [Conn.Answer], [Conn.Open], [Conn.Shape] and [Conn.Start] in this order, and
// then [Conn.Event] and [Conn.Next], all of which decide and do not wait, but Answer;
// and [Conn.Close] at the end.
type Conn struct {
	set    *Set
	req    Request
	tag    any
	number int64
	shapes []*armed // in the order in which they act

	busy atomic.Bool

	// Guarded by the set's lock.
	before []*armed // that may strike before the body
	body
	known    int    // the faults that there were when it came
	admitted bool   // it gets its stream
	ring     func() // nil before the start
	closed   bool
}

// arm adds a fault to the connection. The caller holds the set's lock.
func (c *Conn) arm(a *armed) {
	switch {
	case c.closed:
	case a.kind.stage == stageBody:
		c.armed = append(c.armed, a)
		c.busy.Store(true)
	default:
		c.before = append(c.before, a)
	}
}

// Busy tells whether faults look at what is written. While it is false, nothing of the
// body need be shown to the connection. Any goroutine may ask.
func (c *Conn) Busy() bool { return c.busy.Load() }

// Start says that the body begins. Ring is called when [Conn.Next] is to be asked
// again, because faults were added or removed; from any goroutine, with no lock held.
func (c *Conn) Start(ring func()) {
	c.set.mu.Lock()
	defer c.set.mu.Unlock()
	c.opened, c.ring = time.Now(), ring
}

// Close says that the connection is over. It is harmless the second time.
func (c *Conn) Close() {
	c.set.mu.Lock()
	defer c.set.mu.Unlock()
	c.closed = true
	delete(c.set.conns, c)
}

// take lets the first fault of a stage strike that can; nil if there is none.
func (c *Conn) take(s stage, o *Opening) *armed {
	c.set.mu.Lock()
	defer c.set.mu.Unlock()
	for i, a := range c.before {
		if a.kind.stage != s || a.left == 0 || a.kind.can != nil && !a.kind.can(o) {
			continue
		}
		c.before = slices.Delete(c.before, i, i+1)
		c.set.fire(a.planted, c.tag)
		return a
	}
	return nil
}

// wait waits for a time, or for good if it is negative, unless the fault is removed.
func (p *planted) wait(ctx context.Context, d time.Duration) error {
	var over <-chan time.Time
	if d >= 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		return nil
	case <-p.removed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
