package hub

import (
	"encoding/json"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// greet sets the first bytes of a connection: connected, and behind it, where it starts
// live, a block with nothing but the newest id, so that a client resumes exactly also if
// it is cut before its first event. A plain stream has neither. The caller holds the
// lock.
func (c *conn) greet(live bool) {
	f := Frame{Stream: c.log.id.Kind, Kind: session.Connected, Session: c.quoted, At: time.Now()}
	switch c.log.id.Kind {
	case Plain:
		return
	case OfAll:
		f.Data, _ = json.Marshal(session.ConnectedData{ActiveSessions: c.hub.active}) // a number always can be
	}
	b := append([]byte(nil), c.hub.frame(&f)...)
	if live && !c.hub.cfg.Policy.NoStart {
		b = append(b, "id: "...)
		b = append(b, nameOf(max(c.hub.counter, c.skip), "0")...)
		b = append(b, "\n\n"...)
	}
	c.greeting = b
}

// heartbeat returns the frame that proves the path; on a plain stream, whose readers
// know no such event, a comment.
func (c *conn) heartbeat() []byte {
	if c.log.id.Kind == Plain {
		return []byte(": heartbeat\n\n")
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	f := Frame{Stream: c.log.id.Kind, Kind: session.Heartbeat, Session: c.quoted, At: time.Now()}
	return append([]byte(nil), c.hub.frame(&f)...)
}
