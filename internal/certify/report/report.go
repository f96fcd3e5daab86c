// Package report shows the outcome of a certification: as a table for a terminal,
// as a page, as JSON and as JUnit XML.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// A Report is what is known of a client after a run.
type Report struct {
	Suite   string         `json:"suite"` // its version
	Date    time.Time      `json:"date"`
	Command []string       `json:"command"`
	Took    float64        `json:"seconds"`
	Bounds  certify.Bounds `json:"bounds"` // in nanoseconds
	Classes []Tally        `json:"classes"`
	Rows    []Row          `json:"results"`
}

// A Tally counts the outcomes of a class.
type Tally struct {
	Class     scenario.Class `json:"class"`
	Pass      int            `json:"pass"`
	Fail      int            `json:"fail"`
	NotJudged int            `json:"notJudged"`
}

// Of is how many there are.
func (t Tally) Of() int { return t.Pass + t.Fail + t.NotJudged }

// Passed tells whether a class passes: nothing fails, and all was judged.
func (t Tally) Passed() bool { return t.Pass == t.Of() }

// A Row is the outcome of one scenario.
type Row struct {
	Name    string           `json:"name"`
	Class   scenario.Class   `json:"class"`
	Outcome scenario.Outcome `json:"outcome"`
	Problem string           `json:"problem,omitempty"`
	Note    string           `json:"note,omitempty"`
	Clause  string           `json:"clause"`
	Why     string           `json:"why"`
	Seconds float64          `json:"seconds"`

	Exchanges []Exchange `json:"exchanges,omitempty"`
	Want      []string   `json:"want,omitempty"`
	Shown     []string   `json:"shown,omitempty"`
	End       string     `json:"end,omitempty"`    // how the client ended, where it did by itself
	Stderr    string     `json:"stderr,omitempty"` // of a client that failed
}

// An Exchange is one request and what was answered, for people.
type Exchange struct {
	Request  string `json:"request"`
	Response string `json:"response"`
}

// What a row has room for.
const (
	maxExchanges = 8
	maxEvents    = 12
	maxResponse  = 1500
)

// New makes a report.
func New(suite string, command []string, start time.Time, bounds certify.Bounds, results []certify.Result) *Report {
	r := &Report{Suite: suite, Date: start.UTC().Truncate(time.Second), Command: command, Took: seconds(time.Since(start)), Bounds: bounds}
	for _, class := range scenario.Classes {
		t := Tally{Class: class}
		for _, res := range results {
			switch {
			case res.Scenario.Class != class:
			case res.Outcome == scenario.Pass:
				t.Pass++
			case res.Outcome == scenario.NotJudged:
				t.NotJudged++
			default:
				t.Fail++
			}
		}
		if t.Of() > 0 {
			r.Classes = append(r.Classes, t)
		}
	}
	for _, res := range results {
		r.Rows = append(r.Rows, row(res))
	}
	return r
}

// Passed tells whether all classes pass.
func (r *Report) Passed() bool {
	return !slices.ContainsFunc(r.Classes, func(t Tally) bool { return !t.Passed() })
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

func row(res certify.Result) Row {
	s, t := res.Scenario, res.Trial
	r := Row{
		Name: s.Name, Class: s.Class, Outcome: res.Outcome, Problem: valid(res.Problem), Note: valid(res.Note),
		Clause: s.Clause, Why: s.Why, Seconds: seconds(res.Took),
	}
	if res.Failed > 0 && res.Outcome != scenario.Fail {
		r.Note = strings.TrimPrefix(r.Note+"; unsteady: it failed before", "; ")
	}
	for i, req := range t.Requests {
		if i == maxExchanges {
			r.Exchanges = append(r.Exchanges, Exchange{Request: fmt.Sprintf("… and %d more", len(t.Requests)-i)})
			break
		}
		r.Exchanges = append(r.Exchanges, exchange(t, req))
	}
	r.Want = texts(s.Wanted(len(t.Requests)))
	r.Shown = texts(t.Shown)
	if t.Exited {
		r.End = t.Exit
	}
	if r.Outcome != scenario.Pass {
		r.Stderr = valid(strings.TrimSpace(t.Stderr))
	}
	return r
}

// valid is text that was received, as UTF-8 and without what XML can't hold.
func valid(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}

func texts(events []scenario.Event) []string {
	var all []string
	for i, ev := range events {
		if i == maxEvents {
			return append(all, fmt.Sprintf("… and %d more", len(events)-i))
		}
		all = append(all, ev.String())
	}
	return all
}

// told are the fields of a request that scenarios are about.
var told = []string{"Last-Event-Id", "Authorization", "Accept", "Cache-Control", "Accept-Encoding"}

func exchange(t *scenario.Trial, req scenario.Request) Exchange {
	var b strings.Builder
	if d, ok := t.Delay(req.N); ok {
		fmt.Fprintf(&b, "after %s: ", scenario.Seconds(d))
	}
	fmt.Fprintf(&b, "%s %s", req.Method, req.Target)
	if req.Other {
		b.WriteString(" (at the other origin)")
	}
	for _, name := range told {
		if v := req.Header.Values(name); len(v) > 0 {
			fmt.Fprintf(&b, "\n%s: %s", name, escape(scenario.Shorten(strings.Join(v, ", "), maxResponse/5)))
		}
	}
	text := escape(scenario.Shorten(string(req.Sent), maxResponse))
	switch {
	case req.Left:
		text += "\n[the client left]"
	case req.Done.IsZero():
		text += "\n[open]"
	default:
		text += "\n[the end]"
	}
	return Exchange{Request: b.String(), Response: text}
}

// escape shows what has no look of its own, and breaks lines where the text does.
func escape(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\n':
			b.WriteString("\\n\n")
		case r == '\r':
			b.WriteString(`\r`)
			if !strings.HasPrefix(text[i+1:], "\n") {
				b.WriteString("\n")
			}
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\ufffd' || r == '\ufeff' || r < ' ' || r >= 0x7f && r < 0xa0:
			for _, c := range []byte(bytesAt(text, i, r)) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// bytesAt are the bytes of the character at i; one where they are none.
func bytesAt(text string, i int, r rune) string {
	if r == '\ufffd' && !strings.HasPrefix(text[i:], "\ufffd") {
		return text[i : i+1]
	}
	return string(r)
}

// JSON writes the report as one document.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(r)
}
