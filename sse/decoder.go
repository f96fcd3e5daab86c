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
	// becomes three): the lines of its fields, each with one byte for its end.
	// Zero or less means [DefaultMaxEventSize]. Lines that nothing keeps
	// (comments and unknown fields) are limited one by one, also inside an event.
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
	slab  strings.Builder // where the next small events of this read go

	lastID    []byte // the last event ID in force
	lastIDStr string // the same, for events without an id of their own; made when first asked for
	retry     time.Duration
	types     map[string]string // event types seen, so that a repeated one costs no allocation
	err       error             // sticky
}

// block is what the lines since the last blank one have said. Its spans are in
// the input's buffer, and must be kept before the next read; they are no slices,
// since storing a pointer costs more while the garbage collector runs.
type block struct {
	line    span   // the only data line so far
	data    []byte // the data lines joined with LF, once there are several or a read came between
	hasData bool
	idLine  span   // the id
	id      []byte // the same, once a read came between, or repaired
	hasID   bool
	typ     []byte
	retry   time.Duration
	size    int // bytes of its fields' lines, with one for each line's end
}

const (
	maxPinned    = 4 << 10 // what a kept small event may pin, itself included
	maxSmall     = maxPinned / 4
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
		if len(line) > 0 && d.block.size+len(line) >= d.limit && d.tooLong(line) {
			d.err = &LimitError{Limit: d.limit}
			break
		}
		if !ok {
			d.block.keep(&d.in)
			d.slab.Reset() // an idle stream holds no memory for events to come
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
		if d.in.blank() && d.endOfBlock(&ev) {
			return ev, nil
		}
	}
	return Event{}, d.err
}

// tooLong tells whether a line, complete or not, breaks the limit, if it counts
// to the event. Its end counts too, also while it is still to come.
func (d *Decoder) tooLong(line []byte) bool {
	if len(line) >= d.limit {
		return true
	}
	name, _ := cutField(line)
	switch string(name) {
	case "data", "id", "event", "retry":
		return true
	}
	return false
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

// field takes one line that is not empty. The two fields that nearly every event
// has are looked for first.
func (d *Decoder) field(line []byte) {
	b := &d.block
	switch {
	case len(line) >= len("data:") && string(line[:len("data:")]) == "data:":
		d.addData(withoutBlank(line[len("data:"):]))
	case len(line) >= len("id:") && string(line[:len("id:")]) == "id:":
		d.setID(withoutBlank(line[len("id:"):]))
	case !d.rareField(line):
		return
	}
	b.size += len(line) + 1
}

// rareField takes any line. It returns false if the line says nothing of the event.
func (d *Decoder) rareField(line []byte) bool {
	b := &d.block
	name, value := cutField(line)
	switch string(name) {
	case "data":
		d.addData(value)
	case "id":
		d.setID(value)
	case "event":
		b.typ = appendText(b.typ[:0], value)
	case "retry":
		if t, ok := parseRetry(value); ok {
			b.retry, d.retry = t, t
		}
	case "":
		if d.comment != nil {
			d.comment(string(appendText(nil, value)))
		}
		return false
	default:
		return false
	}
	return true
}

// longestName is that of "event" and "retry": a line without a colon right behind
// it, or before, has no name that counts.
const longestName = 5

// cutField takes a line apart.
func cutField(line []byte) (name, value []byte) {
	if i := bytes.IndexByte(line[:min(len(line), longestName+1)], ':'); i >= 0 {
		return line[:i], withoutBlank(line[i+1:])
	}
	return line, nil
}

// withoutBlank drops the one blank that may stand before a value.
func withoutBlank(value []byte) []byte {
	if len(value) > 0 && value[0] == ' ' {
		return value[1:]
	}
	return value
}

// addData adds one data line. The first one stays where it is: most events have
// just one, and it is copied once, into the event.
func (d *Decoder) addData(value []byte) {
	b := &d.block
	valid := utf8.Valid(value)
	if !b.hasData && valid {
		b.hasData, b.line = true, d.in.spanOf(value)
		return
	}
	b.keepLine(&d.in)
	if b.hasData {
		b.data = append(b.data, '\n')
	}
	b.hasData = true
	if valid {
		b.data = append(b.data, value...)
	} else {
		b.data = appendRepaired(b.data, value)
	}
}

// setID takes the value of an id field.
func (d *Decoder) setID(value []byte) {
	b := &d.block
	for _, c := range value {
		if c-1 >= utf8.RuneSelf-1 { // most ids are ASCII, and stay where they are
			if bytes.IndexByte(value, 0) < 0 {
				b.hasID, b.idLine, b.id = true, span{}, appendText(b.id[:0], value)
			}
			return
		}
	}
	b.hasID, b.idLine = true, d.in.spanOf(value)
	if len(b.id) > 0 {
		b.id = b.id[:0]
	}
}

// keep moves what the block has out of the input's buffer.
func (b *block) keep(in *input) {
	b.keepLine(in)
	if !b.idLine.empty() {
		b.id, b.idLine = append(b.id[:0], in.bytes(b.idLine)...), span{}
	}
}

func (b *block) keepLine(in *input) {
	if !b.line.empty() {
		b.data, b.line = append(b.data, in.bytes(b.line)...), span{}
	}
}

// endOfBlock takes a blank line. It reports whether the block was an event, which
// it puts into ev: a processor that has just copied the data stumbles over a copy
// of the event's fields.
func (d *Decoder) endOfBlock(ev *Event) bool {
	b := &d.block
	id := b.id
	if !b.idLine.empty() {
		id = d.in.bytes(b.idLine)
	}
	if b.hasID && string(id) != string(d.lastID) {
		d.lastID = append(emptied(d.lastID), id...)
	}
	dispatched := b.hasData
	if dispatched {
		d.event(ev, id)
	}
	b.reset()
	return dispatched
}

// reset makes the block an empty one, field by field: assigning a whole block
// costs more, for the garbage collector watches its pointers.
func (b *block) reset() {
	if len(b.data) > 0 {
		b.data = emptied(b.data)
	}
	if len(b.id) > 0 {
		b.id = emptied(b.id)
	}
	if len(b.typ) > 0 {
		b.typ = emptied(b.typ)
	}
	b.line, b.idLine = span{}, span{}
	b.hasData, b.hasID = false, false
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

// event makes the block's event. Data and the block's own ID are one allocation,
// and so are small events that came with one read.
func (d *Decoder) event(ev *Event, id []byte) {
	b := &d.block
	data := b.data
	if !b.line.empty() {
		data = d.in.bytes(b.line)
	}
	ev.HasID, ev.Type, ev.Retry = b.hasID, d.typeString(b.typ), b.retry
	if !b.hasID {
		ev.ID, id = d.LastEventID(), nil
	}
	size := len(data) + len(id)
	if size > maxSmall {
		var buf strings.Builder
		buf.Grow(size)
		buf.Write(data)
		buf.Write(id)
		ev.Data, ev.ID = cut(buf.String(), len(data), ev.ID, b.hasID)
		return
	}
	if d.slab.Cap()-d.slab.Len() < size {
		// What has not been decoded yet is the most that can follow in this read.
		d.slab.Reset()
		d.slab.Grow(min(size+len(d.in.rest()), maxPinned))
	}
	from := d.slab.Len()
	d.slab.Write(data)
	d.slab.Write(id)
	ev.Data, ev.ID = cut(d.slab.String()[from:], len(data), ev.ID, b.hasID)
}

// cut takes data and id apart, where there is an id.
func cut(both string, n int, id string, hasID bool) (string, string) {
	if hasID {
		id = both[n:]
	}
	return both[:n], id
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
