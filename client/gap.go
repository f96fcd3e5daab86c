package client

import "net/http"

// allThereIs asks a session stream for what the server still has: no event has
// that id.
const allThereIs = "0"

const newRunReason = "server's counter has a new run"

// checkGap looks at what a response says of where its replay starts. Asked is
// the last event ID of the request.
func (r *run) checkGap(asked string, h http.Header) error {
	before, run := r.serverRun, runName(h.Get(sseRun))
	newRun := before != "" && run != "" && run != before
	if asked != "" && (asked != allThereIs || r.kind == plain) {
		if err := r.signalled(asked, given(h), run, newRun); err != nil {
			return err // and all stays as it is: the next loop meets the same gap
		}
	}
	if run != "" {
		r.serverRun = run
	}
	if newRun && r.repeats != nil {
		r.repeats.forget() // equal ids are other events now
		r.pending.drop()
	}
	return nil
}

// signalled tells of the gap that a response's header speaks of.
func (r *run) signalled(asked, given, run string, newRun bool) error {
	switch {
	case newRun:
		return r.gap(&GapError{Asked: asked, Given: given, Reason: newRunReason, Certain: true, NewRun: newRun, run: run})
	case given != "" && given != asked:
		return r.gap(&GapError{Asked: asked, Given: given, Reason: "replay starts later", Certain: true, NewRun: newRun, run: run})
	}
	return nil
}

// given returns where a response's replay starts, if it says so.
func given(h http.Header) string {
	if id := h.Get(lastEventID); id != "" {
		return id
	}
	return h.Get("Mercure-Last-Event-ID")
}

// gap reports a gap, or returns it if it is to end the loop.
func (r *run) gap(e *GapError) error {
	r.mu.Lock()
	r.stats.Gaps++
	r.mu.Unlock()
	if e.Certain && r.opts.FailOnGap || !e.Certain && r.opts.FailOnUncertainGap {
		r.refused = e
		return e
	}
	r.report(e)
	return nil
}
