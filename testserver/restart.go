package testserver

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/port"
)

// Keep says what a server still has after a restart.
type Keep int

const (
	KeepLogs    Keep = iota // all: events, and the counter that gives them ids
	KeepCounter             // no events; the ids go on, so clients learn of the gap
	KeepNothing             // the ids begin again at 1: a new run, as Sse-Run tells
)

// Restart is what clients see of a server process that ends and comes back: all
// connections are cut, connecting is refused for the time down, and then the same port
// serves again. Sessions and plain streams stay, with what keep says of their events.
// A fault that refuses keeps the port shut beyond that. The error is that the port was
// taken by somebody else meanwhile; the server comes back once it is free.
func (s *Server) Restart(keep Keep, down time.Duration) error {
	return s.offline(whyRestart, down, func() {
		switch keep {
		case KeepCounter:
			s.hub.ClearLogs()
		case KeepNothing:
			s.hub.NewRun()
		}
		s.hub.DropTokens()
		s.book.mu.Lock()
		defer s.book.mu.Unlock()
		s.book.restarts++
	})
}

// Reset makes the server as it was at its start, but for its address: connections are
// cut; sessions, streams, faults, single-use tokens, the journal and the counts are
// gone, and ids begin again at 1. What holds a session or a stream from before can't
// publish with it any more. The error is that of Restart.
func (s *Server) Reset() error {
	return s.offline(whyReset, 0, func() {
		s.faults.Reset()
		s.shut.openAll()
		s.quotas.reset()
		s.hub.Reset()
		s.book.reset()
	})
}

// reopenTime is how long a port that somebody else has taken is waited for.
const reopenTime = 5 * time.Second

// offline cuts all connections, changes what the server knows while it has none, and
// serves again after a while.
func (s *Server) offline(why string, down time.Duration, change func()) error {
	s.restarts.Lock()
	defer s.restarts.Unlock()
	s.down.Store(true)
	ports := slices.DeleteFunc(s.allPorts(), func(p *port.Port) bool { return p == s.apart })
	var opens []func()
	for _, p := range ports {
		opens = append(opens, p.Shut())
	}
	s.endAll(why)
	s.cut()
	s.hub.Idle(s.ctx)
	change()
	if down > 0 {
		select {
		case <-time.After(down):
		case <-s.ctx.Done():
		}
	}
	s.down.Store(false)
	ctx, cancel := context.WithTimeout(s.ctx, reopenTime)
	defer cancel()
	var err error
	for i, p := range ports {
		opens[i]()
		if e := p.AwaitOpen(ctx); e != nil {
			err = fmt.Errorf("testserver: %w", e)
		}
	}
	return err
}
