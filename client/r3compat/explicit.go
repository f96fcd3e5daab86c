package sse

import (
	"bytes"
	"io"

	wire "github.com/OneStepAt4time/resilient-sse/sse"
)

// The engine knows one type where r3labs knows two: "message" spelled out, and no
// type at all. spelledOut is the first on its way through the engine.
const (
	mark       = 0 // no line of a stream ends in it
	spelledOut = wire.DefaultType + string(rune(mark))
)

// marking is a body in which each line that spells "message" out ends in a mark.
type marking struct {
	io.ReadCloser
	line line
	owed bool   // the mark, before the rest
	rest []byte // read, neither looked at nor handed out
	err  error  // what came with the rest
}

// Read implements [io.Reader].
func (m *marking) Read(p []byte) (int, error) {
	if len(p) == 0 || m.owed || len(m.rest) > 0 {
		return m.fill(p), nil
	}
	if m.err != nil {
		return 0, m.err
	}
	n, err := m.ReadCloser.Read(p)
	end := m.line.end(p[:n])
	if end == n {
		return n, err
	}
	m.owed, m.rest, m.err = true, append(m.rest[:0], p[end:n]...), err
	return end + m.fill(p[end:]), nil
}

// fill hands out what is left of the last read, with its marks.
func (m *marking) fill(p []byte) (n int) {
	for n < len(p) {
		if m.owed {
			p[n], m.owed = mark, false
			n++
			continue
		}
		if len(m.rest) == 0 {
			break
		}
		part := m.rest[:min(len(m.rest), len(p)-n)]
		end := m.line.end(part)
		m.owed = end < len(part)
		copy(p[n:], part[:end])
		n, m.rest = n+end, m.rest[end:]
	}
	return n
}

// line looks for lines that spell "message" out, over any division into reads.
type line struct {
	at    int // how much of it has come; other: another line
	begun int // how much of a byte order mark has come; its length: no more will
}

const (
	message = "event: " + wire.DefaultType // the blank may be missing
	blank   = len("event:")
	other   = -1
	bom     = "\uFEFF"
)

// end returns where the first such line in b ends, or b's length. It goes on from
// there, and takes the line's end for that of another line.
func (l *line) end(b []byte) int {
	for i := 0; i < len(b); i++ {
		if l.at == other {
			skip := bytes.IndexAny(b[i:], "\r\n")
			if skip < 0 {
				return len(b)
			}
			i += skip
		}
		switch c := b[i]; {
		case l.begun < len(bom) && c == bom[l.begun]:
			l.begun++
			continue
		case c == '\r' || c == '\n':
			if l.at == len(message) {
				l.at = other
				return i
			}
			l.at = 0
		case l.at < len(message) && c == message[l.at]:
			l.at++
		case l.at == blank && c == message[blank+1]:
			l.at = blank + 2
		default:
			l.at = other
		}
		l.begun = len(bom)
	}
	return len(b)
}
