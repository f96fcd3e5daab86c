// Package render turns events into what a person or a program reads.
//
// The text format is for eyes and always safe to show. The others carry what
// came exactly, unless they go to a terminal: there their control characters are
// escaped too.
package render

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// An Event is one event to be shown.
type Event struct {
	sse.Event
	Stream   string    // the label of the stream that it came on
	Received time.Time //
	Attempt  int       // the connection that it came over; 1 is the first

	// Mapped is the result of an expression that stands in for the data, as JSON;
	// nil if there is none. Data is then the same as text, and Kind what the event
	// was before.
	Mapped json.RawMessage
	Kind   string
}

// A Renderer appends an event's output, with its last line feed. It keeps track
// of column widths, so it is not safe for concurrent use.
type Renderer func(b []byte, ev *Event) ([]byte, error)

// Options of a [Renderer].
type Options struct {
	Format     string // text, data, json, sse, or template=…
	TTY        bool   // the output is a terminal
	Paint      console.Paint
	Columns    func() int // to wrap text at; nil: not at all
	Timestamps bool       // when an event was received, on each of its lines
	Labels     bool       // its stream, on each of its lines
	Verbose    bool       // text: nothing is cut, and the JSON stands below
	Join       bool       // data and templates: no line feed behind an event, and no labels

	LabelStyle func(string) console.Style // of a label; nil: the renderer's own choice
	Zone       *time.Location             // of the text format's times; nil: the local one
}

// Formats are the values of Options.Format.
var Formats = []string{"text", "data", "json", "sse", "template=…"}

// New returns the renderer of a format. The error says what is wrong with it.
func New(o Options) (Renderer, error) {
	if o.LabelStyle == nil {
		o.LabelStyle = new(console.Palette).Of
	}
	if text, ok := strings.CutPrefix(o.Format, "template="); ok {
		return newTemplate(o, text)
	}
	switch o.Format {
	case "text":
		return newText(o), nil
	case "data":
		return newData(o), nil
	case "json":
		return newJSON(o), nil
	case "sse":
		return newSSE(o), nil
	}
	return nil, fmt.Errorf("%q is not one of auto, %s", o.Format, strings.Join(Formats, ", "))
}

// KindOf returns what a person calls the kind of an event: of a session's event
// the kind that it has on its session's own stream, so that a hook is one among
// all sessions too; of others the SSE type.
func KindOf(ev sse.Event) string {
	if ev.Type != sse.DefaultType {
		return ev.Type
	}
	switch kind := session.KindOf(ev); kind {
	case "":
		return ev.Type
	case session.SessionMessage, session.SessionStatusChange: // the data tells which
		var d description
		d.open(ev.Data)
		return string(restored(kind, d.data))
	default:
		return string(restored(kind, nil))
	}
}

// WordOf returns the word that the text format has for an event: who speaks in it,
// or what it is.
func WordOf(ev sse.Event) string {
	var d description
	d.describe(&Event{Event: ev}, false)
	return d.word
}

const stamp = "2006-01-02T15:04:05.000Z07:00"

// prefix returns what stands before each line of an event in the plain formats:
// separated by tabs for programs, by blanks on a terminal.
func (o *Options) prefix(ev *Event, labels *column) []console.Span {
	var spans []console.Span
	gap := "\t"
	if o.TTY {
		gap = "  "
	}
	if o.Timestamps {
		spans = append(spans, console.Span{Style: console.Dim, Text: ev.Received.Format(stamp)}, console.Span{Text: gap})
	}
	if o.Labels {
		label := termsafe.Line(ev.Stream)
		pad := ""
		if o.TTY {
			pad = labels.pad(label)
		}
		spans = append(spans, console.Span{Style: o.LabelStyle(label), Text: label}, console.Span{Text: pad + gap})
	}
	return spans
}
