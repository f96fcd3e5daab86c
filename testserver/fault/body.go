package fault

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// An Event is one event that is about to be written, in wire form.
type Event struct {
	Bytes []byte
	Of    any // the server's own name for it
}

// A Part is bytes to be written.
type Part struct {
	Bytes []byte
	Event *Event // is delivered when the bytes are out; nil: none is
}

// Progress is what a connection has done so far.
type Progress struct {
	Events   int   // delivered as a whole
	Bytes    int64 // of body, before shapes
	Boundary bool  // what was written so far ends between two events
	Left     int   // bytes of what is being written that are still to go
	Pending  int   // events that wait behind that
	Last     bool  // no event comes behind these
	Ending   bool  // all is written, and the body ends cleanly now
}

// A Step is what a server does next on a connection. The zero step goes on.
type Step struct {
	Parts []Part    // write these first, then ask again
	End   *Ending   // end the connection, behind Parts
	Hush  bool      // write nothing now
	Beats bool      // while hushed heartbeats go on, between two events
	Wake  time.Time // ask again then at the latest; zero: at no time
	Max   int       // write at most so many bytes before asking again; 0: no limit
}

// An Ending says how a fault ends the connection.
type Ending struct {
	How       How
	Kind      string // of the fault
	HalfChunk int    // before that, half the length of a chunk of so many bytes is sent
}

// How is a way to end a connection.
type How int

const (
	EndCleanly How = iota // the body's end, as HTTP has it
	EndCut                // the connection's end, without the body's
	EndReset              // a TCP reset
)

// A body is what faults know of the body of a connection. The set's lock guards it.
type body struct {
	armed   []*armed // that may strike it
	opened  time.Time
	offered int // events that faults have looked at
	ending  *Ending
	silence *silence
	endless *endlessness
	drip    *dripping
	lag     *lag
	late    []Part // an event that is kept for after the next one; nil if there is none
}

// A moment is when faults are looked for.
type moment int

const (
	betweenEvents moment = iota
	betweenBytes
	atEvent
	pausing // while another fault waits, or writes without end
	paused  // while one waits inside of an event
)

// moment tells what may strike now. The caller holds the lock.
func (c *Conn) moment(p Progress) moment {
	switch {
	case c.silence != nil || c.endless != nil:
		return pausing
	case c.drip != nil && c.drip.waits(p):
		return paused
	case p.Left > 0 || !p.Boundary:
		return betweenBytes
	}
	return betweenEvents
}

// suits tells whether a fault may strike at a moment.
func (a *armed) suits(m moment) bool {
	k, s := a.kind, &a.fault.spec
	onEvent := s.EventID != nil || s.EventType != nil
	switch m {
	case atEvent:
		return onEvent || k.place == inEvent
	case betweenBytes:
		return !onEvent && k.place == anywhere && s.AfterBytes != nil
	case pausing:
		return !onEvent && k.ends
	case paused:
		return !onEvent && (k.ends || k.name == "stall" && s.AfterTime != nil)
	}
	return !onEvent && k.place != inEvent
}

// due tells whether a fault's trigger has come.
func (c *Conn) due(a *armed, m moment, p Progress, event []byte) bool {
	if a.spent() || c.offered < a.next || !a.suits(m) {
		return false
	}
	s := &a.fault.spec
	switch {
	case s.AfterEvents != nil && p.Events < *s.AfterEvents,
		s.AfterBytes != nil && p.Bytes < *s.AfterBytes,
		time.Since(c.opened) < s.AfterTime.value():
		return false
	}
	return m != atEvent || s.isOn(event) && (a.kind.prey == nil || a.kind.prey(c, event))
}

// spent tells whether a fault will not strike the connection any more.
func (a *armed) spent() bool { return a.left == 0 || a.struck && !a.kind.again }

// isOn tells whether an event is the one that a fault asks for.
func (s *spec) isOn(event []byte) bool {
	if s.EventID == nil && s.EventType == nil {
		return true
	}
	for ev, err := range sse.Read(bytes.NewReader(event)) {
		return err == nil &&
			(s.EventID == nil || ev.HasID && ev.ID == *s.EventID) &&
			(s.EventType == nil || typeOf(ev) == *s.EventType)
	}
	return false
}

// typeOf returns an event's type; that of a session's event is inside its JSON.
func typeOf(ev sse.Event) string {
	var envelope struct{ Event string }
	if ev.Type == sse.DefaultType && json.Unmarshal([]byte(ev.Data), &envelope) == nil && envelope.Event != "" {
		return envelope.Event
	}
	return ev.Type
}

// nextDue finds the next fault to strike, and counts it; nil if there is none.
func (c *Conn) nextDue(m moment, p Progress, event []byte) *armed {
	for _, a := range c.armed {
		if !c.due(a, m, p, event) {
			continue
		}
		a.struck, a.next = true, c.offered+1
		if a.kind.again && !a.wins(a.random) {
			continue
		}
		c.set.fire(a.planted, c.tag)
		return a
	}
	return nil
}

// Event offers one event to the faults, and returns what is to be written in its
// place: the event, nothing, a part of it, it and more.
func (c *Conn) Event(p Progress, ev Event) []Part {
	c.set.mu.Lock()
	defer c.set.mu.Unlock()
	c.offered++
	parts, late := []Part{{ev.Bytes, &ev}}, c.late
	// An event that is withheld, or cut, is offered to no further fault.
	for at := 0; at >= 0; at = whole(parts) {
		a := c.nextDue(atEvent, p, parts[at].Bytes)
		if a == nil {
			break
		}
		parts = a.kind.strike(c, a, p, parts)
	}
	if late != nil && c.ending == nil {
		parts, c.late = append(parts, late...), nil
	}
	c.settle()
	return parts
}

// whole returns which of an event's parts still is the event; -1 if none is.
func whole(parts []Part) int {
	return slices.IndexFunc(parts, func(part Part) bool { return part.Event != nil })
}

// Next says what is next on the connection. It is to be asked before each write, when
// a step's time has come, when an event was published, and when the connection was
// rung.
func (c *Conn) Next(p Progress) Step {
	c.set.mu.Lock()
	defer c.set.mu.Unlock()
	step := c.next(p)
	c.settle()
	return step
}

func (c *Conn) next(p Progress) Step {
	if step, done := c.finish(p); done {
		return step
	}
	c.note(p)
	for {
		c.wakeUp(p)
		a := c.nextDue(c.moment(p), p, nil)
		if a == nil {
			break
		}
		parts := a.kind.strike(c, a, p, nil)
		if len(parts) > 0 || c.ending != nil {
			return Step{Parts: parts, End: c.ending, Max: c.untilDue(p)}
		}
	}
	if c.endless != nil && p.Left == 0 {
		return c.goOn(p)
	}
	return c.pace(p)
}

// finish says what is left to do where the body ends.
func (c *Conn) finish(p Progress) (Step, bool) {
	if c.ending != nil && p.Left == 0 {
		return Step{End: c.ending}, true
	}
	if late := c.late; p.Ending && late != nil {
		c.late = nil
		return Step{Parts: late}, true
	}
	return Step{}, false
}

// pace says how long to wait, how much to write, and when to look again.
func (c *Conn) pace(p Progress) Step {
	step := Step{Max: c.untilDue(p)}
	for _, a := range c.armed {
		if after := a.fault.spec.AfterTime; after != nil && !a.spent() {
			step.wakeAt(c.opened.Add(after.value()))
		}
	}
	switch {
	case c.silence != nil:
		step.Hush, step.Beats = true, c.silence.beats
		step.wakeAt(c.silence.until)
	case c.drip != nil && c.drip.waits(p):
		step.Hush = true
		step.wakeAt(c.drip.until)
	case c.lag != nil && c.lag.waits(c.offered, p):
		step.Hush, step.Beats = true, true
		step.wakeAt(c.lag.due)
	case c.drip != nil:
		step.limit(c.drip.left(p))
	}
	return step
}

// wakeAt lets the step be over at a time in the future, or before.
func (s *Step) wakeAt(t time.Time) {
	if t.After(time.Now()) && (s.Wake.IsZero() || t.Before(s.Wake)) {
		s.Wake = t
	}
}

func (s *Step) limit(n int) {
	if s.Max == 0 || n < s.Max {
		s.Max = n
	}
}

// untilDue returns how many bytes may go before a fault counts them out; 0 if none
// does.
func (c *Conn) untilDue(p Progress) (n int) {
	for _, a := range c.armed {
		after := a.fault.spec.AfterBytes
		if after == nil || a.spent() || !a.suits(betweenBytes) {
			continue
		}
		if left := *after - p.Bytes; left > 0 && (n == 0 || left < int64(n)) {
			n = int(min(left, 1<<30))
		}
	}
	return n
}

// settle finds out whether faults need look any more. The caller holds the lock.
func (c *Conn) settle() {
	c.armed = slices.DeleteFunc(c.armed, (*armed).spent)
	c.busy.Store(len(c.armed) > 0 || c.late != nil || c.drip != nil || c.lag != nil ||
		c.silence != nil || c.endless != nil || c.ending != nil)
}
