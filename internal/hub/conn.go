package hub

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// A conn is one stream under way: a reader of a log, and where it writes to.
type conn struct {
	hub    *Hub
	log    *eventLog
	visit  *Visit
	quoted []byte // the session's name as JSON; nil for the other streams
	host   string // the client's address
	plan   Plan   // nil: there is none
	ctx    context.Context

	bell chan struct{} // rung when there may be something to do; holds one ring
	beat atomic.Bool   // a heartbeat is due

	// The delivering goroutine's own: what it has written.
	opened   time.Time
	greeting []byte
	heart    *time.Timer // lets the next heartbeat be due
	age      *time.Timer // ends the connection when it is too old
	bytes    int64
	events   int
	done     []Delivered // written, and not in the books yet
	queue    []unit      // what a plan lets wait; the first one may be written in part
	hung     bool        // the last write had to wait for the client
	past     *past       // reads what the log does not have; nil: the cursor is in the log

	// Guarded by the hub's lock.
	wire      Wire
	cursor    uint64 // behind the frame that is being written
	last      mark   // the newest event that was taken for it, or what it asked for
	limit     uint64 // it ends behind the frames before this number; 0: it goes on
	skip      int64  // it has what comes up to this number
	told      int    // gaps of the log that it need not end for
	order     How
	why       string // why it ends
	err       error
	running   bool       // the head is out
	verbatim  []verbatim // to be written beside the events, oldest first
	unwritten int        // what verbatim costs
	waitsAt   int        // 1 + its place on the log's waiting list; 0 if it is not there
	counted   Delivered  // what is in the books
	replay    uint64     // frames before this number were there before the connection was
}

// A unit is what a connection writes as a whole.
type unit struct {
	bytes   []byte
	off     int       // bytes of it that are out
	d       Delivered // what has been delivered when all are out
	ev      *Event    // a single event, to be shown to the plan
	from    uint64    // the cursor before it
	several bool      // events that nobody has looked at
}

func (c *conn) ring() {
	select {
	case c.bell <- struct{}{}:
	default: // it will look anyway
	}
}

// command gives an order, unless a harder one stands, and frees a write that
// hangs. The caller holds the lock.
func (c *conn) command(how How, why string) {
	if c.order >= how || c.order >= Abort {
		return
	}
	c.order, c.why = how, why
	if how >= Abort {
		c.visit.cancel()
		if c.wire != nil {
			c.wire.Kill(how == Reset)
		}
	}
	c.ring()
}

// settle says why the connection ends. What comes after changes nothing. The caller
// holds the lock.
func (c *conn) settle(why string) { c.order, c.why = gone, why }

// deliver writes what the log has, and what it gets, until the connection ends.
// It returns how.
func (c *conn) deliver() How {
	c.begin()
	defer c.stop()
	var how How
	var err error
	if c.plan == nil {
		how, err = c.follow()
	} else {
		how, err = c.perform()
	}
	if err != nil {
		how = c.failed(err)
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.account()
	c.settle(c.why)
	return how
}

// begin lets heartbeats and the connection's age begin.
func (c *conn) begin() {
	if c.hub.cfg.Heartbeat != Off {
		c.heart = time.AfterFunc(c.hub.cfg.Heartbeat, func() {
			c.beat.Store(true)
			c.ring()
		})
	}
	if c.hub.cfg.MaxAge > 0 {
		c.age = time.AfterFunc(c.hub.cfg.MaxAge, func() {
			c.hub.mu.Lock()
			defer c.hub.mu.Unlock()
			c.command(Clean, whyAge)
		})
	}
}

func (c *conn) stop() {
	for _, t := range []*time.Timer{c.heart, c.age} {
		if t != nil {
			t.Stop()
		}
	}
}

// follow goes on until there is an end or an error of a write.
func (c *conn) follow() (How, error) {
	u := unit{bytes: c.greeting}
	c.greeting = nil
	for {
		if err := c.put(&u); err != nil {
			return Stay, err
		}
		var how How
		var from source
		switch u, how, from = c.next(false); {
		case how != Stay:
			return how, nil
		case u.bytes != nil:
		case c.beat.Swap(false):
			u.bytes = c.nextBeat()
		case from == fromPast:
			if err := c.readPast(); err != nil {
				return c.broken(err), nil
			}
		default:
			<-c.bell
		}
	}
}

// put writes a unit as a whole.
func (c *conn) put(u *unit) error {
	if len(u.bytes) == 0 {
		return nil
	}
	if err := c.send(u.bytes); err != nil {
		return err
	}
	c.delivered(u.d)
	return nil
}

// send writes body bytes.
func (c *conn) send(b []byte) error {
	var start time.Time
	if c.hub.cfg.Policy.RefusedWrites > 0 {
		start = time.Now()
	}
	if err := c.wire.Write(b); err != nil {
		return err
	}
	c.hung = !start.IsZero() && time.Since(start) >= hangTime
	c.bytes += int64(len(b))
	return nil
}

// hangTime is from when on a write is one that hangs.
const hangTime = time.Second

// refuse lets a connection whose write has hung end behind the events that a real
// server's buffer would have taken before it gives up. The caller holds the lock.
func (c *conn) refuse() {
	if n := uint64(c.hub.cfg.Policy.RefusedWrites); c.hung && c.limit == 0 && c.log.end() >= c.cursor+n {
		c.limit = c.cursor + n
	}
	c.hung = false
}

// delivered notes that events were written as a whole.
func (c *conn) delivered(d Delivered) {
	if d.Events > 0 {
		c.events += d.Events
		c.done = append(c.done, d)
	}
}

// nextBeat returns a heartbeat, and lets the next one be due in time.
func (c *conn) nextBeat() []byte {
	c.heart.Reset(c.hub.cfg.Heartbeat)
	return c.heartbeat()
}

// A source is where the next events are.
type source int

const (
	fromLog source = iota
	fromPast
)

// next does the books of the last write and finds the next one: the frames that
// have gathered, or a single one. When there is nothing to write it has put the
// connection on the waiting list, unless a heartbeat is due; or it says that the next
// events are in the past.
func (c *conn) next(single bool) (u unit, how How, from source) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.account()
	switch {
	case c.order >= Clean:
		return u, c.order, from
	case c.past != nil && c.order == Drain:
		return u, Clean, from
	case c.past != nil:
		if u, ok := c.past.take(single); ok {
			c.last = mark{true, u.d.Num, u.d.ID}
			return u, Stay, from
		}
		if !c.join() {
			return u, Stay, fromPast
		}
	}
	c.leap()
	c.refuse()
	if c.cursor < c.log.base {
		if c.hub.cfg.History == nil || c.log.id.Kind == Plain && c.last.id == "" {
			c.settle(whyBehind)
			return u, Abort, from
		}
		c.past = c.newPast(nil)
		return u, Stay, fromPast
	}
	if u.bytes = c.nextVerbatim(); u.bytes != nil {
		return u, Stay, from
	}
	return c.nextEvents(single)
}

// nextEvents takes what the log has at the cursor, or finds that there is an end. The
// caller holds the lock.
func (c *conn) nextEvents(single bool) (u unit, how How, from source) {
	l, limit := c.log, c.log.end()
	if single {
		limit = c.cursor + 1
	}
	if len(c.verbatim) > 0 {
		limit = min(limit, c.verbatim[0].at)
	}
	if c.limit > 0 {
		if limit = min(limit, c.limit); c.cursor >= c.limit {
			c.settle(whyRefused)
			return u, Clean, from
		}
	}
	if at, ok := l.barrier(c.told); ok {
		if limit = min(limit, at); c.cursor >= at {
			c.settle(whyGap)
			return u, Clean, from
		}
	}
	b, next := l.batch(c.cursor, limit)
	switch {
	case b != nil:
		newest := l.at(next - 1)
		u = unit{bytes: b, from: c.cursor, several: !single}
		u.d = Delivered{From: c.cursor + 1, To: next, Events: int(next - c.cursor), Num: newest.num, ID: newest.id}
		if single {
			ev := l.event(c.cursor)
			ev.Replay = c.cursor < c.replay
			u.ev = &ev
		}
		c.cursor, c.last = next, mark{true, newest.num, newest.id}
		return u, Stay, from
	case c.order == Drain:
		return u, Clean, from
	case l.over:
		c.settle(whyOver)
		return u, Clean, from
	}
	if !c.beat.Load() || c.plan != nil {
		l.wait(c)
	}
	return u, Stay, from
}

// leap passes over events that the reader has already. The caller holds the lock.
func (c *conn) leap() {
	for c.skip > 0 && c.cursor >= c.log.base && c.cursor < c.log.end() {
		if c.log.at(c.cursor).num > c.skip {
			c.skip = 0
			return
		}
		c.cursor++
	}
}

// account enters in the books what was written since the last time. The caller
// holds the lock.
func (c *conn) account() {
	h := c.hub
	h.stats.Bytes += c.bytes - c.counted.Bytes
	c.counted.Bytes = c.bytes
	for _, d := range c.done {
		h.stats.Delivered += int64(d.Events)
		c.counted.Events += d.Events
		c.counted.Num, c.counted.ID = d.Num, d.ID
		if h.cfg.Watcher != nil {
			d.Bytes = c.bytes
			h.cfg.Watcher.Delivered(c.visit, d)
		}
	}
	c.done = c.done[:0]
}

// Why connections end.
const (
	whyGone     = "the client left"
	whyTimeout  = "the client did not read in time"
	whyRefused  = "the client read nothing while events came"
	whyBehind   = "the client was too far behind"
	whyOver     = "the stream was over"
	whyGap      = "events are missing from here on"
	whyAge      = "the connection was old enough"
	whyClosed   = "the server was closed"
	whyStop     = "the server shut down"
	whyReset    = "the server was reset"
	whyHistory  = "the history failed"
	whyPanic    = "the handler panicked"
	whyHead     = "HEAD"
	whyRead     = "everything was read"
	whyWrite    = "the response can't be streamed"
	whyTooLarge = "the request's body was too large, or too slow"
)

// failed finds out why a write failed.
func (c *conn) failed(err error) How {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	switch late := errors.Is(err, os.ErrDeadlineExceeded); {
	case late && (c.order < Abort || c.order == gone): // HTTP/2 takes our own cut for the client's leaving
		c.settle(whyTimeout)
	case c.order >= Abort:
		return c.order
	default:
		c.settle(whyGone)
	}
	c.err = err
	return Abort
}

// broken is for a history that failed.
func (c *conn) broken(err error) How {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	if c.order >= Abort {
		return c.order
	}
	if errors.Is(err, errPastGap) {
		c.settle(whyGap)
		return Clean
	}
	c.settle(whyHistory)
	c.err = err
	return Abort
}
