package testserver

import (
	"context"
	"fmt"
	"strconv"
)

// A wait is for a fact in the book. It is looked at when something changes, never on a
// clock.
type wait struct {
	met  func() bool // called with the book's lock held
	done chan struct{}
}

// check looks at all waits. The caller holds the lock.
func (b *book) check() {
	for w := range b.waits {
		if w.met() {
			close(w.done)
			delete(b.waits, w)
		}
	}
}

// await waits until the fact is one. The error is the context's cause, or that the
// server was closed.
func (b *book) await(ctx context.Context, what string, met func() bool) error {
	w := &wait{met: met, done: make(chan struct{})}
	b.mu.Lock()
	if met() {
		b.mu.Unlock()
		return nil
	}
	b.waits[w] = struct{}{}
	b.mu.Unlock()
	var err error
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-b.done:
		err = errClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waits, w)
	if met() { // the fact and the end came together
		return nil
	}
	return fmt.Errorf("testserver: waiting for %s: %w", what, err)
}

// WaitConns waits until exactly n streams are open: their response's head is on its
// way.
func (s *Server) WaitConns(ctx context.Context, n int) error {
	return s.book.await(ctx, fmt.Sprintf("%d connections", n), func() bool { return s.book.running == n })
}

// WaitConnsOn waits until exactly n connections of one stream are open.
func (s *Server) WaitConnsOn(ctx context.Context, stream string, n int) error {
	return s.book.await(ctx, fmt.Sprintf("%d connections of %q", n, stream), func() bool { return s.book.openOn(stream) == n })
}

// WaitDelivered waits until the event with the id was written, as a whole, to a
// connection of the stream: a session's id or [Global]. An event that nobody got is not
// delivered, whatever came after it.
func (s *Server) WaitDelivered(ctx context.Context, stream string, id int64) error {
	return s.WaitDeliveredID(ctx, stream, strconv.FormatInt(id, 10))
}

// WaitDeliveredID does the same for any stream and any id. Of several events with one
// id, the newest is meant.
func (s *Server) WaitDeliveredID(ctx context.Context, stream, id string) error {
	return s.book.await(ctx, fmt.Sprintf("delivery of %q on %q", id, stream), func() bool {
		r := s.book.find(stream)
		return r != nil && r.delivered(id, r.got)
	})
}

// WaitDeliveredTo does the same for the connection of one request, by its number in
// the journal.
func (s *Server) WaitDeliveredTo(ctx context.Context, request int64, id string) error {
	return s.book.await(ctx, fmt.Sprintf("delivery of %q to request %d", id, request), func() bool {
		e := s.book.entry(request)
		return e != nil && e.record != nil && e.record.delivered(id, e.got)
	})
}

// WaitRequests waits until the server has seen n requests for streams.
func (s *Server) WaitRequests(ctx context.Context, n int) error {
	return s.book.await(ctx, fmt.Sprintf("%d requests", n), func() bool { return s.book.streams >= int64(n) })
}

// WaitRequestsOn waits until the journal has n requests for one stream.
func (s *Server) WaitRequestsOn(ctx context.Context, stream string, n int) error {
	return s.book.await(ctx, fmt.Sprintf("%d requests for %q", n, stream), func() bool { return s.book.requestsOn(stream) >= n })
}

// openOn is how many connections of a stream, or of all if it is "", are open. The
// caller holds the lock.
func (b *book) openOn(stream string) int {
	if stream == "" {
		return b.running
	}
	n := 0
	if r := b.find(stream); r != nil {
		n = r.open
	}
	for e := range b.passes {
		if e.open && e.Stream == stream {
			n++
		}
	}
	return n
}

// requestsOn counts the journal's requests for a stream. The caller holds the lock.
func (b *book) requestsOn(stream string) (n int) {
	for _, e := range b.kept {
		if (e.visit != 0 || e.end != nil) && e.Stream == stream {
			n++
		}
	}
	return n
}

// entry finds a request by its number; nil if it is not kept. The caller holds the
// lock.
func (b *book) entry(number int64) *entry {
	if i := number - (b.count - int64(len(b.kept))) - 1; i >= 0 && i < int64(len(b.kept)) {
		return b.kept[i]
	}
	return nil
}
