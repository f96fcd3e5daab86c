package testserver

import (
	"slices"
	"time"
)

// Keep says what a server still has after a restart.
type Keep int

const (
	KeepLogs    Keep = iota // all: events, and the counter that gives them ids
	KeepCounter             // no events; the ids go on, so clients learn of the gap
	KeepNothing             // the ids begin again at 1: a new run, as Sse-Run tells
)

// Restart is what clients see of a server process that ends and comes back: all
// connections are cut, connecting is refused for the time down, and then the same
// port serves again. Sessions and plain streams stay, with what keep says of their
// events; faults stay in force. Single-use tokens are gone. It returns when the
// server is back.
func (s *Server) Restart(keep Keep, down time.Duration) {
	s.offline(whyRestart, down, func(h *hub) {
		switch keep {
		case KeepCounter:
			for _, l := range h.logs() {
				l.clear()
			}
		case KeepNothing:
			h.restartCounter()
		}
		h.stats.Restarts++
	})
}

// Reset makes the server as it was at its start, but for its address: connections
// are cut; sessions, streams, faults, single-use tokens, the journal and the counts
// are gone, and ids begin again at 1. What holds a [Session] or [Stream] from
// before can't publish with it any more.
func (s *Server) Reset() {
	s.offline(whyReset, 0, func(h *hub) {
		for _, ses := range h.sessions {
			ses.close()
		}
		for _, st := range h.streams {
			st.log.over = true
		}
		clear(h.sessions)
		clear(h.streams)
		h.remove(h.faults)() // the port stays shut meanwhile
		h.spent, h.planted, h.opened = nil, 0, 0
		h.restartCounter()
		h.journal = journal{max: h.opts.Journal}
		h.stats = Stats{}
		if h.ledger != nil {
			h.ledger = newLedger()
		}
	})
}

// offline cuts all connections, changes what the server knows while it has none,
// and serves again after a while.
func (s *Server) offline(why string, down time.Duration, change func(*hub)) {
	s.restarts.Lock()
	defer s.restarts.Unlock()
	ports := slices.DeleteFunc(s.allPorts(), func(p *port) bool { return p == s.apart })
	for _, p := range ports {
		p.shut()
	}
	h := s.hub
	h.command(orderAbort, why)
	s.cut()
	h.await(h.ctx, "streams to end", func() bool { return len(h.conns) == 0 })
	h.mu.Lock()
	change(h)
	clear(h.tokens)
	h.check()
	h.mu.Unlock()
	if down > 0 {
		select {
		case <-time.After(down):
		case <-h.ctx.Done():
		}
	}
	for _, p := range ports {
		p.open()
		p.awaitOpen()
	}
}
