package client

import (
	"log/slog"
	"net/http"
	"time"
)

// A State is that of an event source.
type State int

const (
	Closed     State = iota // no loop is under way, or one that has not come to an attempt yet
	Connecting              // an attempt has started
	Open                    // the response is a stream
	Waiting                 // for the next attempt: a delay is under way, or a shared breaker's turn
)

func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Connecting:
		return "connecting"
	case Open:
		return "open"
	case Waiting:
		return "waiting"
	}
	return "unknown"
}

// MarshalText implements [encoding.TextMarshaler].
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Transition is what an observer is told. One from a state to itself is a
// report within that state, whose Cause says of what: a [*GapError], a
// [*CursorError] or a [*BeforeWaitError]; or, from Waiting to Waiting with a Delay,
// the failure of another source's attempt under a shared breaker, which has put off
// this one's. From Closed to Closed, though, is the end of a loop that never came to
// an attempt.
type Transition struct {
	From, State State
	Target      string // of the source, see [EventSource.Target]

	// Attempt counts the attempts of an outage: n for the n-th retry, the one
	// under way or, in Waiting, the one waited for; 0 while all is well.
	Attempt int

	Delay       time.Duration // in Waiting: until the next attempt; with a shared breaker, of whichever source
	Cause       error         // in Waiting and Closed: why; nil for a stream that is over and for a break
	LastEventID string        // the position: what the next attempt asks behind
	Left        time.Duration // in an outage: until the give-up; 0 if there is none
	Header      http.Header   // in Open: the response's; not to be changed

	gaveUp bool // in Closed: the source's own give-up
}

// LogValue implements [slog.LogValuer]. It holds no header, and of the URL what a
// target has of it, hence no credentials.
func (t Transition) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, 7)
	attrs = append(attrs, slog.String("state", t.State.String()))
	if t.Target != "" {
		attrs = append(attrs, slog.String("target", t.Target))
	}
	if t.Attempt > 0 {
		attrs = append(attrs, slog.Int("attempt", t.Attempt))
	}
	if t.Delay > 0 {
		attrs = append(attrs, slog.Duration("delay", t.Delay))
	}
	if t.Left > 0 {
		attrs = append(attrs, slog.Duration("left", t.Left))
	}
	if t.LastEventID != "" {
		attrs = append(attrs, slog.String("last_event_id", t.LastEventID))
	}
	if t.Cause != nil {
		attrs = append(attrs, slog.String("cause", t.Cause.Error()))
	}
	return slog.GroupValue(attrs...)
}

// Callbacks is an observer with the four callbacks of Aegis'
// ResilientEventSource; its Observe method goes into Options.Observer. Nil ones
// are not called.
type Callbacks struct {
	OnOpen         func()
	OnReconnecting func(attempt int, delay time.Duration)
	OnGiveUp       func() // once in a loop at most, before OnClose
	OnClose        func() // once in a loop, at its very end and never while it reconnects
}

// Observe calls the callback that belongs to the transition.
func (c Callbacks) Observe(t Transition) {
	if t.From == t.State && t.State != Closed {
		return
	}
	switch t.State {
	case Open:
		call(c.OnOpen)
	case Waiting:
		if c.OnReconnecting != nil && t.Attempt > 0 { // 0: a first attempt, held by the shared breaker
			c.OnReconnecting(t.Attempt, t.Delay)
		}
	case Closed:
		if t.gaveUp {
			call(c.OnGiveUp)
		}
		call(c.OnClose)
	}
}

func call(f func()) {
	if f != nil {
		f()
	}
}
