package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A judge decides what to do with an event, by the flags alone. It keeps nothing,
// so all streams share it.
type judge struct {
	kinds                         []string
	heartbeats                    bool
	filter, mapping, until, fails *expression
}

// A verdict is what to do with one event.
type verdict struct {
	show        []mapped // what is shown of it; none: it is hidden
	done, fails bool     // --until, --fail-on
	err         error    // the first error of an expression: it counts as "does not match"
	flag        string   // that the error is of
}

// mapped is what --jq makes of an event: JSON, and text for formats without; both
// are empty where the event is shown as it is.
type mapped struct {
	json json.RawMessage
	text string
}

var asItIs = []mapped{{}}

func (f *flags) judge() judge {
	j := judge{kinds: f.events, heartbeats: f.heartbeats}
	for _, e := range []struct {
		to         **expression
		flag, text string
	}{
		{&j.filter, "--filter", f.filter}, {&j.mapping, "--jq", f.jq}, {&j.until, "--until", f.until}, {&j.fails, "--fail-on", f.failOn},
	} {
		var err error
		if *e.to, err = compile(e.flag, e.text); err != nil {
			f.problems.add("%s: %v", e.flag, err)
		}
	}
	return j
}

// judge judges an event. --until and --fail-on see also those that are hidden.
func (j *judge) judge(ctx context.Context, stream string, ev sse.Event) verdict {
	if !j.heartbeats && isControl(ev) {
		return verdict{}
	}
	shown := len(j.kinds) == 0 || slices.ContainsFunc(j.kinds, matches(ev))
	if j.filter == nil && j.mapping == nil && j.until == nil && j.fails == nil {
		if shown {
			return verdict{show: asItIs}
		}
		return verdict{}
	}
	var v verdict
	in := newInput(stream, ev)
	if shown && v.test(ctx, j.filter, in, true) {
		v.show = v.apply(ctx, j.mapping, in)
	}
	v.fails = v.test(ctx, j.fails, in, false)
	v.done = v.test(ctx, j.until, in, false)
	return v
}

// test asks an expression, if there is one.
func (v *verdict) test(ctx context.Context, e *expression, in input, otherwise bool) bool {
	if e == nil {
		return otherwise
	}
	ok, err := e.matches(ctx, in)
	v.note(e, err)
	return ok
}

// apply returns what --jq makes of the event.
func (v *verdict) apply(ctx context.Context, e *expression, in input) []mapped {
	if e == nil {
		return asItIs
	}
	values, err := e.results(ctx, in)
	v.note(e, err)
	var list []mapped
	for _, value := range values {
		b, err := gojq.Marshal(value)
		if err != nil {
			v.note(e, err)
			continue
		}
		m := mapped{json: b, text: string(b)}
		if s, ok := value.(string); ok {
			m.text = s
		}
		list = append(list, m)
	}
	return list
}

func (v *verdict) note(e *expression, err error) {
	if err != nil && v.err == nil {
		v.err, v.flag = err, e.flag
	}
}

// isControl tells whether an event is a control frame on a plain URL; elsewhere
// the source has dropped it. Only what begins as servers write it is looked at:
// on a stream without ids every event would have to be parsed.
func isControl(ev sse.Event) bool {
	return !ev.HasID && strings.HasPrefix(ev.Data, `{"event":"`) && session.IsControl(ev)
}

// matches tells of a kind whether the event is of it: by its SSE type, or by what
// its JSON says, with or without the session_ that kinds of the global stream
// begin with. Each frame of a session has the type message, so that type alone
// says nothing where there is a kind.
func matches(ev sse.Event) func(kind string) bool {
	name, inside := render.KindOf(ev), string(session.KindOf(ev))
	return func(want string) bool { return want == name || want == inside || "session_"+want == inside }
}
