package render

import (
	"encoding/json"
	"errors"
	"strings"
	"text/template"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Fields are what a template has to work with.
type Fields struct {
	Stream   string
	ID       string
	Event    string // the SSE type
	Kind     string // the one inside a session's envelope, else the type
	Data     string
	JSON     any // the data decoded, nil if it is not JSON; numbers as json.Number
	Received time.Time
	Attempt  int
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
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	var out strings.Builder
	return func(b []byte, ev Event) ([]byte, error) {
		out.Reset()
		if err := t.Execute(&out, fields(ev)); err != nil {
			return b, errors.New(strings.TrimPrefix(err.Error(), "template: "))
		}
		return append(o.appendText(b, out.String()), '\n'), nil
	}, nil
}

func fields(ev Event) Fields {
	f := Fields{
		Stream: ev.Stream, ID: ev.ID, Event: ev.Type, Kind: ev.Kind,
		Data: ev.Data, Received: ev.Received, Attempt: ev.Attempt,
	}
	if f.Kind == "" {
		f.Kind = KindOf(ev.Event)
	}
	text := ev.Data
	if ev.Mapped != nil {
		text = string(ev.Mapped)
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&f.JSON) != nil || dec.More() {
		f.JSON = nil
	}
	return f
}
