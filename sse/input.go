package sse

import (
	"bytes"
	"io"
)

// input cuts a stream into lines.
//
//	0 ≤ pos ≤ end ≤ len(buf); buf[pos:end] has been read and not been returned
type input struct {
	r        io.Reader
	err      error // the reader's, to be returned when what came with it is used up
	buf      []byte
	pos, end int
	lineEnd  int // of the line returned last
	lf, cr   finder
	start    bool // nothing was returned yet: a byte order mark may come
	skipLF   bool // the last line ended with CR: an LF that follows belongs to it
	quiet    int  // reads in a row that used little of a large buffer
}

const (
	minBuffer   = 512      // what an idle stream holds
	maxBuffer   = 32 << 10 // what a busy one reads at once; more falls out of the processor's first cache
	quietReads  = 32       // reads after which a large buffer is given back
	emptyReads  = 100      // reads without a byte or an error before io.ErrNoProgress
	byteOrderMk = "\xEF\xBB\xBF"
)

// line returns the next line without its end. If it is not complete, ok is false
// and line is the part that has come so far. The line is valid until fill.
func (in *input) line() (line []byte, ok bool) {
	if in.start && !in.skipMark() {
		return nil, false
	}
	if in.skipLF && in.pos < in.end {
		if in.buf[in.pos] == '\n' {
			in.pos++
		}
		in.skipLF = false
	}
	if in.blank() {
		return nil, true
	}
	lf := in.lf.find(in, '\n')
	cr := in.cr.find(in, '\r')
	i := lf
	if cr >= 0 && (lf < 0 || cr < lf) {
		i, in.skipLF = cr, true
	}
	if i < 0 {
		return in.rest(), false
	}
	line = in.buf[in.pos:i]
	in.pos, in.lineEnd = i+1, i
	return line, true
}

// blank takes a blank line, if one comes next and ends with LF: there is one in
// each event, and no need to search for it.
func (in *input) blank() bool {
	if in.pos < in.end && in.buf[in.pos] == '\n' && !in.skipLF {
		in.pos++
		return true
	}
	return false
}

// A span is a stretch of the input's buffer, until fill.
type span struct{ from, to int }

func (s span) empty() bool { return s.from == s.to }

// bytes is what the span stands for.
func (in *input) bytes(s span) []byte { return in.buf[s.from:s.to] }

// spanOf is the span of a value whose end is that of the line returned last.
func (in *input) spanOf(value []byte) span {
	return span{in.lineEnd - len(value), in.lineEnd}
}

// rest is what has come of the line that is not complete.
func (in *input) rest() []byte { return in.buf[in.pos:in.end] }

// skipMark drops a byte order mark at the start of the stream. It returns false
// while the bytes so far could still become one, at the end of the stream too: it
// has no line then.
func (in *input) skipMark() bool {
	head := in.rest()
	if len(head) < len(byteOrderMk) && bytes.HasPrefix([]byte(byteOrderMk), head) {
		return false
	}
	if bytes.HasPrefix(head, []byte(byteOrderMk)) {
		in.pos += len(byteOrderMk)
	}
	in.start = false
	return true
}

// fill reads once. It returns an error only when there is nothing more to be
// found in the buffer.
func (in *input) fill() error {
	if in.err != nil {
		return in.err
	}
	in.makeRoom()
	for range emptyReads {
		n, err := in.r.Read(in.buf[in.end:])
		in.end += n
		in.err = err
		if n > 0 {
			in.count(n)
			return nil
		}
		if err != nil {
			return err
		}
	}
	in.err = io.ErrNoProgress
	return in.err
}

// makeRoom moves the unfinished line to the front of the buffer, and makes the
// buffer larger when it is full of it or the reader keeps filling it. Each byte
// is moved at most once for each line that comes after it, so time stays linear.
func (in *input) makeRoom() {
	have := in.end - in.pos
	size := len(in.buf)
	switch {
	case size == 0:
		size = minBuffer
	case have == size:
		size *= 2
	case in.quiet < 0 && size < maxBuffer: // the last read filled the buffer
		size *= 2
	case have <= minBuffer/2 && size > minBuffer && (size > maxBuffer || in.quiet > quietReads):
		size = minBuffer
	}
	if size != len(in.buf) {
		buf := make([]byte, size)
		copy(buf, in.rest())
		in.buf, in.quiet = buf, 0
	} else if in.pos > 0 {
		copy(in.buf, in.rest())
	}
	in.lf.at -= in.pos // neither is before pos: line has just looked
	in.cr.at -= in.pos
	in.pos, in.end = 0, have
}

// count watches how much of the buffer a read of n bytes used.
func (in *input) count(n int) {
	switch {
	case in.end == len(in.buf):
		in.quiet = -1
	case n < len(in.buf)/8:
		in.quiet = max(in.quiet, 0) + 1
	default:
		in.quiet = 0
	}
}

// finder remembers where the next byte of one kind is, or how far there is none,
// so that each byte of the buffer is looked at once.
type finder struct {
	at    int
	found bool
}

// find returns where the next c is, or -1. It is small enough to be inlined: in
// most buffers there is no CR, and the question costs nothing.
func (f *finder) find(in *input, c byte) int {
	if f.at == in.end {
		return -1
	}
	return f.search(in, c)
}

func (f *finder) search(in *input, c byte) int {
	from := in.pos
	switch {
	case f.found && f.at >= from:
		return f.at
	case !f.found:
		from = max(from, f.at)
	}
	i := bytes.IndexByte(in.buf[from:in.end], c)
	if f.found = i >= 0; f.found {
		f.at = from + i
		return f.at
	}
	f.at = in.end
	return -1
}
