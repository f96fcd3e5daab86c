package client

import (
	"context"
	"errors"
	"fmt"
)

// Drain ends one loop quietly: the one under way, or, where none is, the next. A
// loop that waits, for bytes or for an attempt, is cut at once; one whose body is
// at work lets it be done with its event, and that is committed as always. The
// position is saved, and no error is yielded. With Options.ManualCommit Drain
// commits nothing by itself: BeforeWait is called before the loop ends, and may.
//
// A loop that ends for another reason leaves it to the next, so a caller that
// ranges again stops all the same. Drain may be called from any goroutine.
func (es *EventSource) Drain() {
	es.mu.Lock()
	defer es.mu.Unlock()
	es.draining.Store(true)
	if es.interrupt != nil {
		es.interrupt(errDrained)
	}
}

// errDrained ends a loop that is told to.
var errDrained = errors.New("client: loop was told to end")

// interruptible makes cancel what [EventSource.Drain] calls from now on.
func (r *run) interruptible(cancel context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.interrupt = cancel
	if r.draining.Load() {
		cancel(errDrained)
	}
}

// done returns why the loop is to end although nothing has failed; nil if it is
// not.
func (r *run) done() error {
	if r.fatal != nil {
		return r.fatal
	}
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	if r.draining.Load() {
		return errDrained
	}
	return nil
}

// Accept accepts the gap that ended the last loop: the next one starts where the
// response with the gap began, and what was lost stays lost. The position that it
// starts from is saved before its first wait. The error is [ErrBusy] while a loop
// runs, or says that the last loop has not ended with this gap.
func (es *EventSource) Accept(gap *GapError) error {
	if err := es.claim(); err != nil {
		return err
	}
	defer es.release()
	if gap == nil || gap != es.refused {
		return errors.New("client: this gap has not ended the last loop: it can't be accepted")
	}
	es.refused, es.pace = nil, pace{}
	es.at.copyFrom(&es.pos)
	es.pending.drop()
	if gap.run != "" && gap.run != es.serverRun {
		es.serverRun = gap.run
		if es.repeats != nil {
			es.repeats.forget() // equal ids are other events now
		}
	}
	switch {
	case gap.Given != "":
		es.place(gap.Given, gap.run)
	case es.pos.unsendable():
		es.place("", "") // that is how it would have been asked
	case es.kind != plain:
		es.place(allThereIs, gap.run)
	}
	// Else the same request brings the same response, and the run is known now.
	return nil
}

// Seek moves the position: the next loop begins behind the event with this id, and
// with what comes live if the id is empty. What was yielded and not committed is
// forgotten, and so are the run of the server's counter, the events that were
// remembered as repeats, and a position that a cursor holds. The error is [ErrBusy]
// while a loop runs.
func (es *EventSource) Seek(id string) error {
	if err := es.claim(); err != nil {
		return err
	}
	defer es.release()
	es.loaded = true
	es.serverRun, es.refused, es.pace = "", nil, pace{}
	if es.repeats != nil {
		es.repeats.forget()
	}
	es.place(id, "")
	return nil
}

// place moves both positions.
func (es *EventSource) place(id, run string) {
	es.pending.drop()
	es.ids.began = stamp{}
	es.mu.Lock()
	es.pos = position{}
	es.pos.set(id, run, true, stamp{})
	es.mu.Unlock()
	es.at.copyFrom(&es.pos)
	es.cursor.dirty = true
}

// Forget drops the position that the cursor keeps for this source, which must be a
// [Forgetter]: a stream that is over needs none. The source itself keeps its
// position, and a later loop that moves it saves it again. The error is [ErrBusy]
// while a loop runs, a [*CursorError] of the cursor, or [errors.ErrUnsupported].
func (es *EventSource) Forget() error {
	if err := es.claim(); err != nil {
		return err
	}
	defer es.release()
	if es.opts.Cursor == nil {
		return nil
	}
	f, ok := es.opts.Cursor.(Forgetter)
	if !ok {
		return &CursorError{Op: "forget", Err: fmt.Errorf("%T can't: %w", es.opts.Cursor, errors.ErrUnsupported)}
	}
	if err := f.Forget(context.Background(), es.target); err != nil {
		return &CursorError{Op: "forget", Err: err}
	}
	es.cursor.dirty = false
	return nil
}

// claim keeps loops away, and other calls that keep them away.
func (es *EventSource) claim() error {
	if es.url == nil {
		return errNotMade
	}
	if !es.busy.CompareAndSwap(false, true) {
		return ErrBusy
	}
	return nil
}

func (es *EventSource) release() { es.busy.Store(false) }
