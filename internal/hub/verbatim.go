package hub

import "bytes"

// A verbatim is bytes for one connection that are no event.
type verbatim struct {
	at    uint64 // behind the frames before this number
	bytes []byte
}

// Write puts bytes as they are on the open connections of the streams that match. On
// each they come behind the events published before, and are in no log, so nobody gets
// them as a replay. It returns to how many connections they go, and does not wait for
// these.
func (h *Hub) Write(match func(StreamID) bool, b []byte) (n int) {
	b = bytes.Clone(b)
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		if match(c.log.id) && c.write(b) {
			n++
		}
	}
	return n
}

// write does the same on one stream. The caller holds the lock.
func (h *Hub) write(l *eventLog, b []byte) {
	for c := range l.readers {
		c.write(b)
	}
}

// write lets bytes be written behind the newest event; false if the connection is to
// end. The caller holds the lock.
func (c *conn) write(b []byte) bool {
	if c.order != Stay {
		return false
	}
	c.verbatim = append(c.verbatim, verbatim{c.log.end(), b})
	if c.unwritten += cost(b); c.unwritten > c.hub.cfg.LagBytes {
		c.command(Abort, whyBehind)
	}
	c.ring()
	return true
}

// nextVerbatim takes the bytes that are to be written at the cursor; nil if there
// are none. The caller holds the lock.
func (c *conn) nextVerbatim() []byte {
	if len(c.verbatim) == 0 || c.verbatim[0].at > c.cursor {
		return nil
	}
	b := c.verbatim[0].bytes
	c.verbatim = c.verbatim[1:]
	c.unwritten -= cost(b)
	return b
}

// cost is what bytes count for that wait for a connection: with what keeps them.
func cost(b []byte) int { return 64 + len(b) }
