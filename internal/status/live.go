package status

import (
	"fmt"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

const (
	frame     = 100 * time.Millisecond // between two pictures of a countdown
	idleAfter = 10 * time.Second       // without an event, silence is worth a word
)

// live draws the live line, and sees to it that it is looked at again: each frame
// while a countdown runs in it, each second while nothing comes. The lock is held.
func (s *Status) live() {
	if s.closed || s.Level != Normal || !s.Console.ErrTTY() {
		return
	}
	next := frame
	text, style := s.line()
	s.idling = false
	if text == "" {
		text, next = s.idle()
		style, s.idling = console.Dim, text != ""
	}
	if text != "" && termsafe.Width(s.Prefix+text) <= s.room() {
		text = s.Prefix + text
	}
	s.Console.Live(text, s.Paint.Painter(style))
	if next == 0 {
		return
	}
	if s.tick == nil {
		s.tick = time.AfterFunc(next, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.live()
		})
		return
	}
	s.tick.Reset(next)
}

// line returns the live line of an outage: that of the stream whose turn is next,
// and how many others are down.
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
	before := ""
	if first.label != "" {
		before = first.label + ": "
	}
	if down > 1 {
		before = fmt.Sprintf("%d of %d streams down; %s", down, len(s.streams), before)
	}
	now, left := first.now()
	text := before + now + left
	if room := s.room(); termsafe.Width(s.Prefix+text) > room { // what matters most stays
		if text = before + now; termsafe.Width(s.Prefix+text) > room {
			text = now
		}
	}
	if first.lost.IsZero() {
		return text, console.Dim
	}
	return text, console.Yellow
}

// room is how many columns the live line may have: ^C may be typed behind it.
func (s *Status) room() int { return s.Console.Columns() - len("^C") - 1 }

// idle returns the live line of streams that are open and silent, and when to look
// again; 0 for not at all.
func (s *Status) idle() (text string, next time.Duration) {
	var last, since time.Time // the newest event, and that or the newest opening
	open := 0
	for _, st := range s.streams {
		if st.state != client.Open {
			continue
		}
		open++
		last = later(last, st.last)
		since = later(since, later(st.last, st.opened))
	}
	if open == 0 {
		return "", 0
	}
	silent := time.Since(since)
	if silent < idleAfter {
		return "", idleAfter - silent
	}
	text = "open"
	if len(s.streams) > 1 {
		text = explain.Count(open, "stream") + " open"
	}
	if last.IsZero() {
		text += ", no event for " + explain.Duration(silent.Truncate(time.Second))
	} else {
		text += ", last event " + explain.Duration(time.Since(last).Truncate(time.Second)) + " ago"
	}
	return text, time.Second - silent%time.Second
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
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

// now is what the stream is about to do, and how long it will go on trying.
func (st *Stream) now() (text, left string) {
	switch {
	case st.overdue():
		return "waiting until the server is back", st.left()
	case st.state == client.Waiting:
		return st.next(), st.left()
	case !st.lost.IsZero():
		return fmt.Sprintf("retry %d under way", st.retry), st.left()
	}
	return "connecting to " + st.url, ""
}

func (st *Stream) next() string {
	return fmt.Sprintf("retry %d in %s", st.retry, countdown(time.Until(st.until)))
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
