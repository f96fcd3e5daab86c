package termsvg

import (
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// A Chunk is what was written at one time, from the beginning on.
type Chunk struct {
	At    time.Duration
	Bytes []byte
}

// A run is text in one style.
type run struct {
	style style
	text  string
}

type style struct {
	bold, dim, italic bool
	colour            int // of SGR, 31 to 37; 0: the terminal's own
}

// A line is what one row shows during some time.
type line struct {
	row       int
	runs      []run
	from, til time.Duration // til 0: to the end
}

// A screen is a terminal that never forgets a row.
type screen struct {
	lines []line // those that are done with
	row   int
	runs  []run // of the row that the cursor is on
	since time.Duration
	style style
	rest  string // an escape sequence or a character that is not complete
}

// play returns all lines that were ever shown, and how many rows there are.
func play(chunks []Chunk) ([]line, int) {
	var s screen
	for _, c := range chunks {
		s.write(c.At, s.rest+string(c.Bytes))
	}
	s.shown(0)
	return s.lines, s.row
}

func (s *screen) write(at time.Duration, text string) {
	s.rest = ""
	for text != "" {
		switch c := text[0]; {
		case c == '\n':
			s.shown(0)
			s.row, s.runs = s.row+1, nil
			text = text[1:]
		case c == '\r':
			text = text[1:]
		case c == 0x1b:
			end := strings.IndexFunc(text[1:], func(r rune) bool { return r >= 'A' && r <= 'z' && r != '[' })
			if end < 0 {
				s.rest = text
				return
			}
			s.escape(at, text[1:end+2])
			text = text[end+2:]
		default:
			end := strings.IndexAny(text, "\n\r\x1b")
			if end < 0 {
				end = len(text)
			}
			if len(s.runs) == 0 {
				s.since = at
			}
			s.runs = append(s.runs, run{s.style, text[:end]})
			text = text[end:]
		}
	}
}

// shown takes note of the row that the cursor is on, as it was until then.
func (s *screen) shown(til time.Duration) {
	if len(s.runs) > 0 {
		s.lines = append(s.lines, line{s.row, s.runs, s.since, til})
	}
}

func (s *screen) escape(at time.Duration, seq string) {
	switch {
	case strings.HasSuffix(seq, "K"):
		s.shown(max(at, s.since+time.Millisecond))
		s.runs = nil
	case strings.HasSuffix(seq, "m"):
		for code := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(seq, "["), "m"), ";") {
			s.sgr(code)
		}
	}
}

func (s *screen) sgr(code string) {
	switch code {
	case "", "0":
		s.style = style{}
	case "1":
		s.style.bold = true
	case "2":
		s.style.dim = true
	case "3":
		s.style.italic = true
	case "22":
		s.style.bold, s.style.dim = false, false
	case "23":
		s.style.italic = false
	case "39":
		s.style.colour = 0
	default:
		if len(code) == 2 && code[0] == '3' {
			s.style.colour = int(code[1]-'0') + 30
		}
	}
}

// width is how many columns some runs take.
func width(runs []run) (n int) {
	for _, r := range runs {
		n += termsafe.Width(r.text)
	}
	return n
}
