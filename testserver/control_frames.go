package testserver

import (
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// greeting returns the first frame of a connection; nil on a plain stream, which
// has none.
func (c *conn) greeting() []byte {
	switch c.target.kind {
	case sessionStream:
		return appendFrame(nil, 0, session.Connected, c.target.ses.quoted, nil, time.Now())
	case globalStream:
		data, _ := encodeData(session.ConnectedData{ActiveSessions: c.hub.active()})
		return appendFrame(nil, 0, session.Connected, nil, data, time.Now())
	}
	return nil
}

// heartbeat returns the frame that proves the path; on a plain stream, whose
// readers know no such event, a comment.
func (c *conn) heartbeat() []byte {
	switch c.target.kind {
	case sessionStream:
		return appendFrame(nil, 0, session.Heartbeat, c.target.ses.quoted, nil, time.Now())
	case globalStream:
		return appendFrame(nil, 0, session.Heartbeat, nil, nil, time.Now())
	}
	return []byte(": heartbeat\n\n")
}

// active is how many sessions have not ended.
func (h *hub) active() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sessions {
		if !s.ended {
			n++
		}
	}
	return n
}
