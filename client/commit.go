package client

import (
	"context"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A source has two positions. The committed one, EventSource.pos, is what a cursor
// keeps and where the next loop begins. The yielded one is where the loop under way
// has come to, and where it resumes after a lost connection. Unless commits are
// manual the two are the same whenever a connection is opened, and pos is both.

// yielded returns the position behind the last event yielded.
func (es *EventSource) yielded() *position {
	if es.opts.ManualCommit {
		return &es.at
	}
	return &es.pos
}

// Commit marks what was yielded as done, as asking for the next event would; with
// Options.ManualCommit it alone does, for everything that was yielded so far. In the
// loop's body that includes the event at hand; after a break it does not. Commit
// saves the position, and returns the error of that: of the cursor, or of
// BeforeWait, which is called first. In BeforeWait it does not save: that follows.
//
// It is called on the goroutine that ranges: in the loop's body, or in a callback;
// from another one it would be a data race. Behind a loop it commits what that loop
// has yielded if commits are manual, and is too late otherwise.
func (es *EventSource) Commit() error {
	if r := es.active; r != nil {
		r.finishEvent()
		if r.uncommitted {
			r.uncommitted = false
			r.commitAll()
		}
		return r.saveNow()
	}
	if !es.opts.ManualCommit {
		return nil
	}
	if err := es.claim(); err != nil {
		return err
	}
	defer es.release()
	es.commitAll()
	if err := es.flush(); err != nil {
		return err
	}
	return es.write(context.Background())
}

// commitAll moves the committed position to the yielded one.
func (es *EventSource) commitAll() {
	es.pending.done(es.repeats)
	es.mu.Lock()
	moved := es.pos.copyFrom(&es.at)
	es.mu.Unlock()
	es.cursor.dirty = es.cursor.dirty || moved
}

// taken takes note that the body has asked for the next event.
func (r *run) taken() {
	r.finishEvent()
	if r.opts.SaveEach && r.cursor.dirty {
		r.beforeWait()
	}
}

// finishEvent takes note that the body is done with the event at hand, if there is
// one.
func (r *run) finishEvent() {
	if !r.atHand {
		return
	}
	ev := r.current
	r.current, r.atHand = sse.Event{}, false
	named := r.repeats != nil && hasOwnID(ev)
	if !r.opts.ManualCommit {
		if named {
			r.repeats.add(r.sum)
		}
		r.move(ev.ID, ev.HasID, r.emitted)
		return
	}
	if named {
		r.pending.add(r.sum, r.opts.RepeatWindow)
	}
	r.uncommitted = true
	r.move(ev.ID, ev.HasID, r.emitted)
}

// leave takes note that the body has left the loop without committing the event at
// hand: it is to come again.
func (r *run) leave() { r.current, r.atHand = sse.Event{}, false }

// move sets the position, see [position.set]. Where an event is yielded and not
// committed, that is the yielded one alone.
func (r *run) move(id string, named bool, at stamp) {
	if r.opts.ManualCommit {
		if r.at.set(id, r.serverRun, named, at) {
			r.unsent = false
		}
		if r.uncommitted {
			return
		}
	}
	r.mu.Lock()
	moved := r.pos.set(id, r.serverRun, named, at)
	r.mu.Unlock()
	if moved {
		r.cursor.dirty, r.unsent = true, false
	}
}

// pending are the hashes of events that were yielded and not committed, as many as
// the window holds: repeats of them are repeats as long as the loop runs.
type pending struct {
	sums   []uint64
	window *repeats // nil until the first
}

func (p *pending) add(sum uint64, window int) {
	if p.window == nil {
		p.window = newRepeats(window)
	}
	if len(p.sums) == 2*window { // move them only now and then
		p.sums = append(p.sums[:0], p.sums[window:]...)
	}
	p.sums = append(p.sums, sum)
	p.window.add(sum)
}

func (p *pending) has(sum uint64) bool { return len(p.sums) > 0 && p.window.has(sum) }

// done moves the hashes to those of events that are committed.
func (p *pending) done(to *repeats) {
	for _, sum := range p.sums {
		to.add(sum)
	}
	p.drop()
}

// drop forgets the hashes: their events are to come again.
func (p *pending) drop() {
	if len(p.sums) > 0 {
		p.sums = p.sums[:0]
		p.window.forget()
	}
}
