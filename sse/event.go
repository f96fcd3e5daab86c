package sse

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// DefaultType is the type of an event whose block names none.
const DefaultType = "message"

// MaxRetry is the longest reconnection time: a decoder clamps what is longer,
// and an encoder refuses it.
const MaxRetry = 24 * time.Hour

// An Event is one event of a stream. It is a value: comparable, immutable, safe
// to copy and to share.
//
// ID and Data of a decoded event share one allocation, and small events that came
// with one read (ID and Data of 1 KiB at most) share one of 4 KiB at most. Whoever
// keeps one string of them keeps all of it: for as long as an event is looked at
// that costs nothing, but what is kept for long, while the events around it are
// let go, should be a [strings.Clone].
type Event struct {
	// ID is the last event ID in force when the event was dispatched: its own,
	// or that of an earlier block of the stream, or the decoder's seed.
	ID string

	// HasID tells whether the event's own block carried an id field. An encoder
	// writes an id field, possibly an empty one, only if it is set.
	HasID bool

	// Type is the event's type. A decoder sets [DefaultType] where the block
	// names none; an encoder takes "" for [DefaultType].
	Type string

	// Data is the block's data lines, joined with LF.
	Data string

	// Retry is the reconnection time that the event's own block set, between 1 ms
	// and [MaxRetry]; zero if it set none.
	Retry time.Duration
}

// AppendText implements [encoding.TextAppender]: it appends the event in wire
// form, with the blank line that ends it. The error is a [*FieldError], and then
// nothing was appended.
func (e Event) AppendText(b []byte) ([]byte, error) {
	if err := e.check(); err != nil {
		return b, err
	}
	b = slices.Grow(b, len("id: \nevent: \nretry: \ndata: \n\n")+len(e.ID)+len(e.Type)+retryDigits+len(e.Data))
	if e.HasID {
		b = append(b, "id: "...)
		b = append(b, e.ID...)
		b = append(b, '\n')
	}
	if e.Type != "" && e.Type != DefaultType {
		b = append(b, "event: "...)
		b = append(b, e.Type...)
		b = append(b, '\n')
	}
	if e.Retry > 0 {
		b = append(b, "retry: "...)
		b = strconv.AppendInt(b, e.Retry.Milliseconds(), 10)
		b = append(b, '\n')
	}
	b = appendLines(b, "data: ", e.Data)
	return append(b, '\n'), nil
}

const retryDigits = len("86400000") // of MaxRetry

// check says why the format can't carry the event, if it can't.
func (e Event) check() error {
	if e.HasID {
		if err := checkLine("id", e.ID, "\r\n\x00"); err != nil {
			return err
		}
	}
	if err := checkLine("event", e.Type, "\r\n"); err != nil {
		return err
	}
	if !utf8.ValidString(e.Data) {
		return &FieldError{Field: "data", Reason: "is not valid UTF-8"}
	}
	switch {
	case e.Retry < 0:
		return &FieldError{Field: "retry", Reason: "is negative"}
	case e.Retry > MaxRetry:
		return &FieldError{Field: "retry", Reason: "is longer than " + MaxRetry.String()}
	case e.Retry%time.Millisecond != 0:
		return &FieldError{Field: "retry", Reason: "is not a whole number of milliseconds"}
	}
	return nil
}

// checkLine refuses a value that is not UTF-8 or has one of the forbidden bytes.
func checkLine(field, value, forbidden string) error {
	if i := strings.IndexAny(value, forbidden); i >= 0 {
		return &FieldError{Field: field, Reason: "contains " + byteNames[value[i]]}
	}
	if !utf8.ValidString(value) {
		return &FieldError{Field: field, Reason: "is not valid UTF-8"}
	}
	return nil
}

var byteNames = map[byte]string{'\r': "CR", '\n': "LF", 0: "NUL"}

// appendLines appends text line by line, each with prefix before it and LF
// behind it. CR, LF and CRLF all end a line; text without one is one line, also
// when it is empty.
func appendLines(b []byte, prefix, text string) []byte {
	ends := "\n"
	if strings.IndexByte(text, '\r') >= 0 {
		ends = "\r\n" // several times slower to look for
	}
	for {
		i := strings.IndexAny(text, ends)
		b = append(b, prefix...)
		if i < 0 {
			b = append(b, text...)
			return append(b, '\n')
		}
		b = append(b, text[:i]...)
		b = append(b, '\n')
		if strings.HasPrefix(text[i:], "\r\n") {
			i++
		}
		text = text[i+1:]
	}
}
