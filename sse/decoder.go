package sse

import (
	"bytes"
	"io"
	"iter"
	"strings"
	"time"
	"unicode/utf8"
)

// DefaultMaxEventSize is the limit on one event unless told otherwise: 16 MiB.
const DefaultMaxEventSize = 16 << 20

// DecoderOptions tune a [Decoder]. The zero value is ready to use.
type DecoderOptions struct {
	// LastEventID is the last event ID before the stream begins: events whose
	// blocks carry no id have this one until a block brings another.
	LastEventID string

	// MaxEventSize limits one event, in bytes as they are read (an invalid one
	// becomes three): all lines of its block, whatever their fields, each with
	// one byte for its end. Zero or less means [DefaultMaxEventSize]. Lines
	// outside of an event (comments and unknown fields before its first field)
	// are limited one by one.
	MaxEventSize int

	// Comment, if set, is called from [Decoder.Next] with each comment line,
	// without its colon and the one blank that may follow it.
	Comment func(text string)
}

// A Decoder reads events from a stream. It is not safe for concurrent use.
type Decoder struct {
	in      input
	limit   int
	comment func(string)

	block block

	lastID    []byte // the last event ID in force
	lastIDStr string // the same, for events without an id of their own; made when first asked for
	retry     time.Duration
	types     map[string]string // event types seen, so that a repeated one costs no allocation
	err       error             // sticky
}

// block is what the lines since the last blank one have said.
type block struct {
	line    []byte // the only data line so far, in the input's buffer: it must be kept before the next read
	data    []byte // the data lines joined with LF, once there are several or a read came between
	hasData bool
	id      []byte
	hasID   bool
	typ     []byte
	retry   time.Duration
	size    int  // bytes of its lines, with one for each line's end
	begun   bool // a line with a known field was seen: the block counts
}

const (
	maxKept      = 64 << 10 // buffers larger than this are not kept for the next event
	maxTypes     = 32       // event types remembered
	maxTypeBytes = 64       // length of one that is worth remembering
)

// NewDecoder returns a decoder that reads from r; opts may be nil. It reads
// ahead, as far as one Read of r gives.
func NewDecoder(r io.Reader, opts *DecoderOptions) *Decoder {
	d := &Decoder{in: input{r: r, start: true}, limit: DefaultMaxEventSize}
	if opts != nil {
		if opts.MaxEventSize > 0 {
			d.limit = opts.MaxEventSize
		}
		d.lastID = []byte(opts.LastEventID)
		d.comment = opts.Comment
	}
	return d
}

// Read returns the events of a stream that has an end, such as the body of one
// response. The error is non-nil only in the last pair; a clean end yields none.
// The errors are those of [Decoder.Next].
func Read(r io.Reader) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		d := NewDecoder(r, nil)
		for {
			ev, err := d.Next()
			if err == io.EOF {
				return
			}
			if !yield(ev, err) || err != nil {
				return
			}
		}
	}
}

// Next returns the next event. It reads only when no complete event is buffered:
// a Read by the decoder means that everything before it has been returned.
//
// The error is [io.EOF] at a clean end, [ErrIncomplete] if the stream ends
// inside an event, a [*LimitError] if an event is too long, or the reader's own.
// After an error, Next returns it again.
func (d *Decoder) Next() (ev Event, err error) {
	for d.err == nil {
		line, ok := d.in.line()
		if len(line) > 0 && d.block.size+len(line) >= d.limit { // its end counts too, also while it is still to come
			d.err = &LimitError{Limit: d.limit}
			break
		}
		if !ok {
			d.block.keep()
			if err := d.in.fill(); err != nil {
				d.err = d.endOfInput(err)
			}
			continue
		}
		if len(line) == 0 {
			if d.endOfBlock(&ev) {
				return ev, nil
			}
			continue
		}
		d.field(line)
	}
	return Event{}, d.err
}

// LastEventID returns the last event ID in force: that of the last complete
// block that carried one, also if it had no data, or the seed.
func (d *Decoder) LastEventID() string {
	if d.lastIDStr != string(d.lastID) {
		d.lastIDStr = string(d.lastID)
	}
	return d.lastIDStr
}

// Retry returns the reconnection time that the stream set last, between 1 ms and
// [MaxRetry], or zero if it set none.
func (d *Decoder) Retry() time.Duration { return d.retry }

// longestName is that of "event" and "retry": a line without a colon right behind
// it, or before, has no name that counts.
const longestName = 5

// field takes one line that is not empty.
func (d *Decoder) field(line []byte) {
	b := &d.block
	name, value := line, []byte(nil)
	if i := bytes.IndexByte(line[:min(len(line), longestName+1)], ':'); i >= 0 {
		name, value = line[:i], line[i+1:]
	}
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	switch string(name) {
	case "data":
		b.addData(value)
		b.begun = true
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			b.id, b.hasID = appendText(b.id[:0], value), true
		}
		b.begun = true
	case "event":
		b.typ = appendText(b.typ[:0], value)
		b.begun = true
	case "retry":
		if t, ok := parseRetry(value); ok {
			b.retry, d.retry = t, t
		}
		b.begun = true
	case "":
		if d.comment != nil {
			d.comment(string(appendText(nil, value)))
		}
	}
	if b.begun {
		b.size += len(line) + 1
	}
}

// addData adds one data line. The first one stays where it is: most events have
// just one, and it is copied once, into the event.
func (b *block) addData(value []byte) {
	if !utf8.Valid(value) {
		value = appendRepaired(nil, value)
	}
	if !b.hasData {
		b.hasData, b.line = true, value
		return
	}
	b.keep()
	b.data = append(b.data, '\n')
	b.data = append(b.data, value...)
}

// keep moves a data line out of the input's buffer.
func (b *block) keep() {
	if b.line != nil {
		b.data, b.line = append(b.data, b.line...), nil
	}
}

// endOfBlock takes a blank line. It reports whether the block was an event, which
// it puts into ev: a processor that has just copied the data stumbles over a copy
// of the event's fields.
func (d *Decoder) endOfBlock(ev *Event) bool {
	b := &d.block
	if b.hasID {
		d.lastID = append(emptied(d.lastID), b.id...)
	}
	dispatched := b.hasData
	if dispatched {
		d.event(ev)
	}
	b.reset()
	return dispatched
}

// reset makes the block an empty one, field by field: assigning a whole block
// costs more, for the garbage collector watches its pointers.
func (b *block) reset() {
	if b.line != nil {
		b.line = nil
	}
	b.data, b.id, b.typ = emptied(b.data), emptied(b.id), emptied(b.typ)
	b.hasData, b.hasID, b.begun = false, false, false
	b.retry, b.size = 0, 0
}

// emptied returns the buffer for the next block, or nil if it has grown too
// large to be kept.
func emptied(buf []byte) []byte {
	if cap(buf) > maxKept {
		return nil
	}
	return buf[:0]
}

// event makes the block's event. Data and the block's own ID are one allocation.
func (d *Decoder) event(ev *Event) {
	b := &d.block
	data := b.data
	if b.line != nil {
		data = b.line
	}
	ev.HasID, ev.Type, ev.Retry = b.hasID, d.typeString(b.typ), b.retry
	if !b.hasID {
		ev.ID, ev.Data = d.LastEventID(), string(data)
		return
	}
	var buf strings.Builder
	buf.Grow(len(data) + len(b.id))
	buf.Write(data)
	buf.Write(b.id)
	both := buf.String()
	ev.Data, ev.ID = both[:len(data)], both[len(data):]
}

func (d *Decoder) typeString(typ []byte) string {
	if len(typ) == 0 {
		return DefaultType
	}
	if s, ok := d.types[string(typ)]; ok {
		return s
	}
	s := string(typ)
	if len(d.types) < maxTypes && len(s) <= maxTypeBytes {
		if d.types == nil {
			d.types = make(map[string]string)
		}
		d.types[s] = s
	}
	return s
}

// endOfInput turns the reader's error into the decoder's.
func (d *Decoder) endOfInput(err error) error {
	if err != io.EOF {
		return err
	}
	b := &d.block
	rest := d.in.rest()
	if b.hasData || b.hasID || len(b.typ) > 0 || (len(rest) > 0 && rest[0] != ':') {
		return ErrIncomplete
	}
	return io.EOF
}

// appendText appends the value as text: UTF-8, repaired where it is not.
func appendText(dst, value []byte) []byte {
	if utf8.Valid(value) {
		return append(dst, value...)
	}
	return appendRepaired(dst, value)
}

// parseRetry reads a reconnection time in milliseconds: ASCII digits and nothing
// else. Zero becomes 1 ms and what is longer than MaxRetry becomes that: a server
// must not make a client spin or sleep for ever.
func parseRetry(value []byte) (time.Duration, bool) {
	if len(value) == 0 {
		return 0, false
	}
	ms := int64(0)
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		ms = min(ms*10+int64(c-'0'), MaxRetry.Milliseconds())
	}
	return time.Duration(max(ms, 1)) * time.Millisecond, true
}
