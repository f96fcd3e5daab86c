package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Check is what a scenario demands besides events and headers.
type Check interface {
	// Problem says what is wrong; "" is nothing.
	Problem(t *Trial) string
}

// Grows demands that the delays before the requests From to To become longer: those
// of the later half are on average at least by a half longer than the others. Jitter
// passes, a fixed delay does not. Fewer requests are no failure here.
type Grows struct{ From, To int }

func (g Grows) Problem(t *Trial) string {
	var sums [2]time.Duration // of the first half and of the later
	var counts [2]time.Duration
	var all []string
	for n := g.From; n <= g.To; n++ {
		d, ok := t.Delay(n)
		if !ok {
			return ""
		}
		half := 0
		if n > (g.From+g.To)/2 {
			half = 1
		}
		sums[half] += d
		counts[half]++
		all = append(all, Seconds(d))
	}
	if sums[1]/counts[1] < sums[0]/counts[0]*3/2 {
		return "the delays do not grow: " + strings.Join(all, ", ")
	}
	return ""
}

// Shorter demands that the delay before one request is shorter than that before
// another.
type Shorter struct{ Request, Than int }

func (s Shorter) Problem(t *Trial) string {
	d, ok := t.Delay(s.Request)
	than, ok2 := t.Delay(s.Than)
	if ok && ok2 && d >= than {
		return fmt.Sprintf("the delay after success is %s, as long as that in the outage before, %s", Seconds(d), Seconds(than))
	}
	return ""
}

// Spread demands that the delays before the requests From to To differ by a tenth
// at least. The longest is left out: a busy machine may have made it so.
type Spread struct{ From, To int }

func (s Spread) Problem(t *Trial) string {
	var delays []time.Duration
	for n := s.From; n <= s.To; n++ {
		d, ok := t.Delay(n)
		if !ok {
			return ""
		}
		delays = append(delays, d)
	}
	slices.Sort(delays)
	if shortest, long := delays[0], delays[max(0, len(delays)-2)]; long < shortest*11/10 {
		return fmt.Sprintf("all delays are alike, from %s to %s", Seconds(shortest), Seconds(long))
	}
	return ""
}

// AtMost demands that no more requests than N come within a time after the first.
type AtMost struct {
	N      int
	Within time.Duration
}

func (a AtMost) Problem(t *Trial) string {
	n := 0
	for _, r := range t.Requests {
		if r.At.Sub(t.Requests[0].At) <= a.Within {
			n++
		}
	}
	if n > a.N {
		return fmt.Sprintf("%d requests within %s, at most %d are harmless", n, Seconds(a.Within), a.N)
	}
	return ""
}

// Leaves demands that the client closes the connection of a request before more
// than Bytes were sent.
type Leaves struct {
	Request int
	Bytes   int64
}

func (l Leaves) Problem(t *Trial) string {
	if len(t.Requests) < l.Request {
		return ""
	}
	if r := t.Requests[l.Request-1]; !r.Left && !t.Exited || r.Bytes > l.Bytes {
		return fmt.Sprintf("did not leave the response to request %d: %d KiB were sent", l.Request, r.Bytes>>10)
	}
	return ""
}

// Asks demands that the first request is as it should be: its method, the target
// as it was given, and no body.
type Asks struct{ Target string }

func (a Asks) Problem(t *Trial) string {
	if len(t.Requests) == 0 {
		return ""
	}
	r := t.Requests[0]
	switch {
	case r.Method != "GET":
		return fmt.Sprintf("the request's method is %s, want GET", r.Method)
	case r.Target != a.Target:
		return fmt.Sprintf("the request is for %s, want %s", r.Target, a.Target)
	case len(r.Body) > 0:
		return fmt.Sprintf("the request has a body of %d bytes", len(r.Body))
	}
	return ""
}

// Moves demands that a request is for a place that a redirect has named.
type Moves struct {
	Request int
	Target  string
}

func (m Moves) Problem(t *Trial) string {
	if len(t.Requests) < m.Request {
		return ""
	}
	if r := t.Requests[m.Request-1]; r.Target != m.Target {
		return fmt.Sprintf("request %d is for %s, want %s, where the redirect leads", r.N, r.Target, m.Target)
	}
	return ""
}

// SameTarget demands that a request is for what the first was for.
type SameTarget struct{ Request int }

func (s SameTarget) Problem(t *Trial) string {
	if len(t.Requests) < s.Request {
		return ""
	}
	first, r := t.Requests[0], t.Requests[s.Request-1]
	if r.Target != first.Target || r.Other != first.Other {
		return fmt.Sprintf("request %d is for %s, want %s, which the client was given", r.N, r.Target, first.Target)
	}
	return ""
}

// Accepts demands that the first request's field, where it is there, lists a value.
type Accepts struct{ Field, Value string }

func (a Accepts) Problem(t *Trial) string {
	if len(t.Requests) == 0 {
		return ""
	}
	got := strings.Join(t.Requests[0].Header.Values(a.Field), ", ")
	if !strings.Contains(strings.ToLower(got), a.Value) {
		return fmt.Sprintf("the request carries %s: %q, want %s in it", a.Field, got, a.Value)
	}
	return ""
}

// OneAtATime demands that a connection was done with before the next request.
type OneAtATime struct{}

func (OneAtATime) Problem(t *Trial) string {
	for n := 2; n <= len(t.Requests); n++ {
		if r := t.Requests[n-2]; r.Done.IsZero() && !r.Left {
			return fmt.Sprintf("request %d came while the response to request %d was open, and it stayed open", n, n-1)
		}
	}
	return ""
}

// EachCarriesToken demands that all requests carry what the first one did.
type EachCarriesToken struct{}

func (EachCarriesToken) Problem(t *Trial) string {
	for _, r := range t.Requests {
		if want := t.Requests[0].Header.Get("Authorization"); r.Header.Get("Authorization") != want {
			return fmt.Sprintf("request %d carries another Authorization than the first", r.N)
		}
	}
	return ""
}

// Chain demands that no more than N redirects in a row are followed.
type Chain struct{ N int }

func (c Chain) Problem(t *Trial) string {
	hops := 0
	for _, r := range t.Requests {
		if r.Target == t.Requests[0].Target {
			hops = 0
		}
		if hops++; hops > c.N+1 {
			return fmt.Sprintf("followed more than %d redirects in a row", c.N)
		}
	}
	return ""
}

// Stops demands that the client ends when it is asked to.
type Stops struct{}

func (Stops) Problem(t *Trial) string {
	if t.Ignored {
		return "had to be killed: it did not end at SIGTERM, nor when its standard input ended"
	}
	return ""
}

// NoRequest demands that there is none.
type NoRequest struct{}

func (NoRequest) Problem(t *Trial) string {
	if len(t.Requests) > 0 {
		return "made a request over a connection that nobody vouches for"
	}
	return ""
}
