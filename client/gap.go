package client

import "net/http"

// allThereIs asks a session stream for what the server still has: no event has
// that id.
const allThereIs = "0"

// checkGap looks at what a response says of where its replay starts. Asked is
// the last event ID of the request.
func (r *run) checkGap(asked string, h http.Header) error {
	before := r.serverRun
	if run := h.Get(sseRun); run != "" {
		r.serverRun = run
	}
	newRun := before != "" && r.serverRun != before
	if newRun && r.repeats != nil {
		r.repeats.forget() // equal ids are other events now
	}
	if asked == "" || (asked == allThereIs && r.kind != plain) {
		return nil
	}
	given := h.Get(lastEventID)
	if given == "" {
		given = h.Get("Mercure-Last-Event-ID")
	}
	switch {
	case newRun:
		return r.gap(&GapError{Asked: asked, Given: given, Reason: "server's counter has a new run"})
	case given != "" && given != asked:
		return r.gap(&GapError{Asked: asked, Given: given, Reason: "replay starts later"})
	}
	return nil
}

// gap reports a gap, or returns it if it is to end the loop.
func (r *run) gap(e *GapError) error {
	r.mu.Lock()
	r.stats.Gaps++
	r.mu.Unlock()
	if r.opts.FailOnGap {
		return e
	}
	r.report(e)
	return nil
}
