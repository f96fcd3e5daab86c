package client

import (
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// attempt makes one connection and delivers its events until it fails.
func (r *run) attempt() error {
	r.progress, r.paced = false, false
	conn := newConn(r)
	defer conn.close()
	if err := r.connect(conn); err != nil {
		return err
	}
	err := r.deliver(conn)
	if conn.healthy() {
		r.succeed()
	}
	if d := conn.dec.Retry(); d > 0 {
		r.retry = d
		r.schedule.SetInitial(d)
	}
	r.lost(err)
	return err
}

// connect makes the connection, up to where its events begin. What is on its stack
// while it waits is on that of each stream for good: a stack that has grown hardly
// ever shrinks again.
func (r *run) connect(c *conn) error {
	lease, err := r.admission()
	if err != nil {
		return err
	}
	defer lease.Release()
	if err := r.start(); err != nil {
		return err
	}
	asked, err := r.open(c)
	r.settle(lease, c, err)
	if err != nil {
		return r.gone(err)
	}
	return r.begin(c, asked)
}

// start begins an attempt, unless callbacks have said or shown that there is none.
func (r *run) start() error {
	r.beforeWait()
	if r.heldUpByCallbacks() {
		return r.giveUp(nil)
	}
	r.schedule.Attempt()
	r.mu.Lock()
	r.stats.Attempts++
	r.mu.Unlock()
	r.observe(Connecting, news{})
	return r.done()
}

// begin takes note that the stream is open, and looks at how its response begins.
func (r *run) begin(c *conn, asked string) error {
	again := r.opened
	r.mu.Lock()
	if again {
		r.stats.Reconnects++
	}
	r.mu.Unlock()
	r.opened, r.served = true, true
	if r.opts.HealthyAfter == 0 {
		r.succeed()
	}
	r.observe(Open, news{header: c.header})
	if err := r.checkGap(asked, c.header); err != nil {
		return err
	}
	return r.lookAt(c, asked, again)
}

// deliver yields the connection's events.
func (r *run) deliver(c *conn) error {
	id := string(r.yielded().id)
	c.dec = sse.NewDecoder(c, &sse.DecoderOptions{LastEventID: id, MaxEventSize: r.opts.MaxEventSize, Comment: r.opts.OnComment})
	c.handled = append(c.handled, id...)
	for {
		if err := r.done(); err != nil {
			return err
		}
		ev, err := c.dec.Next()
		if err != nil {
			r.moveOn(c) // the end may have come with the last bytes, without another read
			return c.cause(err)
		}
		if err := r.event(c, ev); err != nil {
			return err
		}
	}
}

// beforeRead is called when the connection is about to wait for bytes: all that
// was decoded is done.
func (r *run) beforeRead(c *conn) {
	r.moveOn(c)
	r.beforeWait()
}

// moveOn moves the position past the last event if a block without data has moved
// it since. An event that was dropped as a repeat has not.
func (r *run) moveOn(c *conn) { r.moveTo(c, c.dec.LastEventID()) }

func (r *run) moveTo(c *conn, id string) {
	if id != string(c.handled) {
		c.handled = append(c.handled[:0], id...)
		r.move(id, false, stamp{})
	}
}

// afterRead is called when n bytes have come.
func (r *run) afterRead(n int) {
	r.mu.Lock()
	r.stats.Bytes += int64(n)
	r.mu.Unlock()
}

// event takes one event of the stream and yields it, if it is for the caller.
func (r *run) event(c *conn, ev sse.Event) error {
	if !ev.HasID {
		r.moveTo(c, ev.ID) // a block without data came before it
	}
	c.handled = append(c.handled[:0], ev.ID...)
	kind, at := r.peek(ev)
	control := r.kind != plain && session.IsControl(ev)
	switch {
	case control:
		if kind == session.Connected {
			r.greeted(c, at)
		}
		if !r.opts.ControlFrames {
			return nil
		}
	case r.tooEarly(c, at):
		return nil
	default:
		repeat := r.repeated(ev)
		if err := r.check(c, ev, at, repeat); err != nil {
			return err
		}
		if repeat {
			return r.over(ev, kind)
		}
		if kind != session.Shutdown { // a server that says no more is about to go
			r.succeed()
		}
		c.sawEvent()
	}
	r.mu.Lock()
	r.stats.Events++
	if !control {
		r.stats.LastEvent = c.lastRead
	}
	r.mu.Unlock()

	r.current, r.atHand, r.emitted = ev, true, at
	if !r.yield(ev, nil) {
		r.leave()
		return errBreak
	}
	r.taken()
	return r.over(ev, kind)
}

// peek returns the kind of an event of a session stream, and when it was emitted.
func (r *run) peek(ev sse.Event) (session.Kind, stamp) {
	if r.kind == plain {
		return "", stamp{}
	}
	kind, timestamp := session.Peek(ev)
	return kind, stampOf(timestamp)
}

// over returns errOver if the event ends its session, and the loop with it. A
// malformed one does not. A server that shuts down has left its port by then, and
// may keep the global stream open for a while: that is left at once.
func (r *run) over(ev sse.Event, kind session.Kind) error {
	switch {
	case r.kind == globalStream && kind == session.Shutdown && !ev.HasID:
		return ErrShutdown
	case r.kind != sessionStream || r.opts.FollowEnded || kind != session.Ended:
		return nil
	}
	if _, err := session.Parse(ev); err != nil {
		return nil
	}
	return errOver
}
