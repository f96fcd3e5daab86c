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
// Options.ManualCommit it alone does, for everything that was yielded so far, the
// event at hand included. It saves the position, and returns the error of that: of
// the cursor, or of BeforeWait, which is called first. In BeforeWait it does not
// save: that follows.
//
// It is called from the loop's body, or from a callback, on the goroutine that
// ranges. Behind a loop it commits what that loop has yielded if commits are manual,
// and is too late otherwise.
func (es *EventSource) Commit() error {
	if r := es.active; r != nil {
		r.commit()
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

// hand takes note of the event that the body is about to look at.
func (r *run) hand(ev sse.Event) {
	r.current, r.committed = ev, false
	if r.opts.ManualCommit {
		if r.repeats != nil && hasOwnID(ev) {
			r.pending.add(r.sum, r.opts.RepeatWindow)
		}
		r.at.set(ev.ID, r.serverRun, ev.HasID)
	}
}

// taken takes note that the body has asked for the next event.
func (r *run) taken() {
	if r.opts.ManualCommit {
		r.current = sse.Event{} // and it stays uncommitted
		return
	}
	r.commit()
	if r.opts.SaveEach && r.cursor.dirty {
		r.beforeWait()
	}
}

// commit commits what there is to commit.
func (r *run) commit() {
	if r.committed {
		return
	}
	ev := r.current
	r.current, r.committed = sse.Event{}, true
	if r.opts.ManualCommit {
		r.commitAll()
		return
	}
	if r.repeats != nil && hasOwnID(ev) {
		r.repeats.add(r.sum)
	}
	r.move(ev.ID, ev.HasID)
}

// move sets the position, see [position.set]. Where an event is yielded and not
// committed, that is the yielded one alone.
func (r *run) move(id string, named bool) {
	moved := false
	if r.opts.ManualCommit {
		moved = r.at.set(id, r.serverRun, named)
		if !r.committed {
			return
		}
	}
	r.mu.Lock()
	moved = r.pos.set(id, r.serverRun, named) || moved
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
