package fault

import "time"

// A silence is a stall or a hold under way.
type silence struct {
	*armed
	beats bool
	until time.Time // zero: no time ends it
}

// wakeUp ends a silence that is over.
func (c *Conn) wakeUp(p Progress) {
	s := c.silence
	if s == nil {
		return
	}
	s.next = c.offered + max(1, p.Pending) // the burst comes first
	gathered := s.fault.spec.Events
	if s.gone() || !s.until.IsZero() && !time.Now().Before(s.until) ||
		gathered != nil && (p.Pending >= *gathered || p.Last) {
		c.silence = nil
	}
}

// hushes sends no events: for a time, until some have gathered, or for good.
// Heartbeats go on if beats is true.
func hushes(beats bool) striker {
	return func(c *Conn, a *armed, _ Progress, parts []Part) []Part {
		c.silence = &silence{armed: a, beats: beats}
		if lasts := a.fault.spec.For; lasts != nil {
			c.silence.until = time.Now().Add(lasts.value())
		}
		return parts
	}
}

// A dripping writes some bytes, and then waits.
type dripping struct {
	*armed
	from  int64     // where the piece began
	until time.Time // when the wait behind it is over; zero: it is not written
}

// left is how much of the piece there is to write.
func (d *dripping) left(p Progress) int {
	return int(int64(*d.fault.spec.Bytes) - (p.Bytes - d.from))
}

// waits tells whether a piece is written and its wait is not over. The body's end
// does not wait.
func (d *dripping) waits(p Progress) bool {
	switch {
	case d.gone(), p.Ending:
		d.from, d.until = p.Bytes, time.Time{}
	case d.until.IsZero() && d.left(p) <= 0:
		d.until = time.Now().Add(d.fault.spec.Every.value())
	}
	if d.until.IsZero() || time.Now().Before(d.until) {
		return !d.until.IsZero()
	}
	d.from, d.until = p.Bytes, time.Time{}
	return false
}

// A lag is a latency under way.
type lag struct {
	*armed
	came  []arrival // when events were there to be read
	drawn int       // the number of the event that due is of
	due   time.Time // when the next event may go
}

// An arrival says when events came.
type arrival struct {
	upTo int // the number of the last one, as they are offered
	at   time.Time
}

// note takes down which events have come by now.
func (c *Conn) note(p Progress) {
	if c.lag == nil || p.Pending == 0 {
		return
	}
	upTo, last := c.offered+p.Pending, len(c.lag.came)-1
	if last < 0 || c.lag.came[last].upTo < upTo {
		c.lag.came = append(c.lag.came, arrival{upTo, time.Now()})
	}
}

// waits tells whether the next event is not due yet: the latency is counted from when
// it came, and it does not overtake the one before it.
func (l *lag) waits(offered int, p Progress) bool {
	if l.gone() || p.Left > 0 || p.Pending == 0 {
		return false
	}
	if next := offered + 1; l.drawn != next {
		l.drawn = next
		for l.came[0].upTo < next {
			l.came = l.came[1:]
		}
		s := &l.fault.spec
		due := l.came[0].at.Add(s.For.value())
		if jitter := s.Jitter.value(); jitter > 0 {
			due = due.Add(time.Duration(l.random.Int64N(int64(jitter) + 1)))
		}
		if due.After(l.due) {
			l.due = due
		}
	}
	return time.Now().Before(l.due)
}
