package scenario

import (
	"fmt"
	"strings"
	"time"
)

// hammering is how many requests beyond the scenario's own are too many.
const hammering = 25

// Hammered tells whether a client has made so many requests that it is stopped.
func (s *Scenario) Hammered(requests int) bool {
	most := s.Most
	if most == 0 {
		most = hammering
	}
	if s.Live != nil {
		return requests > tooMany
	}
	return requests > len(s.Conns)+most
}

// Settled tells whether nothing that may still happen can change the verdict for
// the better, or everything that must happen has happened.
func (s *Scenario) Settled(t *Trial) bool {
	if s.Live != nil {
		return s.Live.settled(t)
	}
	want := s.Wanted(len(t.Requests))
	if s.mismatch(want, t.Shown) != "" {
		return true
	}
	n := len(t.Requests)
	if s.Over && n > len(s.Conns) {
		return true
	}
	return n >= len(s.Conns) && len(t.Shown) >= len(want) && n > 0 && t.Requests[len(s.Conns)-1].Played
}

// Judge compares a trial with what a right client does.
func (s *Scenario) Judge(t *Trial) Verdict {
	if t.Broken != "" {
		return Verdict{Outcome: Fail, Problem: t.Broken}
	}
	if t.Hammered {
		first, last := t.Requests[0].At, t.Requests[len(t.Requests)-1].At
		return Verdict{Outcome: Fail, Problem: fmt.Sprintf("hammers the server: %d requests in %s; stopped", len(t.Requests), Seconds(last.Sub(first)))}
	}
	if s.Live != nil {
		return s.Live.judge(t)
	}
	n := len(t.Requests)
	if problem := s.mismatch(s.Wanted(n), t.Shown); problem != "" {
		return Verdict{Outcome: Fail, Problem: problem}
	}
	if problem := s.requests(t); problem != "" {
		return Verdict{Outcome: Fail, Problem: problem}
	}
	want := s.Wanted(n)
	if len(t.Shown) < len(want) {
		return Verdict{Outcome: Fail, Problem: fmt.Sprintf("did not show %s%s", want[len(t.Shown)], how(t))}
	}
	if n < len(s.Conns) && !s.Conns[n].Optional {
		return Verdict{Outcome: Fail, Problem: missing(n, t)}
	}
	for _, c := range s.Checks {
		if problem := c.Problem(t); problem != "" {
			return Verdict{Outcome: Fail, Problem: problem}
		}
	}
	if why := s.unexpressed(t); why != "" {
		return Verdict{Outcome: NotJudged, Problem: why}
	}
	return Verdict{Outcome: Pass, Note: s.note(t)}
}

// requests compares the requests with what they must be like.
func (s *Scenario) requests(t *Trial) string {
	if s.Over && len(t.Requests) > len(s.Conns) {
		return fmt.Sprintf("made request %d, where none may follow", len(s.Conns)+1)
	}
	for i, r := range t.Requests[:min(len(t.Requests), len(s.Conns))] {
		c := s.Conns[i]
		for _, f := range c.Carry {
			if problem := carries(r, f); problem != "" {
				return fmt.Sprintf("request %d %s", r.N, problem)
			}
		}
		// A timer may fire a little early; nothing else makes a delay shorter.
		if d, ok := t.Delay(r.N); ok && d < c.NotBefore*95/100 {
			return fmt.Sprintf("request %d came after %s, not before %s was wanted", r.N, Seconds(d), Seconds(c.NotBefore))
		}
	}
	return ""
}

func carries(r Request, f Field) string {
	got, there := r.Header[f.Name]
	switch {
	case f.Value == Absent && there:
		return fmt.Sprintf("carries %s: %q, which must not be there", f.Name, strings.Join(got, ", "))
	case f.Value == Absent:
		return ""
	case !there:
		return fmt.Sprintf("carries no %s, want %q", f.Name, Shorten(f.Value, maxText))
	case len(got) != 1 || got[0] != f.Value:
		return fmt.Sprintf("carries %s: %q, want %q", f.Name, Shorten(strings.Join(got, "\n"), maxText), Shorten(f.Value, maxText))
	}
	return ""
}

// mismatch says what is wrong with events that were shown, as far as they go.
func (s *Scenario) mismatch(want, got []Event) string {
	for i, ev := range got {
		if i == len(want) && s.AnyShown {
			return ""
		}
		if i == len(want) {
			return fmt.Sprintf("showed %s, which is no event here", ev)
		}
		if !want[i].shows(ev) {
			return fmt.Sprintf("showed %s as event %d, want %s", ev, i+1, want[i])
		}
	}
	return ""
}

// missing says that a request did not come.
func missing(n int, t *Trial) string {
	if n == 0 {
		return "made no request" + how(t)
	}
	return fmt.Sprintf("made %s and no further one%s", count(n, "request"), how(t))
}

// how says what a client did instead of something.
func how(t *Trial) string {
	switch {
	case t.Exited:
		return ": it ended (" + t.Exit + ")"
	case t.Quiet:
		return fmt.Sprintf(": given up on after %s", Seconds(t.End.Sub(t.Start)))
	}
	return ""
}

// unexpressed says what the client can't express that the scenario is about.
func (s *Scenario) unexpressed(t *Trial) string {
	switch s.Needs {
	case NeedToken:
		if len(t.Requests) > 0 && t.Requests[0].Header.Get("Authorization") == "" {
			return "it sends no token (SSE_CERTIFY_TOKEN as Authorization: Bearer)"
		}
	case NeedIDs:
		for _, ev := range t.Shown {
			if ev.ID != nil {
				return ""
			}
		}
		return "it can't tell the last event ID in force (id is null)"
	}
	return ""
}

// note says which of two right ways the client went.
func (s *Scenario) note(t *Trial) string {
	for i, c := range s.Conns {
		if c.Optional && i == len(t.Requests) {
			return "ended"
		}
		if c.Optional && i < len(t.Requests) {
			if d, ok := t.Delay(i + 1); ok {
				return "came back after " + Seconds(d)
			}
			return "came back"
		}
	}
	return ""
}

// Seconds is a duration as messages have it.
func Seconds(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond && d > -10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
