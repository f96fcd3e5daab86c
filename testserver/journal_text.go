package testserver

import (
	"fmt"
	"strings"
	"time"
)

// Journal returns the requests for streams so far in words, a line for each, oldest
// first. A failing test of a server that [New] or [NewInMemory] made logs the newest
// hundred lines.
func (s *Server) Journal() string {
	var b strings.Builder
	for _, r := range s.Requests() {
		r.appendText(&b)
	}
	return b.String()
}

func (r *Request) appendText(b *strings.Builder) {
	fmt.Fprintf(b, "#%d %s %s %s", r.Number, r.Time.Format("15:04:05.000"), r.Method, r.URL)
	if r.LastEventID != "" {
		fmt.Fprintf(b, ", Last-Event-ID %q", r.LastEventID)
	}
	if r.Status != 0 {
		fmt.Fprintf(b, ": %d", r.Status)
	} else {
		b.WriteString(": no response")
	}
	if r.Gap != "" {
		fmt.Fprintf(b, ", gap to %q", r.Gap)
	}
	if r.Start != "" {
		fmt.Fprintf(b, ", from %q on", r.Start)
	}
	fmt.Fprintf(b, ", %d events", r.Events)
	if r.LastSent != "" {
		fmt.Fprintf(b, " up to %q", r.LastSent)
	}
	fmt.Fprintf(b, ", %d bytes", r.Bytes)
	if len(r.Faults) > 0 {
		fmt.Fprintf(b, ", faults %s", strings.Join(r.Faults, " "))
	}
	switch {
	case r.Open:
		b.WriteString("; open")
	case r.Why != "":
		fmt.Fprintf(b, "; after %v: %s", r.End.Sub(r.Time).Round(time.Microsecond), r.Why)
	}
	b.WriteByte('\n')
}

// maxLogged is how many lines of the journal a failing test logs.
const maxLogged = 100

// logIfFailed shows what the server saw, under a test that failed.
func (s *Server) logIfFailed(tb TB) {
	if !tb.Failed() {
		return
	}
	lines := strings.SplitAfter(s.Journal(), "\n")
	lines = lines[:len(lines)-1] // behind the last line end is nothing
	skipped := max(0, len(lines)-maxLogged)
	tb.Logf("testserver %s: %d requests, the newest %d:\n%s", s.URL, len(lines), len(lines)-skipped, strings.Join(lines[skipped:], ""))
}
