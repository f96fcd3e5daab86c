package client

import (
	"context"
)

// A Position is where a stream was left.
type Position struct {
	LastEventID string `json:"lastEventId"`

	// Run is the run of the server's id counter, if the server names it (response
	// header Sse-Run): an id says nothing to another run, though it may have it.
	Run string `json:"run,omitempty"`
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

	// Save keeps the position. When it returns nil, the position is safe.
	Save(ctx context.Context, target string, p Position) error
}

// saver is a source's dealings with the cursor. Saves are coalesced: many events
// come with one read, and the position after them is written before the next
// read, which may block, and before the loop ends. What a loop could not write is
// for the next one.
type saver struct {
	dirty bool  // the position is ahead of the cursor
	err   error // of the last save, until one succeeds
}

// load gets the position that an earlier process left.
func (r *run) load() error {
	if r.opts.Cursor == nil || r.loaded {
		return nil
	}
	p, ok, err := r.opts.Cursor.Load(r.ctx, r.target)
	if err != nil {
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		return &CursorError{Op: "load", Err: err}
	}
	r.loaded = true
	if ok {
		r.mu.Lock()
		r.pos.set(p.LastEventID, p.Run, true)
		r.mu.Unlock()
		r.serverRun = p.Run
	}
	return nil
}

// save writes the position if it has moved. A failure is reported and tried
// again at the next occasion.
func (r *run) save() {
	if r.opts.Cursor == nil || !r.cursor.dirty {
		return
	}
	r.mu.Lock()
	p := r.pos.kept()
	r.mu.Unlock()
	err := r.opts.Cursor.Save(context.WithoutCancel(r.ctx), r.target, p)
	if err == nil {
		r.cursor = saver{}
		return
	}
	first := r.cursor.err == nil
	r.cursor.err = &CursorError{Op: "save", Err: err}
	if first { // one report for each spell of failure
		r.report(r.cursor.err)
	}
}

// finish writes what is left to be written when the loop ends.
func (r *run) finish() error {
	r.save()
	return r.cursor.err
}
