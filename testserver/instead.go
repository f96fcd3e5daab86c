package testserver

import (
	"io"
	"net/http"
	"time"
)

// instead lets a fault strike a request before it gets its stream. It tells
// whether the stream is still to come.
func (h *hub) instead(w http.ResponseWriter, r *http.Request, entry *Request, p *planted) bool {
	s := &p.fault.spec
	switch p.kind {
	case kindNoAnswer:
		h.hold(r, 0)
	case kindSlowHeaders:
		if h.hold(r, time.Duration(s.For)) {
			return true
		}
	case kindStatus:
		setRetryAfter(w.Header(), time.Duration(s.RetryAfter))
		if s.ContentType != "" {
			w.Header().Set("Content-Type", s.ContentType)
		}
		w.WriteHeader(s.Status)
		io.WriteString(w, s.Body)
		h.close(entry, s.Status, "fault "+p.kind.name)
		return false
	default:
		return true // it strikes later
	}
	h.close(entry, 0, "fault "+p.kind.name)
	panic(http.ErrAbortHandler)
}

// hold waits for a time, or for good if it is 0; false if the request or the
// server ended before.
func (h *hub) hold(r *http.Request, d time.Duration) bool {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		return true
	case <-r.Context().Done():
	case <-h.ctx.Done():
	}
	return false
}

// reshape changes the header of a stream's response.
func (p *planted) reshape(header http.Header) {}
