package testserver

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// A conn is one stream under way: a reader of a log, and where it writes to.
type conn struct {
	hub    *hub
	log    *eventLog
	wire   wire
	number int64 // of all streams of the server
	target target
	host   string // the client's address

	bell   chan struct{} // rung when there may be something to do; holds one ring
	beat   atomic.Bool   // a heartbeat is due
	faulty atomic.Bool   // armed is not empty

	// The delivering goroutine's own: what it has written.
	opened  time.Time
	heart   *time.Timer // lets the next heartbeat be due
	bytes   int64
	events  int    // that were sent
	offered int    // that were looked at by faults
	late    []byte // an event that a fault keeps for after the next one

	// Guarded by the hub's lock.
	cursor    uint64 // behind the frame that is being written
	order     order
	why       string        // what the journal will say
	entry     *Request      // in the journal
	running   bool          // the head is out
	verbatim  []verbatim    // to be written beside the events, oldest first
	unwritten int           // bytes in verbatim
	waitsAt   int           // 1 + its place on the log's waiting list; 0 if it is not there
	shapes    []*armed      // faults that shape its body
	armed     []*armed      // faults that may strike its body
	timers    []*time.Timer // ring when a fault is due by time
	lastFrame frame         // the one before the cursor
}

// An order tells a connection to end.
type order int

const (
	stay       order = iota
	orderEnd         // cleanly, when all is read
	orderAbort       // without the body's end
	orderReset       // with a TCP reset
	orderGone        // the client has left
)

func (c *conn) ring() {
	select {
	case c.bell <- struct{}{}:
	default: // it will look anyway
	}
}

// command gives an order, unless a harder one stands, and frees a write that
// hangs. The caller holds the lock.
func (c *conn) command(o order, why string) {
	if c.order >= orderAbort || c.order == o {
		return
	}
	c.order, c.why = o, why
	if o >= orderAbort && c.wire != nil {
		c.wire.kill(o == orderReset)
	}
	c.ring()
}

// deliver writes what the log has, and what it gets, until the connection ends.
// It returns how.
func (c *conn) deliver() order {
	o, err := c.follow()
	if err != nil {
		o = c.failed(err)
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.account()
	c.settle(c.why)
	return o
}

// settle says why the connection ends. What comes after changes nothing. The caller
// holds the lock.
func (c *conn) settle(why string) { c.order, c.why = orderGone, why }

// follow goes on until there is an end or an error of a write.
func (c *conn) follow() (order, error) {
	c.heart = time.AfterFunc(c.hub.opts.Heartbeat, func() {
		c.beat.Store(true)
		c.ring()
	})
	defer c.heart.Stop()
	b := batch{bytes: c.greeting(), whole: true}
	for {
		if o, err := c.write(b); o != stay || err != nil {
			return o, err
		}
		if o, err := c.strike(betweenEvents, nil); o != stay || err != nil {
			return o, err
		}
		var o order
		switch b, o = c.next(); {
		case o == orderEnd && c.late != nil:
			return o, c.send(c.late)
		case o != stay:
			return o, nil
		case b.bytes != nil:
		case c.beat.Swap(false):
			b.bytes = c.nextBeat()
		default:
			<-c.bell
		}
	}
}

// nextBeat returns a heartbeat, and lets the next one be due in time.
func (c *conn) nextBeat() []byte {
	c.heart.Reset(c.hub.opts.Heartbeat)
	return c.heartbeat()
}

// A batch is what a connection writes next.
type batch struct {
	bytes  []byte
	events int
	whole  bool // faults don't look at its events
}

// write sends a batch, in which faults may strike.
func (c *conn) write(b batch) (order, error) {
	switch {
	case len(b.bytes) == 0:
		return stay, nil
	case b.events > 0 && !b.whole:
		return c.writeEvent(b.bytes)
	case c.faulty.Load():
		return c.writeBytes(b.bytes)
	}
	err := c.send(b.bytes)
	if err == nil {
		c.events += b.events
	}
	return stay, err
}

// send writes body bytes.
func (c *conn) send(b []byte) error {
	if err := c.wire.write(b); err != nil {
		return err
	}
	c.bytes += int64(len(b))
	return nil
}

// next does the books of the last write and finds the next one: the frames that
// have gathered, or a single one while faults look at them. When there is nothing
// to write it has put the connection on the waiting list, unless a heartbeat is
// due.
func (c *conn) next() (b batch, o order) {
	h := c.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	c.account()
	if c.order >= orderAbort {
		return b, c.order
	}
	if b.bytes = c.nextVerbatim(); b.bytes != nil {
		return b, stay
	}
	b.whole = !c.faulty.Load() && len(c.verbatim) == 0
	var next uint64
	var ok bool
	b.bytes, next, ok = c.log.batch(c.cursor, !b.whole)
	switch {
	case !ok:
		c.settle(whyBehind)
		return b, orderAbort
	case b.bytes != nil:
		b.events = int(next - c.cursor)
		c.cursor, c.lastFrame = next, c.log.at(next-1)
		return b, stay
	case c.order == orderEnd:
		return b, orderEnd
	case c.log.over:
		c.settle(whyOver)
		return b, orderEnd
	}
	if !c.beat.Load() {
		c.log.wait(c)
	}
	return b, stay
}

// account enters in the books what was written since the last time. The caller
// holds the lock.
func (c *conn) account() {
	c.hub.stats.Bytes += c.bytes - c.entry.Bytes
	c.entry.Bytes = c.bytes
	if n := c.events - c.entry.Events; n > 0 {
		c.hub.stats.Delivered += int64(n)
		c.entry.Events = c.events
		c.entry.last = c.lastFrame
		c.log.delivered = max(c.log.delivered, c.cursor)
		c.log.deliveredNum = max(c.log.deliveredNum, c.lastFrame.num)
		c.hub.check()
	}
}

// Why connections end, as the journal says.
const (
	whyGone    = "the client left"
	whyTimeout = "the client did not read in time"
	whyBehind  = "the client was too far behind"
	whyOver    = "the session was over"
	whyDropped = "dropped"
	whyClosed  = "the server was closed"
	whyRestart = "the server restarted"
	whyReset   = "the server was reset"
	whyStop    = "the server shut down"
)

// failed finds out why a write failed.
func (c *conn) failed(err error) order {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	switch late := errors.Is(err, os.ErrDeadlineExceeded); {
	case late && (c.order < orderAbort || c.order == orderGone): // HTTP/2 takes our own cut for the client's leaving
		c.settle(whyTimeout)
	case c.order >= orderAbort:
		return c.order
	default:
		c.settle(whyGone)
	}
	return orderAbort
}
