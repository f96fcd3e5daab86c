package testserver

import (
	"time"
)

// An armed fault may strike one connection.
type armed struct {
	*planted
	struck bool
}

// arm adds a fault to a connection. The caller holds the lock.
func (c *conn) arm(p *planted) {
	c.armed = append(c.armed, &armed{planted: p})
	c.faulty.Store(true)
	if wait := time.Duration(p.fault.spec.AfterTime) - time.Since(c.opened); wait > 0 {
		c.timers = append(c.timers, time.AfterFunc(wait, c.ring))
	}
}

// due tells whether a fault's trigger has come.
func (c *conn) due(a *armed) bool {
	s := &a.fault.spec
	return !a.struck && c.events >= s.AfterEvents && c.bytes >= s.AfterBytes &&
		time.Since(c.opened) >= time.Duration(s.AfterTime)
}

// strike lets everything that is due happen. The event is the one about to be
// written; nil between events.
func (c *conn) strike(event []byte) (order, error) {
	if !c.faulty.Load() {
		return stay, nil
	}
	for _, a := range c.dueNow(event != nil) {
		if o, err := a.kind.strike(c, a, event); o != stay || err != nil {
			return o, err
		}
	}
	return stay, nil
}

// dueNow counts the strikes of all faults that are due. Those that need an event
// to be inside of wait for one.
func (c *conn) dueNow(event bool) (due []*armed) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	for _, a := range c.armed {
		if c.due(a) && (event || !a.kind.inside) {
			a.struck = true
			if c.hub.fire(a.planted, c.entry) {
				due = append(due, a)
			}
		}
	}
	return due
}

// writeFaulty sends body bytes piece by piece, and lets happen what is due before
// and between the pieces.
func (c *conn) writeFaulty(b []byte, event bool) (order, error) {
	if event {
		if o, err := c.strike(b); o != stay || err != nil {
			return o, err
		}
	}
	for {
		n := c.untilDue(len(b))
		if err := c.wire.write(b[:n]); err != nil {
			return stay, err
		}
		c.bytes += int64(n)
		if b = b[n:]; len(b) == 0 {
			return stay, nil
		}
		if o, err := c.strike(nil); o != stay || err != nil {
			return o, err
		}
	}
}

// untilDue returns how many of n bytes may go before a fault counts them out.
func (c *conn) untilDue(n int) int {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	for _, a := range c.armed {
		if left := a.fault.spec.AfterBytes - c.bytes; !a.struck && left > 0 && left < int64(n) {
			n = int(left)
		}
	}
	return n
}

func strikeEnd(c *conn, a *armed, event []byte) (order, error)   { return c.verdict(orderEnd, a) }
func strikeCut(c *conn, a *armed, event []byte) (order, error)   { return c.verdict(orderAbort, a) }
func strikeReset(c *conn, a *armed, event []byte) (order, error) { return c.verdict(orderReset, a) }

func strikeInside(c *conn, a *armed, event []byte) (order, error) {
	n := len(event) / 2
	if err := c.wire.write(event[:n]); err != nil {
		return stay, err
	}
	c.bytes += int64(n)
	return c.verdict(orderAbort, a)
}

func strikeStall(c *conn, a *armed, event []byte) (order, error) {
	return c.pause(time.Duration(a.fault.spec.For))
}

// pause sends nothing for a time, or for good if it is 0.
func (c *conn) pause(t time.Duration) (order, error) {
	var over <-chan time.Time
	if t > 0 {
		timer := time.NewTimer(t)
		defer timer.Stop()
		over = timer.C
	}
	for {
		c.hub.mu.Lock()
		o := c.order
		c.hub.mu.Unlock()
		if o != stay {
			return o, nil
		}
		select {
		case <-c.bell:
		case <-over:
			c.ring() // what came meanwhile
			return stay, nil
		}
	}
}

// verdict ends the connection, and says which fault it was.
func (c *conn) verdict(o order, a *armed) (order, error) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	if c.order >= orderAbort {
		return c.order, nil
	}
	c.why = "fault " + a.kind.name
	return o, nil
}
