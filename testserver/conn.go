package testserver

import (
	"context"
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
	opened time.Time
	bytes  int64
	events int

	// Guarded by the hub's lock.
	cursor    uint64 // behind the frame that is being written
	order     order
	why       string        // what the journal will say
	entry     *Request      // in the journal
	running   bool          // the head is out
	waitsAt   int           // 1 + its place on the log's waiting list; 0 if it is not there
	armed     []*armed      // faults that may strike this connection
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
		c.wire.kill()
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
	return o
}

// follow goes on until there is an end or an error of a write.
func (c *conn) follow() (order, error) {
	beat := time.AfterFunc(c.hub.opts.Heartbeat, func() {
		c.beat.Store(true)
		c.ring()
	})
	defer beat.Stop()
	if b := c.greeting(); b != nil {
		if o, err := c.write(b, 0); o != stay || err != nil {
			return o, err
		}
	}
	for {
		if o, err := c.strike(nil); o != stay || err != nil {
			return o, err
		}
		b, events, o := c.next()
		if o != stay {
			return o, nil
		}
		if b == nil {
			if !c.beat.Swap(false) {
				<-c.bell
				continue
			}
			beat.Reset(c.hub.opts.Heartbeat)
			b = c.heartbeat()
		}
		if o, err := c.write(b, events); o != stay || err != nil {
			return o, err
		}
	}
}

// write sends body bytes, in which faults may strike.
func (c *conn) write(b []byte, events int) (order, error) {
	if c.faulty.Load() {
		if o, err := c.writeFaulty(b, events > 0); o != stay || err != nil {
			return o, err
		}
	} else {
		if err := c.wire.write(b); err != nil {
			return stay, err
		}
		c.bytes += int64(len(b))
	}
	c.events += events
	return stay, nil
}

// next does the books of the last write and finds the next one: the frames that
// have gathered, or a single one while faults look at them. It returns nil when
// there is nothing to write, and has then put the connection on the waiting list
// unless a heartbeat is due.
func (c *conn) next() (b []byte, events int, o order) {
	h := c.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	c.account()
	if c.order >= orderAbort {
		return nil, 0, c.order
	}
	b, next, ok := c.log.batch(c.cursor, c.faulty.Load())
	switch {
	case !ok:
		c.why = whyBehind
		return nil, 0, orderAbort
	case b != nil:
		events = int(next - c.cursor)
		c.cursor, c.lastFrame = next, c.log.at(next-1)
		return b, events, stay
	case c.order == orderEnd:
		return nil, 0, orderEnd
	case c.log.over:
		c.why = whyOver
		return nil, 0, orderEnd
	}
	if !c.beat.Load() {
		c.log.wait(c)
	}
	return nil, 0, stay
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
	whyStop    = "the server shut down"
)

// failed finds out why a write failed.
func (c *conn) failed(err error) order {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	if c.order >= orderAbort {
		return c.order
	}
	c.why = whyGone
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		c.why = whyTimeout
	}
	return orderAbort
}
