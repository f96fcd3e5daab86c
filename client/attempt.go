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

// connect makes the connection, up to where its events begin.
func (r *run) connect(c *conn) error {
	lease, err := r.admission()
	if err != nil {
		return err
	}
	defer lease.Release()
	r.beforeWait()
	if r.heldUpByCallbacks() {
		return r.giveUp(nil)
	}
	r.schedule.Attempt()
	r.mu.Lock()
	r.stats.Attempts++
	r.mu.Unlock()
	r.observe(Transition{State: Connecting})
	if err := r.done(); err != nil {
		return err
	}
	asked, err := r.open(c)
	r.settle(lease, c, err)
	if err != nil {
		return err
	}
	r.mu.Lock()
	if r.opened {
		r.stats.Reconnects++
	}
	r.mu.Unlock()
	r.opened, r.served = true, true
	if r.opts.HealthyAfter == 0 {
		r.succeed()
	}
	r.observe(Transition{State: Open, Header: c.header})
	return r.checkGap(asked, c.header)
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
		r.move(id, false)
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
	control := r.kind != plain && session.IsControl(ev)
	switch {
	case control && !r.opts.ControlFrames:
		return nil
	case control:
	case r.repeated(ev):
		return r.over(ev)
	default:
		r.succeed()
		c.sawEvent()
	}
	r.mu.Lock()
	r.stats.Events++
	if !control {
		r.stats.LastEvent = c.lastRead
	}
	r.mu.Unlock()

	r.current, r.atHand = ev, true
	if !r.yield(ev, nil) {
		r.leave()
		return errBreak
	}
	r.taken()
	return r.over(ev)
}

// over returns errOver if the event ends its session, and the loop with it. A
// malformed one does not.
func (r *run) over(ev sse.Event) error {
	if r.kind != sessionStream || r.opts.FollowEnded || session.KindOf(ev) != session.Ended {
		return nil
	}
	if _, err := session.Parse(ev); err != nil {
		return nil
	}
	return errOver
}
