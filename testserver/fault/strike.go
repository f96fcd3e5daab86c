package fault

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// A striker is what a kind does to a body. Parts are those of the event that is about
// to be written, of which one is the event; nil if there is none. What is returned is
// written in their place. The set's lock is held.
type striker func(c *Conn, a *armed, p Progress, parts []Part) []Part

func ends(how How) striker {
	return func(c *Conn, a *armed, _ Progress, _ []Part) []Part {
		c.ending = &Ending{How: how, Kind: a.kind.name}
		return nil
	}
}

// cutsAt ends the connection behind the first bytes of the event.
func cutsAt(where func(event []byte) int) striker {
	return func(c *Conn, a *armed, _ Progress, parts []Part) []Part {
		c.ending = &Ending{How: EndCut, Kind: a.kind.name}
		at := whole(parts)
		b := parts[at].Bytes
		return append(parts[:at], Part{Bytes: b[:where(b)]})
	}
}

func insideEvent(event []byte) int { return len(event) - 1 }

func insideLine(event []byte) int {
	lines := bytes.TrimRight(event, "\r\n")
	start := bytes.LastIndexAny(lines, "\r\n") + 1
	return start + (len(lines)-start)/2
}

func insideRune(event []byte) int { return bytes.IndexFunc(event, isLong) + 1 }

func hasRune(_ *Conn, event []byte) bool { return bytes.IndexFunc(event, isLong) >= 0 }

func isLong(r rune) bool { return r >= utf8.RuneSelf && r != utf8.RuneError }

func cutsChunkHeader(c *Conn, a *armed, _ Progress, parts []Part) []Part {
	at := whole(parts)
	c.ending = &Ending{EndCut, a.kind.name, len(parts[at].Bytes)}
	return parts[:at]
}

// inserts writes a text beside the stream's own.
func inserts(text func(*spec) string) striker {
	return func(_ *Conn, a *armed, _ Progress, parts []Part) []Part {
		return slices.Insert(parts, max(0, whole(parts)), Part{Bytes: []byte(text(&a.fault.spec))})
	}
}

func always(text string) func(*spec) string { return func(*spec) string { return text } }

func textOf(before, after string) func(*spec) string {
	return func(s *spec) string { return before + *s.Text + after }
}

// An endlessness is something without end under way.
type endlessness struct {
	*armed
	piece []byte
	left  int // bytes to its limit; negative: there is none
}

// endlessPiece is how many bytes of something endless are written at once.
const endlessPiece = 16 << 10

// endless writes a beginning, and then one thing again and again: until the client
// leaves, something ends the connection, or the fault's limit. The event that it
// strikes at never comes.
func endless(begin, again string) striker {
	piece := []byte(strings.Repeat(again, endlessPiece/len(again)))
	return func(c *Conn, a *armed, p Progress, _ []Part) []Part {
		c.endless = &endlessness{a, piece, -1}
		if limit := a.fault.spec.Bytes; limit != nil {
			c.endless.left = *limit
		}
		return c.endless.next([]byte(begin))
	}
}

// next returns a piece of at most what is left; nil if that is nothing.
func (e *endlessness) next(b []byte) []Part {
	if e.left >= 0 {
		b = b[:min(e.left, len(b))]
		e.left -= len(b)
	}
	if len(b) == 0 {
		return nil
	}
	return []Part{{Bytes: b}}
}

// goOn writes more of something endless. Nothing can follow it, so a fault that is
// removed cuts.
func (c *Conn) goOn(p Progress) Step {
	if !c.endless.gone() {
		if parts := c.endless.next(c.endless.piece); parts != nil {
			return Step{Parts: parts, Max: c.untilDue(p)}
		}
	}
	c.ending = &Ending{How: EndCut, Kind: c.endless.kind.name}
	return Step{End: c.ending}
}

func repeats(_ *Conn, _ *armed, _ Progress, parts []Part) []Part {
	at := whole(parts)
	parts[at].Bytes = bytes.Repeat(parts[at].Bytes, 2)
	return parts
}

func drops(_ *Conn, _ *armed, _ Progress, parts []Part) []Part {
	at := whole(parts)
	return slices.Delete(parts, at, at+1)
}

func reorders(c *Conn, _ *armed, _ Progress, parts []Part) []Part {
	at := whole(parts)
	c.late = []Part{parts[at]}
	return slices.Delete(parts, at, at+1)
}

func noneLate(c *Conn, _ []byte) bool { return c.late == nil }
