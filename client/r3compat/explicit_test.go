package sse

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

var explicit = regexp.MustCompile(`(^|[\r\n])(event: ?message)([\r\n])`)

// marked is what marking makes of a text, the slow way.
func marked(s string) string {
	begin, s := s[:len(s)-len(strings.TrimPrefix(s, bom))], strings.TrimPrefix(s, bom)
	for range 2 { // a match takes the line end that the next one would begin with
		s = explicit.ReplaceAllString(s, "$1$2\x00$3")
	}
	return begin + s
}

// body wraps a reader as a body.
func body(r io.Reader) *marking { return &marking{ReadCloser: io.NopCloser(r)} }

var markingTexts = []string{
	"",
	"event: message\ndata: a\n\n",
	"event:message\nevent: message\r\rdata: event: message\r\n\r\n",
	bom + "event: message\n\n",
	bom + bom + "event: message\n\n",
	"data: a\n\n" + bom + "event: message\n\n",
	"event:  message\nevent: message \nevent: messages\nevent: messag\nevents: message\n event: message\n:event: message\n",
	"event: message", // unfinished: no event either
	"event: event: message\n\nevent:\nevent: message\n\n",
	"\n\n\r\nevent: message\n",
}

// Whatever the division into reads on either side, a byte is neither lost nor made
// up, but for the marks.
func TestMarking(t *testing.T) {
	for _, text := range markingTexts {
		want := marked(text)
		for name, reader := range map[string]io.Reader{
			"whole":            strings.NewReader(text),
			"single bytes":     iotest.OneByteReader(strings.NewReader(text)),
			"halves":           iotest.HalfReader(strings.NewReader(text)),
			"the end with it":  iotest.DataErrReader(strings.NewReader(text)),
			"an error with it": iotest.DataErrReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(io.EOF))),
		} {
			got, err := io.ReadAll(body(reader))
			if err != nil || string(got) != want {
				t.Errorf("%q by %s: got %q, %v; want %q", text, name, got, err, want)
			}
			if err := iotest.TestReader(body(strings.NewReader(text)), []byte(want)); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

func TestMarkingManyLines(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < 1<<20 {
		b.WriteString(markingTexts[random.IntN(len(markingTexts))])
	}
	var got bytes.Buffer
	r := body(strings.NewReader(b.String()))
	for {
		p := make([]byte, random.IntN(100))
		n, err := r.Read(p)
		got.Write(p[:n])
		if err == io.EOF {
			break
		}
	}
	if got.String() != marked(b.String()) {
		t.Error("marked otherwise than the slow way does")
	}
}

// The error that came with the last bytes comes behind them.
func TestMarkingKeepsTheError(t *testing.T) {
	broken := errors.New("broken")
	r := body(iotest.DataErrReader(io.MultiReader(strings.NewReader("event: message\n\n"), iotest.ErrReader(broken))))
	got, err := io.ReadAll(r)
	if err != broken || string(got) != "event: message\x00\n\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
