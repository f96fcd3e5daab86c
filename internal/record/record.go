package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// An Event is one line.
type Event struct {
	Time   time.Time
	Stream string // empty where the file has one stream
	sse.Event
}

const stamp = "2006-01-02T15:04:05.000000Z"

// line is an event as it is written.
type line struct {
	Time   string  `json:"time"`
	Stream string  `json:"stream,omitempty"`
	ID     *string `json:"id,omitempty"`
	Type   string  `json:"type,omitempty"`
	Data   string  `json:"data"`
}

// A Writer writes events. It is not safe for concurrent use.
type Writer struct {
	buf *bufio.Writer
	enc *json.Encoder
}

// NewWriter returns a writer, which keeps what is written until [Writer.Flush].
func NewWriter(w io.Writer) *Writer {
	buf := bufio.NewWriter(w)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return &Writer{buf, enc}
}

// Write writes one event.
func (w *Writer) Write(ev Event) error {
	l := line{Time: ev.Time.UTC().Format(stamp), Stream: ev.Stream, Data: ev.Data}
	if ev.HasID {
		l.ID = &ev.ID
	}
	if ev.Type != sse.DefaultType {
		l.Type = ev.Type
	}
	return w.enc.Encode(l)
}

// Flush writes what is kept.
func (w *Writer) Flush() error { return w.buf.Flush() }

// maxLine bounds what one line takes: an event's limit, escaped.
const maxLine = 4 * sse.DefaultMaxEventSize

// Read returns the events of a file. The error is non-nil only in the last pair, and
// names the line. An id is in force until the next one, as on a stream.
func Read(r io.Reader) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 64<<10), maxLine)
		last, n := map[string]string{}, 0
		for lines.Scan() {
			n++
			if len(lines.Bytes()) == 0 {
				continue
			}
			ev, err := parse(lines.Bytes(), last)
			if err != nil {
				yield(Event{}, fmt.Errorf("record: line %d: %w", n, err))
				return
			}
			if !yield(ev, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Event{}, fmt.Errorf("record: line %d: %w", n+1, err))
		}
	}
}

// parse reads one line. Last holds the ids in force.
func parse(b []byte, last map[string]string) (Event, error) {
	var l struct {
		line
		Data *string `json:"data"`
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return Event{}, errors.New("no event in JSON")
	}
	if l.Data == nil {
		return Event{}, errors.New("no data")
	}
	t, err := time.Parse(time.RFC3339Nano, l.Time)
	if err != nil {
		return Event{}, errors.New("no time of RFC 3339")
	}
	ev := Event{Time: t, Stream: l.Stream, Event: sse.Event{Type: l.Type, Data: *l.Data}}
	if ev.Type == "" {
		ev.Type = sse.DefaultType
	}
	if l.ID != nil {
		ev.HasID = true
		last[l.Stream] = *l.ID
	}
	ev.ID = last[l.Stream]
	return ev, nil
}

// Open returns the events of a file of either kind: lines as a [Writer] writes them,
// or a stream of server-sent events as it was sent. An event at the end that no
// empty line closes is dropped, as the standard has it.
func Open(r io.Reader) iter.Seq2[sse.Event, error] {
	return func(yield func(sse.Event, error) bool) {
		in := bufio.NewReader(r)
		first, err := in.Peek(1)
		if err != nil && err != io.EOF {
			yield(sse.Event{}, err)
			return
		}
		if len(first) == 0 || first[0] != '{' { // no field of a stream begins so
			sse.Read(in)(func(ev sse.Event, err error) bool {
				if errors.Is(err, sse.ErrIncomplete) {
					return true
				}
				return yield(ev, err)
			})
			return
		}
		for ev, err := range Read(in) {
			if !yield(ev.Event, err) {
				return
			}
		}
	}
}
