package tail

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// pause is how long a replay may be silent before what comes then is live.
const pause = 300 * time.Millisecond

// A backlog is what a server sends first of what it still has, for Options.Tail and
// Options.Since: it holds events back until the replay is over, and lets go of the
// newest. How long a replay is, no server says: an event that was emitted after the
// stream was asked for is live, and so is everything after a pause.
type backlog struct {
	n     int       // that are kept; 0: all
	since time.Time // events before it are dropped; zero: none
	began time.Time // when the stream was asked for, by our clock
	let   func(sse.Event)
	done  func() // the replay is over, and nothing more comes at once

	mu      sync.Mutex
	held    []sse.Event
	timer   *time.Timer
	over    bool
	untimed bool // an event had no time
}

// newBacklog returns the backlog of one stream; nil if there is nothing to hold.
// Let is called with each event that is let go, in order, by one goroutine at a time,
// and done behind the last one of the replay.
func newBacklog(n int, age time.Duration, let func(sse.Event), done func()) *backlog {
	if n == 0 && age == 0 {
		return nil
	}
	b := &backlog{n: n, began: time.Now(), let: let, done: done}
	if age > 0 {
		b.since = b.began.Add(-age)
	}
	return b
}

// take takes an event that came. While the replay is under way it is held or
// dropped.
func (b *backlog) take(ev sse.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, known := timeOf(ev)
	if known && !b.over && at.After(b.began) {
		b.release()
	}
	b.untimed = b.untimed || !known
	switch {
	case known && at.Before(b.since):
		return
	case b.over:
		b.let(ev)
		return
	case b.n == 0:
		b.let(ev)
	default:
		b.held = append(b.held, ev)
		if len(b.held) > b.n {
			b.held[0] = sse.Event{} // or it would be kept for good
			b.held = b.held[1:]
		}
	}
	if b.timer == nil {
		b.timer = time.AfterFunc(pause, b.finish)
	} else {
		b.timer.Reset(pause)
	}
}

// finish lets everything go: the replay is over.
func (b *backlog) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.release()
	b.done()
}

func (b *backlog) release() {
	if b.over {
		return
	}
	b.over = true
	if b.timer != nil {
		b.timer.Stop()
	}
	for _, ev := range b.held {
		b.let(ev)
	}
	b.held = nil
}

// timeOf is when an event was emitted, as far as it says so.
func timeOf(ev sse.Event) (time.Time, bool) {
	env, err := session.Parse(ev)
	if err != nil {
		return time.Time{}, false
	}
	if env.EmittedAt > 0 {
		return time.UnixMilli(env.EmittedAt), true
	}
	return env.Timestamp, !env.Timestamp.IsZero()
}

// errNoTime is why --since can't tell of an event how old it is.
var errNoTime = errors.New("its JSON has no time, so it is shown however old it is")

// admit runs an event through the backlog, if there is one. The error is that of
// what was let go.
func (s *stream) admit(ctx context.Context, ev sse.Event) (done bool, err error) {
	b := s.backlog
	if b == nil {
		return s.take(ctx, ev)
	}
	b.take(ev)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.untimed && !b.since.IsZero() {
		s.complain("--since", ev.ID, errNoTime)
	}
	return s.letDone || s.over(ev), s.letErr
}

// letGo does with an event of the backlog what is asked for. It runs under the
// backlog's lock, also on the goroutine of its timer.
func (s *stream) letGo(ctx context.Context, ev sse.Event) {
	if s.letErr != nil || s.letDone {
		return
	}
	if s.letDone, s.letErr = s.take(ctx, ev); s.letErr != nil {
		s.w.stop(s.letErr)
	}
}
