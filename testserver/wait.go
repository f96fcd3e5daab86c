package testserver

import (
	"context"
	"fmt"
)

// A wait is for a fact about the hub. It is looked at when something changes,
// never on a clock.
type wait struct {
	met  func() bool // called with the lock held
	done chan struct{}
}

// check looks at all waits. The caller holds the lock.
func (h *hub) check() {
	for w := range h.waits {
		if w.met() {
			close(w.done)
			delete(h.waits, w)
		}
	}
}

// await waits until the fact is one. The error is the context's cause, or
// that the server was closed.
func (h *hub) await(ctx context.Context, what string, met func() bool) error {
	w := &wait{met: met, done: make(chan struct{})}
	h.mu.Lock()
	if met() {
		h.mu.Unlock()
		return nil
	}
	h.waits[w] = struct{}{}
	h.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
	case <-h.ctx.Done():
		return errClosed
	}
	h.mu.Lock()
	delete(h.waits, w)
	h.mu.Unlock()
	return fmt.Errorf("testserver: waiting for %s: %w", what, context.Cause(ctx))
}

// WaitConns waits until exactly n streams are under way.
func (s *Server) WaitConns(ctx context.Context, n int) error {
	return s.hub.await(ctx, fmt.Sprintf("%d connections", n), func() bool { return s.hub.openOn("") == n })
}

// WaitDelivered waits until the event with the id, or a later one, was written to
// a connection of the stream: a session's id or [Global].
func (s *Server) WaitDelivered(ctx context.Context, stream string, id int64) error {
	return s.hub.await(ctx, fmt.Sprintf("delivery of %d on %s", id, stream), func() bool {
		return s.hub.hasDelivered(stream, id)
	})
}

// WaitRequests waits until the server has seen n requests for streams.
func (s *Server) WaitRequests(ctx context.Context, n int) error {
	return s.hub.await(ctx, fmt.Sprintf("%d requests", n), func() bool { return s.hub.journal.count >= int64(n) })
}

// WaitDelivered waits until the event with the id, which must be one of the
// window, was written to a connection of the stream.
func (st *Stream) WaitDelivered(ctx context.Context, id string) error {
	return st.hub.await(ctx, fmt.Sprintf("delivery of %q on %s", id, st.name), func() bool {
		return st.log.hasDelivered(id)
	})
}

// openOn is how many connections of a stream, or of all if it is "", are under
// way: their response's head is out. The caller holds the lock.
func (h *hub) openOn(stream string) (n int) {
	if stream == "" {
		return h.running
	}
	for c := range h.conns {
		if c.running && c.isOn(stream) {
			n++
		}
	}
	return n
}

// hasDelivered tells whether an event of a session or of the global stream, or a
// later one, was written to a connection. The caller holds the lock.
func (h *hub) hasDelivered(stream string, id int64) bool {
	l := h.numbered(stream)
	return l != nil && l.deliveredNum >= id
}

// hasDelivered tells the same of an event of the window, by its name.
func (l *eventLog) hasDelivered(name string) bool {
	for n := l.end(); n > l.base; n-- {
		if l.at(n-1).name() == name {
			return n <= l.delivered
		}
	}
	return false
}

// numbered returns the log of a session or the global one; nil if there is none.
// The caller holds the lock.
func (h *hub) numbered(stream string) *eventLog {
	if stream == Global {
		return h.global
	}
	if s := h.sessions[stream]; s != nil {
		return s.log
	}
	return nil
}
