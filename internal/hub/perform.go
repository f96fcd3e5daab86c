package hub

import (
	"slices"
	"time"
)

// perform is follow with a plan: it does what the plan wants next, until there is an
// end or an error of a write.
func (c *conn) perform() (How, error) {
	c.push(unit{bytes: c.greeting})
	c.greeting = nil
	for {
		how, p := c.look()
		if how >= Abort || how == Clean && p.Boundary {
			return how, nil
		}
		c.takeBack()
		var s Step
		if !c.plan.Quiet() {
			s = c.plan.Next(p)
		}
		switch {
		case how != Stay && s.Hush && s.Wake.IsZero(): // it would never end
			return Clean, nil
		case s.End != nil:
			return c.endBy(s)
		case len(s.Parts) > 0:
			c.insert(s.Parts)
			continue
		case s.Hush:
			if err := c.hush(s, p.Boundary); err != nil {
				return Stay, err
			}
			continue
		case len(c.queue) == 0:
			if how, err := c.fetch(s, p); how != Stay || err != nil {
				return how, err
			}
			continue
		}
		if err := c.putFirst(s.Max); err != nil {
			return Stay, err
		}
	}
}

// look does the books and returns the order that the connection has and how far it is.
// Whatever is published from then on rings it.
func (c *conn) look() (How, Progress) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.account()
	p := Progress{Opened: c.opened, Events: c.events, Bytes: c.bytes, Boundary: true, Last: c.log.over}
	for i := range c.queue {
		p.Boundary = p.Boundary && c.queue[i].off == 0
		p.Left += len(c.queue[i].bytes) - c.queue[i].off
	}
	if c.past == nil {
		p.Pending = int(c.log.end() - min(max(c.cursor, c.log.base), c.log.end()))
	}
	c.log.wait(c)
	return c.order, p
}

// push lets a unit be written behind those that wait.
func (c *conn) push(u unit) {
	if len(u.bytes) > 0 {
		c.queue = append(c.queue, u)
	}
}

// insert lets parts be written before anything else. A part without bytes is what it
// delivers at once.
func (c *conn) insert(parts []Part) {
	units := make([]unit, 0, len(parts))
	for _, p := range parts {
		u := unit{bytes: p.Bytes}
		if ev := p.Event; ev != nil {
			u.d = Delivered{From: ev.Place, To: ev.Place, Events: 1, Num: ev.Num, ID: ev.ID}
		}
		if len(u.bytes) == 0 {
			c.delivered(u.d)
			continue
		}
		units = append(units, u)
	}
	c.queue = slices.Concat(units, c.queue)
}

// takeBack undoes the taking of events that nobody has looked at, because somebody
// wants to now. Where the log has let them go meanwhile they stay taken.
func (c *conn) takeBack() {
	if len(c.queue) == 0 || !c.queue[0].several || c.queue[0].off > 0 || c.plan.Quiet() {
		return
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	if u := &c.queue[0]; u.from >= c.log.base && c.past == nil {
		c.cursor, c.last = u.from, c.log.before(u.from)
		c.queue = c.queue[1:]
	}
}

// fetch lets the next thing wait in the queue, or waits until there is one.
func (c *conn) fetch(s Step, p Progress) (How, error) {
	single := !c.plan.Quiet()
	u, how, from := c.next(single)
	switch {
	case how == Clean && single:
		p.Ending = true
		if last := c.plan.Next(p); len(last.Parts) > 0 {
			c.insert(last.Parts)
			for len(c.queue) > 0 {
				if err := c.putFirst(0); err != nil {
					return Stay, err
				}
			}
		}
		return how, nil
	case how != Stay:
		return how, nil
	case u.ev != nil:
		c.insert(c.plan.Event(p, *u.ev))
	case len(u.bytes) > 0:
		c.push(u)
	case c.beat.Swap(false):
		c.push(unit{bytes: c.nextBeat()})
	case from == fromPast:
		if err := c.readPast(); err != nil {
			return c.broken(err), nil
		}
	default:
		c.sleep(s.Wake)
	}
	return Stay, nil
}

// putFirst writes from the first unit of the queue, at most so many bytes if there is
// a limit.
func (c *conn) putFirst(limit int) error {
	u := &c.queue[0]
	b := u.bytes[u.off:]
	if limit > 0 && limit < len(b) {
		b = b[:limit]
	}
	if err := c.send(b); err != nil {
		return err
	}
	if u.off += len(b); u.off == len(u.bytes) {
		c.delivered(u.d)
		c.queue = c.queue[1:]
	}
	return nil
}

// hush writes nothing, but for heartbeats if they go on, until the connection is rung
// or the time has come.
func (c *conn) hush(s Step, boundary bool) error {
	if s.Beats && boundary && c.beat.Swap(false) {
		return c.send(c.nextBeat())
	}
	c.sleep(s.Wake)
	return nil
}

// sleep waits to be rung, or until a time if there is one.
func (c *conn) sleep(until time.Time) {
	if until.IsZero() {
		<-c.bell
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-c.bell:
	case <-timer.C:
	}
}

// endBy ends the connection as the plan wants it.
func (c *conn) endBy(s Step) (How, error) {
	for _, part := range s.Parts {
		if err := c.send(part.Bytes); err != nil {
			return Stay, err
		}
		if ev := part.Event; ev != nil {
			c.delivered(Delivered{From: ev.Place, To: ev.Place, Events: 1, Num: ev.Num, ID: ev.ID})
		}
	}
	if s.End.HalfChunk > 0 {
		if err := c.wire.HalfChunk(s.End.HalfChunk); err != nil {
			return Stay, err
		}
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	if c.order >= Abort {
		return c.order, nil
	}
	c.settle(s.End.Why)
	return s.End.How, nil
}
