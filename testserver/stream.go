package testserver

import "github.com/OneStepAt4time/resilient-sse/sse"

// A Stream is a plain stream, beside those of the sessions: any events, without
// envelopes, without the control frames connected and heartbeat (a comment proves
// the path instead). Its methods are safe for concurrent use.
type Stream struct {
	hub  *hub
	name string
	log  *eventLog
}

// Stream returns the plain stream with the name, and creates it if there is
// none. It is read at GET /events?stream=NAME.
func (s *Server) Stream(name string) *Stream {
	return s.hub.stream(name)
}

func (h *hub) stream(name string) *Stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.streams[name]
	if st == nil {
		st = &Stream{hub: h, name: name, log: h.newLog(name)}
		h.streams[name] = st
	}
	return st
}

// Name returns the stream's name.
func (st *Stream) Name() string { return st.name }

// Send publishes an event. It returns once the event is in the log, and never
// waits for a client. Nothing was sent if there is an error: a [*sse.FieldError], or
// that the stream has ended.
func (st *Stream) Send(ev sse.Event) error { return st.hub.send(st, ev) }

// End ends the stream: its readers get what is left and then a clean end. A
// stream of the same name that is asked for later is another one.
func (st *Stream) End() {
	h := st.hub
	h.mu.Lock()
	st.log.over = true
	if h.streams[st.name] == st {
		delete(h.streams, st.name)
	}
	woken := st.log.wake()
	h.mu.Unlock()
	ring(woken)
}
