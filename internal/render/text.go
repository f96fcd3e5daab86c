package render

import (
	"bytes"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Widths of the terminal at which the text format leaves something out.
const (
	narrow  = 60 // ids
	slender = 48 // the time too, where there is a label, and the middle of long labels

	maxSlender = 9 // longest label then: 20 of 40 columns are left for the text
)

// maxID is the longest id that is shown whole, in columns.
const maxID = 12

// newText renders a line for eyes: when, which stream, id, who or what, and what
// the event says, wrapped under itself. All of it passes termsafe, terminal or not.
func newText(o Options) Renderer {
	t := &textRenderer{Options: o, labels: newLabels(), words: column{width: len("assistant")}}
	t.clock.zone = o.Zone
	return t.render
}

type textRenderer struct {
	Options
	labels                  *labels
	labelColumn, ids, words column
	clock                   clock
	d                       description // reused
	head                    []console.Span
}

func (t *textRenderer) render(b []byte, ev *Event) ([]byte, error) {
	d := &t.d
	d.describe(ev, t.Verbose)
	columns := 0
	if t.Columns != nil {
		columns = t.Columns()
	}
	indent := t.prefix(ev, d, columns)
	start := len(b)
	b = t.Paint.Layout(b, t.head, 0, 0)
	b = t.Paint.Layout(b, d.says, indent, columns)
	if t.Verbose && d.json != "" {
		b = append(bytes.TrimRight(b, " "), '\n')
		b = append(b, spaces[:2]...)
		b = t.Paint.Layout(b, jsonSpans(d.json), 2, columns)
	}
	for len(b) > start && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return append(b, '\n'), nil
}

// prefix puts into head what stands before the event's text, and returns its
// width.
func (t *textRenderer) prefix(ev *Event, d *description, columns int) (indent int) {
	t.head = t.head[:0]
	add := func(s console.Style, text, pad string) {
		t.head = append(t.head, console.Span{Style: s, Text: text}, console.Span{Text: pad})
		indent += termsafe.Width(text) + len(pad)
	}
	label := ""
	if session := d.session; ev.Stream == Global && session != "" {
		label = session
	} else if t.Labels {
		label = ev.Stream
	}
	switch {
	case t.Timestamps:
		add(console.Dim, ev.Received.Format(stamp), " ")
	case columns > 0 && columns < slender && (label != "" || ev.Stream == Global):
	default:
		add(console.Dim, t.clock.of(d.stamp, ev.Received), " ")
	}
	switch {
	case label != "":
		short := t.labels.of(label)
		if columns > 0 && columns < slender {
			short = shorten(short, maxSlender)
		}
		add(t.LabelStyle(short), short, t.labelColumn.pad(short))
		add(console.Plain, "", " ")
	case ev.Stream == Global && t.labelColumn.width > 0: // an event of no session's
		add(console.Plain, "", t.labelColumn.pad(""))
		add(console.Plain, "", " ")
	}
	if id := shorten(termsafe.Line(ev.ID), maxID); (id != "" || t.ids.width > 0) && (columns == 0 || columns >= narrow) {
		t.ids.width = max(t.ids.width, 3)
		pad := t.ids.pad(id)
		t.head = append(t.head, console.Span{Text: pad})
		indent += len(pad)
		add(console.Dim, id, " ")
	}
	add(d.style, d.word, t.words.pad(d.word))
	t.head = append(t.head, console.Span{Text: " "})
	return indent + 1
}

// spaces are cut to the padding that is needed, so that none is allocated.
const spaces = "                                "

// column pads its cells to the widest one that it has seen, within reason.
type column struct{ width int }

func (c *column) pad(cell string) string {
	w := termsafe.Width(cell)
	c.width = max(c.width, min(w, 24))
	return spaces[:max(c.width-w, 0)]
}

// shorten keeps both ends of a long id: UUIDs and ULIDs of neighbours differ at
// one or the other.
func shorten(s string, columns int) string {
	if len(s) <= columns {
		return s
	}
	r := []rune(s)
	if len(r) <= columns {
		return s
	}
	return string(r[:columns/2]) + "…" + string(r[len(r)-columns/2+1:])
}

// kindStyle is the style of a kind that has no words of its own.
func kindStyle(kind string) console.Style {
	if kind == "error" {
		return console.Red
	}
	return console.Cyan
}
