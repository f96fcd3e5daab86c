package status

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"syscall"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/mask"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A Stream is one stream's part of a [Status].
type Stream struct {
	s     *Status
	name  string // as events call it
	label string // the same where lines begin with it; else empty
	url   string
	facts explain.Facts

	state    client.State
	attempt  int       // of all connections, the one that is or was tried
	retry    int       // of this outage: the one under way or waited for
	until    time.Time // of the next attempt
	deadline time.Time // of giving up; zero for never
	cause    string    // of the outage, as it was said
	opened   time.Time // when it was open first; zero if it never was
	lost     time.Time // since when it is down; zero if it is not

	events int       // that came
	ids    bool      // one of them had an id
	last   time.Time // when the newest came, on a terminal
	seen   recent

	back     comeback
	settling *time.Timer

	aside bool // see Aside

	gaps, maybe, unknown int // what may be missing: certain, possible, and times of which nothing is known
	noIDs                bool
}

// Observe is an observer for [client.Options]. The attempt counts connections from
// 1: it is the one that is under way, or was last.
func (st *Stream) Observe(t client.Transition, attempt int) {
	if st.s.Level == Quiet || t.From == t.State && errors.Is(t.Cause, syscall.EPIPE) { // whoever closes a pipe has seen enough
		return
	}
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	if st.aside && t.From == t.State && is[*client.GapError](t.Cause) {
		return
	}
	st.attempt = attempt
	if t.State == client.Open {
		st.facts.Opened = true
	}
	if st.s.Level == JSON {
		st.s.Console.Say(st.json(t))
	}
	if t.From == t.State && t.Cause != nil && (t.State != client.Waiting || t.Delay == 0) {
		st.report(t.Cause)
		return
	}
	st.state, st.retry = t.State, t.Attempt
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
		st.settle() // if it is still to be said
		st.lost = time.Time{}
	}
	st.s.live()
}

// Aside tells whether what the stream brings comes on others too, so that nothing is
// missing where this one misses something.
func (st *Stream) Aside(aside bool) {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	st.aside = aside
}

// Report says of a gap that was accepted what is missing.
func (st *Stream) Report(gap *client.GapError) {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	if st.s.Level == JSON {
		st.s.Console.Say(st.json(client.Transition{From: st.state, State: st.state, Cause: gap}))
	}
	st.report(gap)
}

// Header says what the header of a response has, without its secrets.
func (st *Stream) Header(h http.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			st.Say(console.Dim, "< "+termsafe.Line(name+": "+mask.Value(name, v)), "")
		}
	}
}

// report says what changes no state: a gap, or a position that can't be saved.
func (st *Stream) report(cause error) {
	gap, ok := errors.AsType[*client.GapError](cause)
	if e, ok := errors.AsType[*client.CursorError](cause); ok && e.Op == "load" || is[*client.BeforeWaitError](cause) {
		return // it ends the stream, and is told then
	}
	if !ok {
		st.s.told = explain.What(cause)
		st.Say(console.Yellow, "warning", ": "+st.s.told)
		return
	}
	st.back.gap = true
	if explain.Certain(gap) {
		st.gaps++
	} else {
		st.maybe++
	}
	st.Say(console.Yellow, explain.What(gap), "")
}

func (st *Stream) open(t client.Transition) {
	if st.opened.IsZero() {
		st.opened, st.lost, st.cause = time.Now(), time.Time{}, ""
		st.Say(console.Green, "connected", " to "+st.url)
		return
	}
	st.back = comeback{at: time.Now(), after: t.LastEventID, retries: t.Attempt}
	st.settleAfter(settle)
}

func (st *Stream) wait(t client.Transition) {
	if t.Cause == nil { // its first attempt has to wait for another stream's
		st.until = time.Time{}
		return
	}
	if st.back.events > 0 {
		st.settle()
	}
	st.back.at = time.Time{}
	stop(st.settling)
	verb := "not connected"
	if st.lost.IsZero() {
		st.lost = time.Now()
		if !st.opened.IsZero() {
			verb = "disconnected"
		}
	}
	st.until = time.Now().Add(t.Delay)
	cause := explain.What(t.Cause)
	switch {
	case t.From == client.Waiting && cause == st.cause: // another stream has asked, and was told the same
	case !st.s.Console.ErrTTY():
		st.Say(console.Yellow, verb, ": "+cause+"; "+st.next()+st.left())
	case cause != st.cause || verb == "disconnected": // the countdown is in the live line
		st.Say(console.Yellow, verb, ": "+cause)
	}
	st.cause = cause
	st.hint(t.Cause)
}

// hint says once what to do, where the very first attempt has failed: that is
// rather a mistake than an outage, and nobody should wait minutes to hear of it.
func (st *Stream) hint(cause error) {
	if !st.opened.IsZero() || st.s.hinted || st.s.Level != Normal {
		return
	}
	if hint := st.facts.Hint(cause); hint != "" {
		st.s.hinted = true
		st.s.write(console.Span{Text: "hint: " + hint})
	}
}

// Event takes note of an event of the stream.
func (st *Stream) Event(ev sse.Event) {
	if st.s.Level != Normal {
		return
	}
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	st.events++
	st.ids = st.ids || ev.ID != ""
	if st.s.Console.ErrTTY() {
		st.last = time.Now()
		if st.s.idling {
			st.s.live()
		}
	}
	if !st.back.at.IsZero() {
		st.back.note(ev, &st.seen)
		if time.Since(st.back.at) < 10*settle { // a stream that never pauses is caught up too
			st.settleAfter(settle)
		}
	}
	st.seen.add(ev)
}

// Say writes one line about the stream. The text is safe already.
func (st *Stream) Say(style console.Style, word, rest string) {
	if st.s.Level == Normal {
		st.s.write(append(st.labelled(), console.Span{Style: style, Text: word}, console.Span{Text: rest})...)
	}
}

// Warn says what nobody should overlook about the stream.
func (st *Stream) Warn(text string) {
	text = termsafe.Line(text)
	switch st.s.Level {
	case Normal:
		st.Say(console.Yellow, "warning", ": "+text)
	case JSON:
		st.s.Console.Say(record{Time: now(), Stream: st.name, URL: st.url, State: "warning", Cause: text}.line())
	}
}

// Over says that the stream is over, as it was wanted.
func (st *Stream) Over() {
	st.s.mu.Lock()
	st.seen = recent{} // there may be many such
	st.s.mu.Unlock()
	st.Say(console.Green, "over", "")
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
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
func (st *Stream) Fail(err error) {
	if st.s.Level == JSON {
		st.s.Console.Say(record{
			Time: now(), Stream: st.name, URL: st.url, State: "error", Cause: explain.What(err), Hint: explain.Hint(err),
		}.line())
		return
	}
	Fail(st.s.Console, st.s.Paint, st.s.Prefix, err, st.labelled()...)
}
