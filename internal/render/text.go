package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// newText renders a line for eyes: when, which stream, id, kind, and what the
// event says, wrapped under itself. All of it passes termsafe, terminal or not.
func newText(o Options) Renderer {
	labels, ids, kinds := column{}, column{width: 3}, column{width: 8}
	return func(b []byte, ev Event) ([]byte, error) {
		e := describe(ev)
		var spans []console.Span
		add := func(s console.Style, text string) { spans = append(spans, console.Span{Style: s, Text: text}) }
		if o.Timestamps {
			add(console.Dim, ev.Received.Format(stamp))
		} else {
			add(console.Dim, e.when.Local().Format(time.TimeOnly))
		}
		add(console.Plain, " ")
		if label := e.label(o.Labels, ev.Stream); label != "" {
			style := console.StyleOf(label)
			label = termsafe.Cut(termsafe.Line(label), 24)
			add(style, label)
			add(console.Plain, labels.pad(label)+" ")
		}
		id := shorten(termsafe.Line(ev.ID), 12)
		add(console.Dim, ids.pad(id)+id+" ")
		kind := termsafe.Cut(termsafe.Line(e.kind), 20)
		add(kindStyle(kind), kind)
		add(console.Plain, kinds.pad(kind)+" ")

		indent, columns := 0, 0
		for _, s := range spans {
			indent += termsafe.Width(s.Text)
		}
		if o.Columns != nil {
			columns = o.Columns()
		}
		b = append(b, o.Paint.Join(spans)...)
		b = o.Paint.Layout(b, e.says, indent, columns)
		return append(bytes.TrimRight(b, " "), '\n'), nil
	}
}

// description is what the text format shows of an event.
type description struct {
	when    time.Time
	session string // from the envelope
	kind    string
	says    []console.Span // safe
}

// label returns the stream's, if there are several; on the global stream each
// event names its own.
func (d description) label(several bool, stream string) string {
	if stream == Global && d.session != "" {
		return d.session
	}
	if several {
		return stream
	}
	return ""
}

// Global is the label of the stream of all sessions.
const Global = "all"

func describe(ev Event) description {
	if ev.Mapped != nil {
		return description{when: ev.Received, kind: ev.Kind, says: says(ev.Data)}
	}
	if ev.Type == "message" && strings.HasPrefix(ev.Data, "{") {
		if env, err := session.Parse(ev.Event); err == nil {
			return describeEnvelope(ev, env)
		}
	}
	return description{when: ev.Received, kind: ev.Type, says: says(ev.Data)}
}

// describeEnvelope shows a session's event in its own words.
func describeEnvelope(ev Event, env session.Envelope) description {
	d := description{when: env.Timestamp, session: env.SessionID, kind: strings.TrimPrefix(string(env.Kind), "session_")}
	if d.when.IsZero() {
		d.when = ev.Received
	}
	switch env.Kind {
	case session.Status, session.SessionStatusChange:
		var s session.StatusData
		if json.Unmarshal(env.Data, &s) == nil && s.Status != "" {
			d.says = pair(console.Bold, s.Status, s.Detail)
		}
	case session.Message, session.SessionMessage, session.System:
		var m session.MessageData
		if json.Unmarshal(env.Data, &m) == nil && m.Text != "" {
			d.says = pair(console.Bold, m.Role, m.Text)
		}
	case session.Approval, session.SessionApproval:
		var a session.ApprovalData
		if json.Unmarshal(env.Data, &a) == nil && a.Prompt != "" {
			d.says = pair(console.Plain, "", a.Prompt)
		}
	case session.Ended, session.SessionEnded:
		var e session.EndedData
		if json.Unmarshal(env.Data, &e) == nil && e.Reason != "" {
			d.says = pair(console.Plain, "", e.Reason)
		}
	}
	if d.says == nil && len(env.Data) > 0 && string(env.Data) != "null" {
		d.says = says(string(env.Data))
	}
	return d
}

// pair is a word in a style, and the text behind it.
func pair(style console.Style, word, text string) []console.Span {
	text = strings.TrimRight(text, "\n")
	if word == "" {
		return []console.Span{{Text: termsafe.Text(text)}}
	}
	return []console.Span{{Style: style, Text: termsafe.Line(word)}, {Text: " " + termsafe.Text(text)}}
}

// says shows data of any kind; JSON in colours and on one line.
func says(data string) []console.Span {
	if strings.HasPrefix(data, "{") || strings.HasPrefix(data, "[") {
		var compact bytes.Buffer
		if json.Compact(&compact, []byte(data)) == nil {
			return jsonSpans(string(termsafe.AppendJSON(nil, compact.String())))
		}
	}
	return []console.Span{{Text: termsafe.Text(data)}}
}

func kindStyle(kind string) console.Style {
	switch session.Kind(kind) {
	case session.Status, "status_change", "created":
		return console.Blue
	case session.Message, session.System:
		return console.Green
	case session.Approval, session.PermissionDenied:
		return console.Yellow
	case session.Stall, session.Dead, session.Shutdown, "error":
		return console.Red
	case session.Ended:
		return console.Magenta
	}
	return console.Cyan
}

// column pads its cells to the widest one that it has seen, within reason.
type column struct{ width int }

func (c *column) pad(cell string) string {
	w := termsafe.Width(cell)
	c.width = max(c.width, min(w, 24))
	return strings.Repeat(" ", max(c.width-w, 0))
}

// shorten keeps both ends of a long id: UUIDs and ULIDs of neighbours differ at
// one or the other.
func shorten(s string, columns int) string {
	r := []rune(s)
	if len(r) <= columns {
		return s
	}
	return string(r[:columns/2]) + "…" + string(r[len(r)-columns/2+1:])
}
