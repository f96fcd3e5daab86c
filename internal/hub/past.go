package hub

import (
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A past reads the events of one connection that its log does not have. It reads a
// chunk while it holds one of the hub's slots, and lets it go before the chunk is
// written: a client that is slow keeps nobody from reading. Each chunk is a question
// of its own, behind the last event of the one before.
//
// It is the delivering goroutine's own, but for what says so.
type past struct {
	events iter.Seq2[sse.Event, error] // the answer to the first question; nil: ask

	buf    []byte // frames that were read
	frames []pastFrame
	from   int // of buf, that is to be taken next

	// What the log had let go before the question was asked. The history has all that
	// is at or before that. Guarded by the hub's lock.
	num  int64
	base uint64
	dry  bool // the history had nothing behind that

	whole bool // the log may never have what is stored now: it is read to its end

	empty bool // there is nothing to read, nor will be
}

// A pastFrame is one event of a chunk, in wire form.
type pastFrame struct {
	num int64
	id  string
	to  int // its end in buf
}

// A chunk is as much as one slot is held for.
const (
	chunkBytes  = 64 << 10
	chunkEvents = 512
)

// errPastGap says that events are missing in the history, behind what the client has.
var errPastGap = errors.New("the history has lost events that follow")

// newPast begins to read behind the connection's last event; with the answer to a
// question that was asked already, if there is one. The caller holds the lock.
func (c *conn) newPast(events iter.Seq2[sse.Event, error]) *past {
	return &past{events: events, num: c.log.dropped.num, base: c.log.base, whole: c.past != nil && c.past.whole}
}

// take returns what was read and not written yet: all of it, or one event. The caller
// holds the lock.
func (p *past) take(single bool) (u unit, ok bool) {
	if len(p.frames) == 0 {
		return u, false
	}
	n := len(p.frames)
	if single {
		n = 1
	}
	last := p.frames[n-1]
	u = unit{bytes: p.buf[p.from:last.to:last.to], d: Delivered{Events: n, Num: last.num, ID: last.id}}
	if single {
		u.ev = &Event{Num: last.num, ID: last.id, Bytes: u.bytes, Replay: true}
	}
	p.frames, p.from = p.frames[n:], last.to
	return u, true
}

// join puts the reader into its log, if its place is there. The caller holds the
// lock.
func (c *conn) join() bool {
	p, l := c.past, c.log
	if l.id.Kind == Plain {
		at, ok := l.placeOf(c.last.id)
		switch {
		case ok:
			c.cursor = at + 1
		case p.dry && p.base == l.base: // what was let go is read, and nothing of the rest
			c.cursor = l.base
		default:
			return false
		}
	} else {
		if p.dry {
			c.last.num = max(c.last.num, p.num)
		}
		if l.dropped.there && c.last.num < l.dropped.num || p.whole && !p.dry {
			return false
		}
		c.cursor = l.search(l.base, c.last.num)
		c.skip = c.last.num // the history may be ahead of the log
	}
	c.past = nil
	c.told = l.gapsUpTo(c.cursor)
	if g := l.gapAt(c.cursor); g != nil && g.after >= c.last.num && l.id.Kind != Plain {
		c.told-- // it is behind what was read
	}
	return true
}

// placeOf finds the newest frame with an id, on a plain stream.
func (l *eventLog) placeOf(id string) (place uint64, ok bool) {
	for n := l.end(); n > l.base && id != ""; n-- {
		if l.at(n-1).id == id {
			return n - 1, true
		}
	}
	return 0, false
}

// readPast reads a chunk, as soon as there is a slot. It returns without one when the
// connection is rung.
func (c *conn) readPast() error {
	h := c.hub
	select {
	case h.slots <- struct{}{}:
	case <-c.bell:
		return nil
	}
	defer func() { <-h.slots }()
	p := c.past
	events := p.events
	p.events = nil
	if events == nil {
		h.mu.Lock()
		c.past = c.newPast(nil)
		after := c.after()
		h.mu.Unlock()
		p = c.past
		found, err := h.cfg.History(c.ctx, c.log.id, after)
		switch {
		case err != nil:
			return err
		case found.Start != "", !found.Known:
			return errPastGap
		}
		events = found.Events
	}
	dry, err := c.readChunk(p, events)
	h.mu.Lock()
	p.dry = dry
	h.mu.Unlock()
	return err
}

// after is the id behind which the history is asked. The caller holds the lock.
func (c *conn) after() string {
	if c.log.id.Kind == Plain {
		return c.last.id
	}
	return strconv.FormatInt(c.last.num, 10)
}

// readChunk reads events until the chunk is full, or (dry) there are no more. What the
// reader has already is passed over, for some sources repeat the event that was asked
// for.
func (c *conn) readChunk(p *past, events iter.Seq2[sse.Event, error]) (dry bool, err error) {
	p.buf, p.from, p.frames = nil, 0, p.frames[:0] // those of the last chunk may be in a plan's hands
	if events == nil {
		return true, nil
	}
	last := c.last
	for ev, err := range events {
		if err != nil && len(p.frames) > 0 {
			return false, nil // what was read goes out first: the question behind it meets the error again
		}
		if err != nil {
			return false, err
		}
		f, fresh, err := p.appendEvent(c.log.id, &last, ev)
		if err != nil {
			return false, err
		}
		if !fresh {
			continue
		}
		p.frames = append(p.frames, f)
		if len(p.buf) >= chunkBytes || len(p.frames) == chunkEvents {
			return false, nil
		}
	}
	return true, nil
}

// appendEvent appends an event of the history as a frame; fresh is false if the reader
// has it already.
func (p *past) appendEvent(id StreamID, last *mark, ev sse.Event) (f pastFrame, fresh bool, err error) {
	if id.Kind == Plain {
		if ev.ID == "" {
			return f, false, errors.New("an event of the history has no id")
		}
		ev.HasID = true
		if p.buf, err = ev.AppendText(p.buf); err != nil {
			return f, false, err
		}
		*last = mark{there: true, id: ev.ID}
		return pastFrame{id: ev.ID, to: len(p.buf)}, true, nil
	}
	num, err := strconv.ParseInt(ev.ID, 10, 64)
	if err != nil || num <= 0 {
		return f, false, fmt.Errorf("an event of the history has the id %q, which is no number", ev.ID)
	}
	if num <= last.num {
		return f, false, nil
	}
	data := []byte(ev.Data)
	if id.Kind == OfAll {
		data = forAll(data)
	}
	p.buf = appendVerbatim(p.buf, num, data)
	*last = mark{there: true, num: num}
	return pastFrame{num: num, to: len(p.buf)}, true, nil
}
