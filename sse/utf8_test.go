package sse_test

import (
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// TestUTF8 compares repaired text with the Encoding standard's own algorithm, for
// each sequence of up to four bytes at which a rule begins or ends.
func TestUTF8(t *testing.T) {
	const edges = "\x00A\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF"
	var sequences []string
	var grow func(string)
	grow = func(s string) {
		if s != "" {
			sequences = append(sequences, s)
		}
		if len(s) == 4 || (len(s) == 3 && s[0] < 0xE0) { // four bytes where four can be one sequence
			return
		}
		for i := range len(edges) {
			grow(s + edges[i:i+1])
		}
	}
	grow("")
	stream := strings.NewReader("data:" + strings.Join(sequences, "\n\ndata:") + "\n\n")
	n := 0
	for ev, err := range sse.Read(stream) {
		if err != nil {
			t.Fatal(err)
		}
		if want := referenceText(sequences[n]); ev.Data != want {
			t.Fatalf("%q: got %q, want %q", sequences[n], ev.Data, want)
		}
		n++
	}
	if n != len(sequences) {
		t.Errorf("%d of %d sequences were read", n, len(sequences))
	}
}

// A reference that is wrong in the same way would prove nothing.
func TestReferenceText(t *testing.T) {
	for _, text := range []string{"", "a", "é", "\u0800", "\uFFFF", "\U00010000", "\U0010FFFF", "a\u00FFz€\U0001F600"} {
		if got := referenceText(text); got != text {
			t.Errorf("valid text %q became %q", text, got)
		}
	}
	for stream, want := range map[string]string{
		"\xE2\x82":             "\uFFFD",
		"\xE2\x82A":            "\uFFFDA",
		"\xF0\x9F\x98":         "\uFFFD",
		"\xED\xA0\x80":         "\uFFFD\uFFFD\uFFFD",
		"\xF0\x9F\xE2\x82\xAC": "\uFFFD€",
	} {
		if got := referenceText(stream); got != want {
			t.Errorf("%q: got %q, want %q", stream, got, want)
		}
	}
}
