package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"text/template"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/peek"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Fields are what a template has to work with, beside JSON.
type Fields struct {
	Stream   string
	ID       string
	Event    string // the SSE type
	Data     string
	Received time.Time
	Attempt  int

	ev      *Event
	json    any
	decoded bool
}

// Kind is the one inside a session's envelope, as its own stream has it, else the
// SSE type.
func (f *Fields) Kind() string {
	if f.ev.Kind != "" {
		return f.ev.Kind
	}
	return KindOf(f.ev.Event)
}

// JSON is the data decoded, nil if it is not JSON; numbers are json.Number. It is
// decoded when it is asked for.
func (f *Fields) JSON() any {
	if !f.decoded {
		text := f.ev.Data
		if f.ev.Mapped != nil {
			text = string(f.ev.Mapped)
		}
		f.json, _ = peek.Value(text)
		f.decoded = true
	}
	return f.json
}

var templateFuncs = template.FuncMap{
	"json": func(v any) (string, error) {
		b, err := json.Marshal(v)
		return string(b), err
	},
	"upper": strings.ToUpper,
	"lower": strings.ToLower,
	"trim":  strings.TrimSpace,
	"oneline": func(s string) string { // for a table
		return strings.Join(strings.Fields(s), " ")
	},
	"cut": func(columns int, s string) string { return termsafe.Cut(s, columns) },
	"pad": func(columns int, s string) string {
		return s + strings.Repeat(" ", min(max(columns-termsafe.Width(s), 0), 1000))
	},
	"clock": func(t time.Time) string { return t.Local().Format(time.TimeOnly) },
}

// newTemplate renders with a template of package text/template. Its output as a
// whole is made safe on a terminal: a template takes values apart, and what it
// puts together from a stream is not to be trusted either.
func newTemplate(o Options, text string) (Renderer, error) {
	t, err := template.New("template").Option("missingkey=zero").Funcs(templateFuncs).Parse(text)
	if err == nil && t.Tree != nil {
		err = checkFields(t.Tree)
	}
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	var out bytes.Buffer
	f := new(Fields)
	return func(b []byte, ev *Event) ([]byte, error) {
		*f = Fields{Stream: ev.Stream, ID: ev.ID, Event: ev.Type, Data: ev.Data, Received: ev.Received, Attempt: ev.Attempt, ev: ev}
		out.Reset()
		if err := t.Execute(&out, f); err != nil {
			return b, errors.New(strings.TrimPrefix(err.Error(), "template: "))
		}
		if o.TTY {
			return o.appendEnd(termsafe.AppendText(b, out.String())), nil
		}
		return o.appendEnd(append(b, out.Bytes()...)), nil
	}, nil
}
