package client

import "time"

// Stats is a snapshot of a source's counters, which count from its making.
type Stats struct {
	State       State
	Since       time.Time // when that state began; zero before the first loop
	Attempts    int       // connections tried
	Failures    int       // of them, and streams that were lost
	GiveUps     int       // outages that lasted too long
	LastError   error     // of the last failure; nil if there was none
	Reconnects  int       // streams opened after the first one
	Events      int       // yielded
	Bytes       int64     // of streams' bodies
	Repeats     int       // exact repeats dropped
	Gaps        int       // reported
	LastEventID string    // the position: what was committed last
	LastEvent   time.Time // when the last event came that was no control frame
}

// Stats returns the counters. It may be called from any goroutine.
func (es *EventSource) Stats() Stats {
	es.mu.Lock()
	defer es.mu.Unlock()
	s := es.stats
	s.LastEventID = string(es.pos.id)
	return s
}
