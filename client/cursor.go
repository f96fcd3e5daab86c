package client

import (
	"context"
	"errors"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
)

// A Position is where a stream was left.
type Position struct {
	LastEventID string `json:"lastEventId"`

	// Run is the run of the server's id counter, if the server names it (response
	// header Sse-Run): an id says nothing to another run, though it may have it.
	Run string `json:"run,omitempty"`

	// Time is when the event was emitted, by the server's clock; zero if it did not
	// say, as on plain streams. It tells the events of another run apart where the
	// server names none.
	Time time.Time `json:"time,omitzero"`
}

// A Cursor keeps positions over restarts. A source calls it from the goroutine
// that ranges; one that several sources share must be safe for concurrent use.
//
// Target names the stream (see [EventSource.Target]): a position must never be
// applied to another one. The context of a Save is not cancelled with the
// loop's, so that the last position can still be written.
type Cursor interface {
	// Load returns the position kept for the target; ok is false if there is none.
	// It is called once, when the first loop begins.
	Load(ctx context.Context, target string) (p Position, ok bool, err error)

	// Save keeps the position. When it returns nil, the position is safe. Its error
	// is reported, and Save is called again at the next occasion; one that is marked
	// with [backoff.Permanent] ends the loop at once.
	Save(ctx context.Context, target string, p Position) error
}

// A Forgetter is a Cursor that can drop a position.
type Forgetter interface {
	// Forget drops the position kept for the target, if there is one.
	Forget(ctx context.Context, target string) error
}

// saver is a source's dealings with the cursor. Saves are coalesced: many events
// come with one read, and the position after them is written before the next
// read, which may block, and before the loop ends. What a loop could not write is
// for the next one.
type saver struct {
	dirty    bool  // the position is ahead of the cursor
	err      error // of the last save, until one succeeds
	flushErr error // of the last BeforeWait, until one succeeds
	flushing bool  // BeforeWait is being called
	over     bool  // the session's stream is over: its position is of no use for long
}

// An endedSaver is a cursor that keeps no position for ever.
type endedSaver interface {
	saveEnded(ctx context.Context, target string, p Position) error
}

// maxRun is the longest name of a run that is sent back to a server, in bytes. A
// longer one is a header of which the next server may refuse the whole request.
const maxRun = 256

// runName returns the name if it can be used.
func runName(s string) string {
	if len(s) > maxRun || !validValue(s) {
		return ""
	}
	return s
}

// load gets the position that an earlier process left.
func (r *run) load() error {
	if r.opts.Cursor == nil || r.loaded {
		return nil
	}
	ctx, cancel := context.WithCancelCause(r.ctx)
	defer cancel(nil)
	r.interruptible(cancel)
	p, ok, err := r.opts.Cursor.Load(ctx, r.target)
	if err != nil {
		if ended := r.done(); ended != nil {
			return ended
		}
		return &CursorError{Op: "load", Err: err}
	}
	r.loaded, r.followed = true, ok
	if ok {
		r.mu.Lock()
		r.pos.set(p.LastEventID, runName(p.Run), true, stampAt(p.Time))
		r.mu.Unlock()
		r.at.copyFrom(&r.pos)
		r.serverRun = r.pos.run
	}
	return nil
}

// beforeWait does what must not wait any longer: flush, then save. Each spell of
// failure is reported once, and what failed is tried again at the next occasion.
func (r *run) beforeWait() error {
	was := r.cursor
	err := r.flush()
	if err == nil {
		err = r.write(context.WithoutCancel(r.ctx))
	}
	if now := r.cursor; now.flushErr != nil && was.flushErr == nil || now.err != nil && was.err == nil {
		r.report(err)
	}
	if err != nil && r.fatal == nil && backoff.IsPermanent(err) {
		r.fatal = err
	}
	return err
}

// saveNow saves a position that was committed. In BeforeWait it leaves that to who
// called it.
func (r *run) saveNow() error {
	if r.opts.Cursor == nil || !r.cursor.dirty || r.cursor.flushing {
		return nil
	}
	return r.beforeWait()
}

// flush calls BeforeWait.
func (es *EventSource) flush() error {
	if es.opts.BeforeWait == nil || es.cursor.flushing {
		return nil
	}
	es.cursor.flushing = true
	defer func() { es.cursor.flushing = false }()
	es.cursor.flushErr = nil
	if err := es.opts.BeforeWait(); err != nil {
		es.cursor.flushErr = &BeforeWaitError{err}
	}
	return es.cursor.flushErr
}

// write writes the position if it has moved.
func (es *EventSource) write(ctx context.Context) error {
	if es.opts.Cursor == nil || !es.cursor.dirty {
		return nil
	}
	es.mu.Lock()
	p := es.pos.kept()
	es.mu.Unlock()
	save := es.opts.Cursor.Save
	if e, ok := es.opts.Cursor.(endedSaver); ok && es.cursor.over {
		save = e.saveEnded
	}
	if err := save(ctx, es.target, p); err != nil {
		es.cursor.err = &CursorError{Op: "save", Err: err}
		return es.cursor.err
	}
	es.cursor.dirty, es.cursor.over, es.cursor.err = false, false, nil
	return nil
}

// markOver takes note of how a loop ends, before the position is saved.
func (r *run) markOver(how error) {
	_, gone := errors.AsType[*SessionGoneError](how)
	if r.kind == sessionStream && (gone || errors.Is(how, errOver)) && r.LastEventID() != "" {
		r.cursor.over, r.cursor.dirty = true, true
	}
}

// finish flushes and writes what is left when the loop ends. What failed for good
// is not tried again; it is an error of a loop that has ended by itself meanwhile.
func (r *run) finish() error {
	if r.fatal != nil {
		return r.fatal
	}
	r.beforeWait()
	return errors.Join(r.cursor.flushErr, r.cursor.err)
}
