package status

import (
	"fmt"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
)

const frame = 100 * time.Millisecond // between two pictures of the live line

// live draws the live line, and sees to it that it is drawn again while a
// countdown runs in it. The lock is held.
func (s *Status) live() {
	if s.closed || s.Level != Normal || !s.Console.ErrTTY() {
		return
	}
	text, style := s.line()
	if text == "" {
		s.Console.Live("", nil)
		return
	}
	s.Console.Live(s.Prefix+text, s.Paint.Painter(style))
	if s.tick == nil {
		s.tick = time.AfterFunc(frame, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.live()
		})
		return
	}
	s.tick.Reset(frame)
}

// line returns the live line: that of the stream whose turn is next, and how many
// others are down.
func (s *Status) line() (string, console.Style) {
	var first *Stream
	down := 0
	for _, st := range s.streams {
		if st.state != client.Waiting && st.state != client.Connecting {
			continue
		}
		down++
		if first == nil || st.before(first) {
			first = st
		}
	}
	if first == nil {
		return "", console.Plain
	}
	text := first.now()
	if first.label != "" {
		text = first.label + ": " + text
	}
	if down > 1 {
		text = fmt.Sprintf("%d of %d streams down; %s", down, len(s.streams), text)
	}
	if first.lost.IsZero() {
		return text, console.Dim
	}
	return text, console.Yellow
}

// before tells whether a stream has more to show than another: that it is trying,
// or else the shorter countdown.
func (st *Stream) before(other *Stream) bool {
	if st.rank() != other.rank() {
		return st.rank() < other.rank()
	}
	return st.until.Before(other.until)
}

func (st *Stream) rank() int {
	switch {
	case st.state == client.Connecting:
		return 0
	case !st.overdue():
		return 1
	}
	return 2
}

// overdue tells whether the countdown is over and no attempt has begun: another
// stream of the same server asks first whether it is back.
func (st *Stream) overdue() bool {
	return st.state == client.Waiting && time.Since(st.until) > 2*frame
}

// now is what the stream is about to do.
func (st *Stream) now() string {
	text := "connecting to " + st.target
	switch {
	case st.overdue():
		text = "waiting until the server is back" + st.left()
	case st.state == client.Waiting:
		text = st.next()
	case !st.lost.IsZero():
		text = fmt.Sprintf("attempt %d under way%s", st.attempt, st.left())
	}
	if st.lost.IsZero() {
		return text
	}
	return text + ": " + explain.What(st.cause)
}

func (st *Stream) next() string {
	return fmt.Sprintf("attempt %d in %s%s", st.attempt, countdown(time.Until(st.until)), st.left())
}

func (st *Stream) left() string {
	if st.deadline.IsZero() {
		return ""
	}
	return ", giving up in " + explain.Duration(max(time.Until(st.deadline), 0).Round(time.Second))
}

// countdown is a duration of constant width within a digit, so that the line
// does not twitch.
func countdown(d time.Duration) string {
	return fmt.Sprintf("%.1fs", max(d, 0).Seconds())
}
