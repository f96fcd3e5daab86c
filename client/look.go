package client

import (
	"strconv"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Real Aegis servers say nothing of what they could not replay. On session streams
// of a server that names no run, what its frames tell is looked at here: ids are
// numbers of one counter, events have the time at which they were emitted, and
// connected, the first frame, has that of the connection. package client's
// documentation says what can't be seen this way.

// idsSeen is what a source has seen of the ids of such a server.
type idsSeen struct {
	began stamp // of the first connected, while there is no position; zero: there is, or was
	none  bool  // events of a global stream have none
	steps int   // by one, of a global stream; -1: it has holes
}

// look is what is known of one connection of such a server.
type look struct {
	on      bool
	asked   int64    // number of the last event ID asked for; 0: none
	fromAll bool     // all there is was asked for, to find what came since ids.began
	keep    bool     // nothing of that is too early: the clock was put back
	blind   bool     // an earlier connection brought nothing to tell whether there are ids
	from    stamp    // of connected
	began   position // before the first event
	events  int      // replayed
	first   int64    // the id of the first of them
	settled bool     // nothing is left to find out about the replay
	under   bool     // an event with an id has come
}

// lookAt begins to look at a response, unless its server speaks for itself. Again
// says that it is not the source's first.
func (r *run) lookAt(c *conn, asked string, again bool) error {
	if r.kind == plain || c.header.Get(sseRun) != "" {
		return nil
	}
	l := &c.look
	l.on = true
	l.began.copyFrom(r.yielded())
	l.asked, _ = number(asked)
	l.fromAll = r.asksForAll()
	l.settled = given(c.header) != "" || l.asked == 0 && !l.fromAll
	if r.kind != globalStream || !again || len(l.began.id) > 0 {
		return nil
	}
	if r.ids.none {
		return r.gap(r.withoutIDs())
	}
	l.blind = true
	return nil
}

func (r *run) withoutIDs() *GapError {
	return &GapError{Reason: "stream has no ids: nothing tells what came meanwhile"}
}

// asksForAll tells whether the request asks for all there is because the stream was
// lost before its first event.
func (r *run) asksForAll() bool { return len(r.yielded().id) == 0 && r.ids.began.known() }

// number returns the number that an id is. Servers count from 1.
func number(id string) (n int64, ok bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil && n > 0
}

// greeted takes note of a connection's first frame.
func (r *run) greeted(c *conn, at stamp) {
	l := &c.look
	if !l.on || l.from.known() {
		return
	}
	l.from = at
	switch {
	case l.fromAll:
		l.keep = r.ids.began.after(at)
	case len(l.began.id) == 0:
		r.ids.began = at
	}
}

// tooEarly tells whether an event is from before the source began, at the moment
// from which it was to be live.
func (r *run) tooEarly(c *conn, at stamp) bool {
	l := &c.look
	if !l.fromAll || l.keep || !r.ids.began.after(at) {
		return false
	}
	l.settled = true // the replay reaches back to before the beginning
	return true
}

// check looks at an event that is about to be yielded, or to be dropped as a repeat,
// and returns a gap that is to end the loop.
func (r *run) check(c *conn, ev sse.Event, at stamp, repeat bool) error {
	l := &c.look
	if !l.on {
		return nil
	}
	n, ok := number(ev.ID)
	if !ok || !ev.HasID {
		return r.checkWithoutID(c, ev)
	}
	l.blind = false
	before, known := number(string(r.yielded().id))
	first := !l.under
	l.under = true
	if known && n <= before {
		l.settled = true // the replay reaches back to the position, or it is over
		if repeat {
			return nil
		}
		return r.checkRun(at)
	}
	if err := r.checkStep(c, before, n, first); err != nil {
		return err
	}
	return r.checkReplay(c, n, at, first)
}

func (r *run) checkWithoutID(c *conn, ev sse.Event) error {
	if r.kind != globalStream || ev.HasID || session.KindOf(ev) == session.Shutdown {
		return nil // that one has none anywhere
	}
	r.ids.none = true
	if !c.look.blind {
		return nil
	}
	c.look.blind = false
	return r.gap(r.withoutIDs())
}

// checkRun looks at an event whose id is not above the position: the server has
// begun to count anew if it was emitted later; else it is a repeat.
func (r *run) checkRun(at stamp) error {
	before := r.yielded()
	if !at.after(before.at) {
		return nil
	}
	if err := r.gap(&GapError{Asked: string(before.id), Reason: newRunReason, Certain: true, NewRun: true}); err != nil {
		return err
	}
	if r.repeats != nil {
		r.repeats.forget() // equal ids are other events now
	}
	r.pending.drop()
	r.ids.steps = 0
	return nil
}

// checkStep looks for a jump of a global stream's ids, which are contiguous where
// it has the events of all sessions.
func (r *run) checkStep(c *conn, before, n int64, first bool) error {
	switch steps := r.ids.steps; {
	case r.kind != globalStream || before == 0 || steps < 0:
		return nil
	case n == before+1:
		r.ids.steps++
		return nil
	case steps == 0:
		return nil
	case !first:
		r.ids.steps = -1 // in one connection nothing is lost: they are not contiguous here
	}
	c.look.settled = true
	return r.gap(&GapError{Asked: strconv.FormatInt(before, 10), Given: strconv.FormatInt(n-1, 10), Reason: "ids have jumped"})
}

// checkReplay counts what comes from before the connection. As many events as a
// server keeps may be the end of more, unless they begin where the position is.
func (r *run) checkReplay(c *conn, n int64, at stamp, first bool) error {
	l := &c.look
	if l.settled || !l.from.known() {
		return nil
	}
	if at.after(l.from) || !at.known() || first && n == l.asked+1 {
		l.settled = true
		return nil
	}
	if l.events++; l.events == 1 {
		l.first = n
	}
	if l.events < r.opts.ServerWindow || r.opts.ServerWindow == 0 {
		return nil
	}
	l.settled = true
	gap := &GapError{Asked: string(l.began.id), Given: strconv.FormatInt(l.first-1, 10), Reason: "replay is as long as the server keeps events"}
	err := r.gap(gap)
	if err != nil {
		r.goBack(&l.began) // the next loop is to meet the gap again
	}
	return err
}

// goBack moves the committed position to where it was before a replay.
func (r *run) goBack(to *position) {
	if r.opts.ManualCommit {
		return // the body decides what is done
	}
	r.mu.Lock()
	moved := r.pos.copyFrom(to)
	r.mu.Unlock()
	r.cursor.dirty = r.cursor.dirty || moved
}
