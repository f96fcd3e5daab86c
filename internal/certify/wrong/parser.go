package wrong

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits on what is kept of a stream.
const maxEvent = 12 << 20

// A parser makes events of bytes.
type parser struct {
	c *client

	line    []byte
	started bool // the first line is complete: what is a mark is none now
	sawCR   bool
	size    int // of the block so far
	held    func()

	data  strings.Builder
	lines int
	typ   string
	id    string // of the block, when it is complete
	hasID bool
	too   bool // larger than it may be
}

func (p *parser) feed(b []byte) {
	c := p.c
	if c.is("decodes-each-read-by-itself") {
		b = []byte(strings.ToValidUTF8(string(b), "\ufffd"))
	}
	for _, ch := range b {
		if p.held != nil {
			p.held()
			p.held = nil
		}
		switch {
		case ch == '\n' && p.sawCR && !c.is("takes-crlf-for-two-line-ends"):
			p.sawCR = false
			continue
		case ch == '\n':
			p.sawCR = false
			p.end()
		case ch == '\r' && !c.is("knows-no-cr"):
			p.sawCR = true
			if c.is("waits-behind-a-cr") {
				p.held = p.end
			} else {
				p.end()
			}
		default:
			p.sawCR = false
			p.line = append(p.line, ch)
			limit := len(p.line)
			if !c.is("limits-lines-alone") {
				limit += p.size
			}
			if limit > maxEvent && !c.is("has-no-limits") && (len(p.line) == 0 || p.line[0] != ':') {
				p.too = true
				return
			}
		}
	}
	if c.is("takes-a-read-for-a-line") && len(p.line) > 0 {
		p.end()
	}
}

// end takes a complete line.
func (p *parser) end() {
	c := p.c
	line := p.line
	p.line = p.line[:0]
	if c.is("has-lines-of-64-kib") && len(line) > 64<<10 {
		return
	}
	mark := []byte("\xef\xbb\xbf")
	first := !p.started && !(c.is("strips-the-first-mark-alone") && c.opened > 1)
	if p.started = true; (first || c.is("strips-all-marks")) && !c.is("keeps-the-mark") {
		line = bytes.TrimPrefix(line, mark)
	}
	if len(line) == 0 {
		p.dispatch()
		return
	}
	if !c.is("limits-lines-alone") && line[0] != ':' {
		p.size += len(line) + 1
	}
	text := decode(line)
	if c.is("replaces-runs-of-bad-bytes") {
		text = strings.ToValidUTF8(string(line), "\ufffd")
	}
	if c.is("passes-bad-bytes") {
		text = strings.ReplaceAll(string(line), "\xff", "y")
	}
	p.field(text)
}

func (p *parser) field(text string) {
	c := p.c
	if strings.HasPrefix(text, ":") {
		if c.is("breaks-events-at-comments") {
			p.dispatch()
		}
		return
	}
	name, value, ok := strings.Cut(text, ":")
	if i := strings.LastIndex(text, ":"); c.is("splits-at-the-last-colon") && ok {
		name, value = text[:i], text[i+1:]
	}
	if !ok && c.is("ignores-lines-without-a-colon") {
		return
	}
	switch {
	case c.is("trims-values"):
		value = strings.TrimSpace(value)
	case !c.is("keeps-the-blank"):
		value = strings.TrimPrefix(value, " ")
	}
	if c.is("folds-names") {
		name = strings.ToLower(name)
	}
	if c.is("trims-names") {
		name = strings.TrimSpace(name)
	}
	switch name {
	case "data":
		if p.lines++; p.lines > 1 && !c.is("joins-lines-with-nothing") {
			p.data.WriteByte('\n')
		}
		p.data.WriteString(value)
	case "event":
		p.typ = value
	case "id":
		if strings.Contains(value, "\x00") && !c.is("takes-ids-with-nul") || value == "" && c.is("ignores-empty-ids") {
			return
		}
		p.id, p.hasID = value, true
		if c.is("keeps-ids-of-cut-blocks") {
			c.id = value
		}
	case "retry":
		p.retry(value)
	default:
		if c.is("takes-unknown-fields-for-data") {
			p.lines++
			p.data.WriteString(text)
		}
	}
}

func (p *parser) retry(value string) {
	c := p.c
	if c.is("ignores-retry") {
		return
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if c.is("takes-bad-retry-for-zero") && err != nil {
		n, err = 0, nil
	}
	if c.is("lets-retry-overflow") {
		n, err = 0, nil
		for _, digit := range value {
			n = n*10 + uint64(digit-'0')
		}
		n &= 1<<32 - 1
	}
	if err != nil || strings.HasPrefix(value, "+") {
		if ok := value != "" && strings.Trim(value, "0123456789") == ""; !ok {
			return
		}
		n = 1 << 40
	}
	d := time.Duration(min(n, uint64(maxDelay/time.Millisecond))) * time.Millisecond
	if !c.is("obeys-retry-zero") && !c.is("lets-retry-overflow") {
		d = max(d, 100*time.Millisecond)
	}
	if c.is("takes-retry-of-events-alone") {
		p.c.pending = d
		return
	}
	c.initial = d
}

// dispatch ends a block.
func (p *parser) dispatch() {
	c := p.c
	if p.hasID && (p.lines > 0 || !c.is("ignores-ids-without-data")) {
		c.id = p.id
	}
	if c.pending > 0 && p.lines > 0 {
		c.initial = c.pending
	}
	data, typ, lines, ownID := p.data.String(), p.typ, p.lines, p.hasID
	p.data.Reset()
	p.lines, p.size, p.hasID, p.id = 0, 0, false, ""
	if !c.is("keeps-types") && (lines > 0 || !c.is("keeps-types-of-blocks-without-data")) {
		p.typ = ""
	}
	if lines == 0 && !(c.is("dispatches-blocks-without-data") && typ != "") || data == "" && c.is("drops-empty-data") {
		return
	}
	if c.is("shows-an-event-with-the-next") {
		show := c.late
		c.late = func() { c.show(typ, data, ownID) }
		if show != nil {
			show()
		}
		return
	}
	c.show(typ, data, ownID)
}

// finish is the end of a connection.
func (p *parser) finish() {
	if p.c.is("dispatches-cut-blocks") && (p.lines > 0 || len(p.line) > 0) {
		if len(p.line) > 0 {
			p.end()
		}
		p.dispatch()
	}
}

// decode replaces each maximal subpart of an invalid sequence, as the Encoding
// standard has it: Go counts bytes, or runs of them.
func decode(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = subpart(b)
		}
		out.WriteRune(r)
		b = b[n:]
	}
	return out.String()
}

// subpart is the length of the beginning of a well-formed sequence, 1 at least.
func subpart(b []byte) int {
	for n := min(3, len(b)); n > 1; n-- {
		for _, tail := range [][]byte{{0x80}, {0xbf}, {0x80, 0x80}, {0xbf, 0xbf}, {0x80, 0x80, 0x80}, {0xbf, 0xbf, 0xbf}} {
			if full := append(append([]byte(nil), b[:n]...), tail...); utf8.FullRune(full) {
				if r, size := utf8.DecodeRune(full); r != utf8.RuneError && size == len(full) {
					return n
				}
			}
		}
	}
	return 1
}
