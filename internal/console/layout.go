package console

import (
	"bytes"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// A Span is a piece of safe text in one style.
type Span struct {
	Style Style
	Text  string
}

// Layout appends spans to b as lines of at most so many columns, broken at
// blanks where there are any, and indented by so many columns but for the first,
// which begins at that column already. Line feeds in the text break too. With 0
// columns nothing else breaks. There is no line feed at the end.
func (p Paint) Layout(b []byte, spans []Span, indent, columns int) []byte {
	l := line{p: p, b: b, indent: indent, at: indent, columns: columns}
	if columns > 0 && columns-indent < 20 { // too narrow for an indent
		l.indent = min(indent, 2)
	}
	for _, s := range spans {
		for i, part := range strings.Split(s.Text, "\n") {
			if i > 0 {
				l.feed()
			}
			for _, word := range words(strings.ReplaceAll(part, "\t", "    ")) {
				l.word(s.Style, word)
			}
		}
	}
	l.paint()
	return l.b
}

// line is the line being laid out.
type line struct {
	p                   Paint
	b                   []byte
	indent, at, columns int

	style Style  // of run
	run   []byte // laid out and not yet painted
}

func (l *line) feed() {
	l.paint()
	l.b = append(l.b, '\n')
	for range l.indent {
		l.b = append(l.b, ' ')
	}
	l.at = l.indent
}

// word appends a word, in pieces if it is longer than a line. A blank that would
// begin a broken line is left out.
func (l *line) word(s Style, word string) {
	w := termsafe.Width(word)
	if l.columns > 0 && l.at+w > l.columns {
		if word == " " {
			return
		}
		if l.at > l.indent {
			l.run = bytes.TrimRight(l.run, " ")
			l.feed()
		}
		for word != "" && l.at+w > l.columns {
			head := fit(word, l.columns-l.at)
			l.put(s, head, 0)
			l.feed()
			word = word[len(head):]
			w = termsafe.Width(word)
		}
	}
	l.put(s, word, w)
}

func (l *line) put(s Style, text string, width int) {
	if s != l.style {
		l.paint()
		l.style = s
	}
	l.run = append(l.run, text...)
	l.at += width
}

// paint ends a run of text in one style.
func (l *line) paint() {
	l.b = append(l.b, l.p.Text(l.style, string(l.run))...)
	l.run = l.run[:0]
}

// fit returns as much of a word as fits, and one character at least.
func fit(word string, columns int) string {
	w := 0
	for i, r := range word {
		if w += termsafe.RuneWidth(r); w > columns && i > 0 {
			return word[:i]
		}
	}
	return word
}

// words splits text into words and single blanks.
func words(s string) []string {
	var out []string
	for s != "" {
		i := strings.IndexByte(s, ' ')
		switch i {
		case -1:
			return append(out, s)
		case 0:
			out, s = append(out, " "), s[1:]
		default:
			out, s = append(out, s[:i]), s[i:]
		}
	}
	return out
}
