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
// which begins at that column already. Line feeds in the text break too, and lines
// without text have no indent. With 0 columns nothing else breaks. There is no
// line feed at the end, unless the text has one there.
func (p Paint) Layout(b []byte, spans []Span, indent, columns int) []byte {
	l := line{p: p, b: b, indent: indent, at: indent, columns: columns}
	if columns > 0 && columns-indent < leastText {
		l.indent = min(indent, 2)
	}
	for i, s := range spans {
		l.glued = 0
		if columns > 0 && i+1 < len(spans) {
			l.glued = mark(spans[i+1].Text)
		}
		l.span(s)
	}
	l.paint()
	return l.b
}

// mark is how wide a mark is that a text begins with, and that belongs to the word before
// it, such as a colon; 0 if it begins with none.
func mark(text string) int {
	if len(text) < 2 || strings.IndexByte(":;,.)", text[0]) < 0 || text[1] != ' ' {
		return 0
	}
	return 1
}

// leastText is how many columns text needs to be indented.
const leastText = 20

const (
	tab    = "    "
	blanks = "                                                                "
)

// line is the line being laid out.
type line struct {
	p                   Paint
	b                   []byte
	indent, at, columns int
	fresh               bool // the indent is still to be written
	glued               int  // columns behind the span that belong to its last word

	style Style  // of run
	run   []byte // laid out and not yet painted; only where there is a paint
}

func (l *line) span(s Span) {
	if l.columns == 0 && strings.IndexByte(s.Text, '\n') < 0 && strings.IndexByte(s.Text, '\t') < 0 {
		l.put(s.Style, s.Text, 0)
		return
	}
	for i := 0; ; i++ {
		part, rest, more := strings.Cut(s.Text, "\n")
		if i > 0 {
			l.feed()
		}
		l.part(s.Style, strings.ReplaceAll(part, "\t", tab))
		if !more {
			return
		}
		s.Text = rest
	}
}

// part lays out text without line feeds, word by word.
func (l *line) part(s Style, text string) {
	if l.columns == 0 {
		l.put(s, text, 0)
		return
	}
	for text != "" {
		n := strings.IndexByte(text, ' ')
		switch n {
		case -1:
			n = len(text)
		case 0:
			n = 1
		}
		behind := 0
		if n == len(text) {
			behind = l.glued
		}
		l.word(s, text[:n], behind)
		text = text[n:]
	}
}

func (l *line) feed() {
	l.paint()
	l.b = append(l.b, '\n')
	l.at, l.fresh = l.indent, true
}

// word appends a word or a single blank, in pieces if it is longer than a line. A
// blank that would begin a broken line is left out. So many columns behind it belong to
// the word.
func (l *line) word(s Style, word string, behind int) {
	w := termsafe.Width(word)
	if l.at+w > l.columns && word == " " {
		return
	}
	if word != " " && l.at+w+behind > l.columns {
		if l.at > l.indent {
			l.trim()
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

// trim takes back blanks at the end of the line.
func (l *line) trim() {
	if l.p {
		l.run = bytes.TrimRight(l.run, " ")
		return
	}
	l.b = bytes.TrimRight(l.b, " ")
}

func (l *line) put(s Style, text string, width int) {
	if text == "" {
		return
	}
	if l.fresh {
		l.b, l.fresh = appendBlanks(l.b, l.indent), false
	}
	l.at += width
	if !l.p {
		l.b = append(l.b, text...)
		return
	}
	if s != l.style {
		l.paint()
		l.style = s
	}
	l.run = append(l.run, text...)
}

func appendBlanks(b []byte, n int) []byte {
	for ; n > len(blanks); n -= len(blanks) {
		b = append(b, blanks...)
	}
	return append(b, blanks[:n]...)
}

// paint ends a run of text in one style.
func (l *line) paint() {
	if len(l.run) > 0 {
		l.b = l.p.Append(l.b, l.style, string(l.run))
		l.run = l.run[:0]
	}
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
