package sse

import "io"

// An Encoder writes events to a stream. It is not safe for concurrent use.
type Encoder struct {
	w   io.Writer
	buf []byte // reused between writes
}

// NewEncoder returns an encoder that writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w: w} }

// Encode writes the event with one Write. The error is a [*FieldError], and then
// nothing was written, or that of the writer. Encode does not flush.
func (e *Encoder) Encode(ev Event) error {
	b, err := ev.AppendText(e.buf[:0])
	if err != nil {
		return err
	}
	return e.write(b)
}

// Comment writes text as a comment with one Write, each of its lines on a line
// of its own. Readers ignore it; it keeps a connection from looking idle.
func (e *Encoder) Comment(text string) error {
	return e.write(append(appendLines(e.buf[:0], ": ", text), '\n'))
}

func (e *Encoder) write(b []byte) error {
	if cap(b) <= maxKept {
		e.buf = b
	}
	_, err := e.w.Write(b)
	return err
}
