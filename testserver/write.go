package testserver

import "bytes"

// A verbatim is bytes for one connection that are no event.
type verbatim struct {
	at    uint64 // behind the frames before this number
	bytes []byte
}

// Write puts bytes as they are on the open connections of a stream: a session's
// id, a plain stream's name, or [Global]; "" is all. On each they come behind the
// events published before, and are in no log, so nobody gets them as a replay. It
// returns to how many connections they go, and does not wait for these.
func (s *Server) Write(stream string, b []byte) int {
	b = bytes.Clone(b)
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for c := range h.conns {
		if !c.isOn(stream) || c.order != stay {
			continue
		}
		n++
		c.verbatim = append(c.verbatim, verbatim{c.log.end(), b})
		if c.unwritten += len(b); c.unwritten > h.opts.LagBytes {
			c.command(orderAbort, whyBehind)
		}
		c.ring()
	}
	return n
}

// nextVerbatim takes the bytes that are to be written at the cursor; nil if there
// are none. The caller holds the lock.
func (c *conn) nextVerbatim() []byte {
	if len(c.verbatim) == 0 || c.verbatim[0].at > c.cursor {
		return nil
	}
	b := c.verbatim[0].bytes
	c.verbatim = c.verbatim[1:]
	c.unwritten -= len(b)
	return b
}
