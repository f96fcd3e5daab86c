package testserver

import "context"

// A ContextTB is a [TB] with a context that ends with the test, as testing.T has it.
type ContextTB interface {
	TB
	Context() context.Context
}

// A Test is a server's waits for one test: they take its context, and end the test
// when the fact does not come.
type Test struct {
	server *Server
	tb     ContextTB
}

// For returns the waits for a test.
func (s *Server) For(tb ContextTB) *Test { return &Test{s, tb} }

func (t *Test) must(err error) {
	t.tb.Helper()
	if err != nil {
		t.tb.Fatalf("%v", err)
	}
}

// Conns is [Server.WaitConns].
func (t *Test) Conns(n int) {
	t.tb.Helper()
	t.must(t.server.WaitConns(t.tb.Context(), n))
}

// ConnsOn is [Server.WaitConnsOn].
func (t *Test) ConnsOn(stream string, n int) {
	t.tb.Helper()
	t.must(t.server.WaitConnsOn(t.tb.Context(), stream, n))
}

// Delivered is [Server.WaitDelivered].
func (t *Test) Delivered(stream string, id int64) {
	t.tb.Helper()
	t.must(t.server.WaitDelivered(t.tb.Context(), stream, id))
}

// DeliveredID is [Server.WaitDeliveredID].
func (t *Test) DeliveredID(stream, id string) {
	t.tb.Helper()
	t.must(t.server.WaitDeliveredID(t.tb.Context(), stream, id))
}

// Requests is [Server.WaitRequests].
func (t *Test) Requests(n int) {
	t.tb.Helper()
	t.must(t.server.WaitRequests(t.tb.Context(), n))
}

// RequestsOn is [Server.WaitRequestsOn].
func (t *Test) RequestsOn(stream string, n int) {
	t.tb.Helper()
	t.must(t.server.WaitRequestsOn(t.tb.Context(), stream, n))
}

// Fired is [Handle.WaitFired].
func (t *Test) Fired(h *Handle, n int) {
	t.tb.Helper()
	t.must(h.WaitFired(t.tb.Context(), n))
}
