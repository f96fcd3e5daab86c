// Package status says on standard error what happens to the streams: connected,
// lost and why, how long until the next attempt and until giving up, resumed,
// gap. On a terminal what passes is a live line at the bottom, and only what is
// worth keeping stays; elsewhere each change is a line.
package status

import (
	"fmt"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
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
}

// A Status is safe for concurrent use.
type Status struct {
	Options

	mu      sync.Mutex
	streams []*Stream
	tick    *time.Timer // while there is a live line
	closed  bool
	hinted  bool // a hint was given
}

// New returns a status of no streams yet.
func New(o Options) *Status { return &Status{Options: o} }

// settle is how long a resumed stream may be silent before what it has brought
// counts as all that was waiting.
const settle = 150 * time.Millisecond

// A Stream is one stream's part of it.
type Stream struct {
	s      *Status
	label  string // before each line; empty if there is only one stream
	target string

	state    client.State
	attempt  int
	until    time.Time // of the next attempt
	deadline time.Time // of giving up; zero for never
	cause    error
	opened   bool      // has been open before
	lost     time.Time // since when it is down; zero if it is not
	back     time.Time // when it was open again; zero once that was said

	settling *time.Timer
	after    string // the position that it resumed from
	tries    int    // it took
	caught   int    // events since
}

// Add returns the part of one more stream. The target is shown; the label stands
// before each line if it is not empty.
func (s *Status) Add(label, target string) *Stream {
	st := &Stream{s: s, label: termsafe.Line(label), target: termsafe.Line(target)}
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

// SayWhole writes one line that is to be copied from the screen, and so is not
// wrapped.
func (s *Status) SayWhole(text string) {
	if s.Level == Normal {
		s.Console.Say(s.Paint.Text(console.Dim, s.Prefix) + text)
	}
}

func (s *Status) write(spans ...console.Span) { s.Console.Spans(s.Paint, s.Prefix, spans...) }

// Observe is an observer for [client.Options].
func (st *Stream) Observe(t client.Transition) {
	if st.s.Level == Quiet {
		return
	}
	if st.s.Level == JSON {
		st.s.Console.Say(st.json(t))
		return
	}
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	if t.From == t.State && t.Cause != nil {
		st.Say(console.Yellow, "warning", ": "+explain.What(t.Cause))
		return
	}
	st.state, st.attempt = t.State, t.Attempt
	st.deadline = time.Time{}
	if t.Left > 0 {
		st.deadline = time.Now().Add(t.Left)
	}
	switch t.State {
	case client.Open:
		st.open(t)
	case client.Waiting:
		st.wait(t)
	case client.Closed:
		st.resumed() // if it is still to be said
		st.lost = time.Time{}
	}
	st.s.live()
}

func (st *Stream) open(t client.Transition) {
	if !st.opened {
		st.opened, st.lost = true, time.Time{}
		st.Say(console.Green, "connected", " to "+st.target)
		return
	}
	st.back, st.after, st.tries, st.caught = time.Now(), t.LastEventID, t.Attempt, 0
	st.settleAfter(settle)
}

func (st *Stream) wait(t client.Transition) {
	if t.Cause == nil { // its first attempt has to wait for another stream's
		st.until = time.Time{}
		return
	}
	if st.caught > 0 {
		st.resumed()
	}
	st.back = time.Time{}
	stop(st.settling)
	verb := "not connected"
	if st.lost.IsZero() {
		st.lost = time.Now()
		if st.opened {
			verb = "lost"
		}
	}
	st.cause, st.until = t.Cause, time.Now().Add(t.Delay)
	if !st.s.Console.ErrTTY() {
		st.Say(console.Yellow, verb, ": "+explain.What(t.Cause)+"; "+st.next())
	}
	st.hint()
}

// hint says once what to do, where the very first attempt has failed: that is
// rather a mistake than an outage, and nobody should wait minutes to hear of it.
func (st *Stream) hint() {
	if st.opened || st.s.hinted {
		return
	}
	if hint := explain.Hint(st.cause); hint != "" {
		st.s.hinted = true
		st.s.write(console.Span{Text: "hint: " + hint})
	}
}

// Event takes note of an event of the stream.
func (st *Stream) Event() {
	if st.s.Level != Normal {
		return
	}
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	if st.back.IsZero() {
		return
	}
	st.caught++
	if time.Since(st.back) < 10*settle { // a stream that never pauses is caught up too
		st.settleAfter(settle)
	}
}

func (st *Stream) settleAfter(d time.Duration) {
	if st.settling == nil {
		st.settling = time.AfterFunc(d, func() {
			st.s.mu.Lock()
			defer st.s.mu.Unlock()
			if !st.s.closed && st.state == client.Open {
				st.resumed()
			}
		})
		return
	}
	st.settling.Reset(d)
}

// resumed says that the stream is back, once.
func (st *Stream) resumed() {
	if st.back.IsZero() {
		return
	}
	what := fmt.Sprintf(" after %s and %s", explain.Duration(st.back.Sub(st.lost)), explain.Count(max(st.tries, 1), "attempt"))
	if st.after != "" {
		what += ", from event " + termsafe.Cut(termsafe.Line(st.after), 40)
	}
	if st.caught > 0 {
		what += ", caught up with " + explain.Count(st.caught, "event")
	}
	spans := append(st.labelled(), console.Span{Style: console.Green, Text: "resumed"}, console.Span{Text: what})
	if st.cause != nil {
		spans = append(spans, console.Span{Style: console.Dim, Text: " (" + explain.What(st.cause) + ")"})
	}
	st.back, st.lost = time.Time{}, time.Time{}
	st.s.write(spans...)
}

// Say writes one line about the stream. The text is safe already.
func (st *Stream) Say(style console.Style, word, rest string) {
	if st.s.Level == Normal {
		st.Tell(style, word, rest)
	}
}

// Tell writes one line about the stream that was asked for, so that it is written
// at any level.
func (st *Stream) Tell(style console.Style, word, rest string) {
	st.s.write(append(st.labelled(), console.Span{Style: style, Text: word}, console.Span{Text: rest})...)
}

// labelled is what stands before each line about the stream; empty if there is
// only one.
func (st *Stream) labelled() []console.Span {
	if st.label == "" {
		return nil
	}
	return []console.Span{{Style: st.s.Console.LabelStyle(st.label), Text: st.label}, {Text: ": "}}
}

// Fail says with what the stream has ended, at any level.
func (st *Stream) Fail(err error) { Fail(st.s.Console, st.s.Paint, st.s.Prefix, err, st.labelled()...) }

// Fail says on a console what went wrong, and what to do where that is known. The
// spans stand before it.
func Fail(c *console.Console, p console.Paint, prefix string, err error, before ...console.Span) {
	c.Spans(p, prefix, append(before, console.Span{Style: console.Red, Text: explain.What(err)})...)
	if hint := explain.Hint(err); hint != "" {
		c.Spans(p, prefix, console.Span{Text: "hint: " + hint})
	}
}
