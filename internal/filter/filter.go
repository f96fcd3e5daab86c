package filter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Options say what is shown and what ends it. Expressions are jq's; empty ones are
// not given.
type Options struct {
	Kinds      []string // that are shown; none: all
	Heartbeats bool     // show control frames too
	Filter     string   // shown if it is true
	JQ         string   // shown instead
	Spoken     bool     // of language models' events the text is shown instead
	Until      string   // the end, if it is true
	FailOn     string   // the end as a failure, if it is true
}

// A Filter decides what to do with an event, by its options alone. It keeps
// nothing, so all streams share one.
type Filter struct {
	kinds                         []string
	heartbeats, spoken            bool
	filter, mapping, until, fails *expression
}

// A Verdict is what to do with one event.
type Verdict struct {
	Show        []Mapped // what is shown of it; none: it is hidden
	Done, Fails bool     // Options.Until, Options.FailOn
	Err         error    // the first error of an expression: it counts as "does not match"
	Flag        string   // that the error is of
}

// Mapped is what Options.JQ makes of an event: JSON, and text for formats without;
// both are empty where the event is shown as it is.
type Mapped struct {
	JSON json.RawMessage
	Text string
}

var asItIs = []Mapped{{}}

// New compiles the expressions. The error names all that are wrong, each by its
// flag, joined with [errors.Join].
func New(o Options) (*Filter, error) {
	f := &Filter{kinds: o.Kinds, heartbeats: o.Heartbeats, spoken: o.Spoken}
	var errs []error
	for _, e := range []struct {
		to         **expression
		flag, text string
	}{
		{&f.filter, "--filter", o.Filter}, {&f.mapping, "--jq", o.JQ}, {&f.until, "--until", o.Until}, {&f.fails, "--fail-on", o.FailOn},
	} {
		var err error
		if *e.to, err = compile(e.flag, e.text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", e.flag, err))
		}
	}
	return f, errors.Join(errs...)
}

// Judge judges an event. Until and FailOn see also those that are hidden.
func (f *Filter) Judge(ctx context.Context, stream string, ev sse.Event) Verdict {
	if !f.heartbeats && isControl(ev) {
		return Verdict{}
	}
	shown := len(f.kinds) == 0 || slices.ContainsFunc(f.kinds, matches(ev))
	if f.filter == nil && f.mapping == nil && f.until == nil && f.fails == nil {
		if shown {
			return Verdict{Show: f.asItIs(ev)}
		}
		return Verdict{}
	}
	var v Verdict
	in := newInput(stream, ev)
	if shown && v.test(ctx, f.filter, in, true) {
		v.Show = f.asItIs(ev)
		if f.mapping != nil {
			v.Show = v.apply(ctx, f.mapping, in)
		}
	}
	v.Fails = v.test(ctx, f.fails, in, false)
	v.Done = v.test(ctx, f.until, in, false)
	return v
}

// asItIs is an event that no expression changes.
func (f *Filter) asItIs(ev sse.Event) []Mapped {
	if f.spoken {
		if text, ok := spoken(ev.Data); ok {
			return []Mapped{{JSON: quote(text), Text: text}}
		}
	}
	return asItIs
}

// test asks an expression, if there is one.
func (v *Verdict) test(ctx context.Context, e *expression, in input, otherwise bool) bool {
	if e == nil {
		return otherwise
	}
	ok, err := e.matches(ctx, in)
	v.note(e, err)
	return ok
}

// apply returns what --jq makes of the event.
func (v *Verdict) apply(ctx context.Context, e *expression, in input) []Mapped {
	values, err := e.results(ctx, in)
	v.note(e, err)
	var list []Mapped
	for _, value := range values {
		b, err := gojq.Marshal(value)
		if err != nil {
			v.note(e, err)
			continue
		}
		m := Mapped{JSON: b, Text: string(b)}
		if s, ok := value.(string); ok {
			m.Text = s
		}
		list = append(list, m)
	}
	return list
}

func (v *Verdict) note(e *expression, err error) {
	if err != nil && v.Err == nil {
		v.Err, v.Flag = err, e.flag
	}
}

// isControl tells whether an event is a control frame on a plain URL; elsewhere
// the source has dropped it. Only what begins as servers write it is looked at:
// on a stream without ids every event would have to be parsed.
func isControl(ev sse.Event) bool {
	return !ev.HasID && strings.HasPrefix(ev.Data, `{"event":"`) && session.IsControl(ev)
}

// matches tells of a kind whether the event is of it: by its SSE type, by what its
// JSON says, by the kind that it has on its session's own stream, or by the word
// that the text format shows. Each frame of a session has the type message, so
// that type alone says nothing where there is a kind.
func matches(ev sse.Event) func(kind string) bool {
	name, inside := render.KindOf(ev), string(session.KindOf(ev))
	return func(want string) bool { return want == name || want == inside || want == render.WordOf(ev) }
}
