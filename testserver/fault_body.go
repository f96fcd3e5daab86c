package testserver

import (
	"math/rand/v2"
	"slices"
	"time"
)

// An armed fault may strike one connection.
type armed struct {
	*planted
	random *rand.Rand // of this connection, so that others' events change nothing
	struck bool       // it has, or chance was against it
	next   int        // how many events are to be offered before it may strike again
}

// arm adds a fault to a connection. The caller holds the lock.
func (c *conn) arm(a *armed) {
	c.armed = append(c.armed, a)
	c.faulty.Store(true)
	if wait := time.Duration(a.fault.spec.AfterTime) - time.Since(c.opened); wait > 0 {
		c.timers = append(c.timers, time.AfterFunc(wait, c.ring))
	}
}

// A moment is when faults are looked for.
type moment int

const (
	betweenEvents moment = iota
	betweenBytes
	atEvent
)

// suits tells whether a kind may strike at a moment.
func (k *kind) suits(m moment) bool {
	switch m {
	case atEvent:
		return k.place == inEvent
	case betweenBytes:
		return k.place == anywhere
	}
	return k.place != inEvent
}

// due tells whether a fault's trigger has come.
func (c *conn) due(a *armed, m moment, event []byte) bool {
	s := &a.fault.spec
	switch {
	case a.spent(), c.offered < a.next:
		return false
	case !a.kind.suits(m), m == betweenBytes && s.AfterBytes == 0:
		return false
	case c.events < s.AfterEvents, c.bytes < s.AfterBytes, time.Since(c.opened) < time.Duration(s.AfterTime):
		return false
	}
	return m != atEvent || a.kind.prey == nil || a.kind.prey(c, event)
}

// spent tells whether a fault will not strike the connection any more.
func (a *armed) spent() bool { return a.left == 0 || a.struck && !a.kind.again }

// strike lets everything happen that is due at a moment. The event is the one
// about to be written, which a fault may change; nil if there is none.
func (c *conn) strike(m moment, event *[]byte) (order, error) {
	for c.faulty.Load() {
		a := c.nextDue(m, event)
		if a == nil {
			break
		}
		if o, err := a.kind.strike(c, a, event); o != stay || err != nil {
			return o, err
		}
	}
	return stay, nil
}

// nextDue finds the next fault to strike, and counts it. Where none is left that
// may ever strike, the connection is not faulty any more.
func (c *conn) nextDue(m moment, event *[]byte) *armed {
	var b []byte
	if event != nil {
		b = *event
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	for _, a := range c.armed {
		if !c.due(a, m, b) {
			continue
		}
		a.struck, a.next = true, c.offered+1
		if a.kind.again && !a.wins(a.random) {
			continue
		}
		c.hub.fire(a.planted, c.entry)
		return a
	}
	c.armed = slices.DeleteFunc(c.armed, (*armed).spent)
	c.faulty.Store(len(c.armed) > 0 || c.late != nil)
	return nil
}

// writeEvent sends one event, which faults may change, withhold, or keep for after
// the next one.
func (c *conn) writeEvent(event []byte) (order, error) {
	c.offered++
	late := c.late
	if o, err := c.strike(atEvent, &event); o != stay || err != nil {
		return o, err
	}
	if late != nil {
		c.late = nil
	}
	for _, b := range [][]byte{event, late} {
		if len(b) == 0 {
			continue
		}
		if o, err := c.writeBytes(b); o != stay || err != nil {
			return o, err
		}
		c.events++
	}
	return stay, nil
}

// writeBytes sends body bytes piece by piece, and lets happen what is due
// between the pieces.
func (c *conn) writeBytes(b []byte) (order, error) {
	for {
		n := c.untilDue(len(b))
		if err := c.send(b[:n]); err != nil {
			return stay, err
		}
		if b = b[n:]; len(b) == 0 {
			return stay, nil
		}
		if o, err := c.strike(betweenBytes, nil); o != stay || err != nil {
			return o, err
		}
	}
}

// untilDue returns how many of n bytes may go before a fault counts them out.
func (c *conn) untilDue(n int) int {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	for _, a := range c.armed {
		if left := a.fault.spec.AfterBytes - c.bytes; !a.spent() && a.kind.place == anywhere && left > 0 && left < int64(n) {
			n = int(left)
		}
	}
	return n
}

// verdict ends the connection, and says which fault it was.
func (c *conn) verdict(o order, a *armed) (order, error) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	if c.order >= orderAbort {
		return c.order, nil
	}
	c.settle("fault " + a.kind.name)
	return o, nil
}
