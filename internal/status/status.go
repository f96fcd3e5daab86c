// Package status says on standard error what happens to the streams: connected,
// disconnected and why, how long until the next attempt and until giving up, what
// is known of what came meanwhile, gaps, and at the end what it all came to. On a
// terminal what passes is a live line at the bottom, and what is worth keeping
// stays; elsewhere each change is a line.
//
// It claims nothing that is not known: a stream is said to be resumed only where
// the request named a position and what came does not speak against it.
package status

import (
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Level is how much is said.
type Level int

const (
	Quiet  Level = iota - 1 // nothing
	Normal                  // what happens
	JSON                    // each transition as a JSON object
)

// Options of a [Status].
type Options struct {
	Console *console.Console
	Paint   console.Paint // of standard error
	Level   Level
	Prefix  string // of each line, "sse-tail: "
	Labels  bool   // each line about a stream begins with the stream's name
}

// A Status is safe for concurrent use.
type Status struct {
	Options

	mu      sync.Mutex
	streams []*Stream
	tick    *time.Timer // while there is a live line, or may be one
	idling  bool        // the live line says that nothing comes
	closed  bool
	hinted  bool   // a hint was given
	told    string // the last warning of a stream
}

// New returns a status of no streams yet.
func New(o Options) *Status { return &Status{Options: o} }

// Add returns the part of one more stream. Its name is how events call it; its URL
// is shown, and holds no secret.
func (s *Status) Add(name, url string, facts explain.Facts) *Stream {
	st := &Stream{s: s, name: name, url: termsafe.Line(url), facts: facts}
	if s.Labels {
		st.label = termsafe.Line(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams = append(s.streams, st)
	return st
}

// Close removes the live line for good.
func (s *Status) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, st := range s.streams {
		stop(st.settling)
	}
	stop(s.tick)
	s.Console.Live("", nil)
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

// Say writes one line about all streams. The text is safe already.
func (s *Status) Say(style console.Style, word, rest string) {
	if s.Level == Normal {
		s.write(console.Span{Style: style, Text: word}, console.Span{Text: rest})
	}
}

// Warn says what nobody should overlook.
func (s *Status) Warn(text string) {
	text = termsafe.Line(text)
	switch s.Level {
	case Normal:
		s.Say(console.Yellow, "warning", ": "+text)
	case JSON:
		s.Console.Say(record{Time: now(), State: "warning", Cause: text}.line())
	}
}

// Told tells whether an error was the last thing that a stream has warned of.
func (s *Status) Told(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Level == Normal && s.told == explain.What(err)
}

// SayWhole writes one line that is to be copied from the screen, and so is not
// wrapped.
func (s *Status) SayWhole(text string) {
	if s.Level == Normal {
		s.Console.Say(s.Paint.Text(console.Dim, s.Prefix) + text)
	}
}

func (s *Status) write(spans ...console.Span) { s.Console.Spans(s.Paint, s.Prefix, spans...) }

// Fail says what went wrong, at any level.
func (s *Status) Fail(err error) {
	if s.Level == JSON {
		s.Console.Say(record{Time: now(), State: "error", Cause: explain.What(err), Hint: explain.Hint(err)}.line())
		return
	}
	Fail(s.Console, s.Paint, s.Prefix, err)
}

// Fail says on a console what went wrong, and what to do where that is known. The
// spans stand before it.
func Fail(c *console.Console, p console.Paint, prefix string, err error, before ...console.Span) {
	c.Spans(p, prefix, append(before, console.Span{Style: console.Red, Text: explain.What(err)})...)
	if hint := explain.Hint(err); hint != "" {
		c.Spans(p, prefix, console.Span{Text: "hint: " + hint})
	}
}
