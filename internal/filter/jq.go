package filter

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/OneStepAt4time/resilient-sse/internal/peek"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// An expression is jq's, compiled once. Its input is an event's data, decoded if
// it is JSON and a string if it is not; $id, $event and $stream are the rest of
// the event. It has no access to the environment, to files or to other input.
type expression struct {
	flag string // for messages: "--filter"
	code *gojq.Code
}

var jqVariables = []string{"$id", "$event", "$stream"}

// compile returns the expression of a flag; nil for an empty one. The error shows
// where it is wrong.
func compile(flag, text string) (*expression, error) {
	if text == "" {
		return nil, nil
	}
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, pointAt(text, err)
	}
	code, err := gojq.Compile(query, gojq.WithVariables(jqVariables))
	if err != nil {
		return nil, pointAt(text, err)
	}
	return &expression{flag: flag, code: code}, nil
}

// pointAt adds to an error the line of the expression that it is about, with a
// mark below the place.
func pointAt(text string, err error) error {
	at := -1
	if e, ok := errors.AsType[*gojq.ParseError](err); ok {
		at = e.Offset - len(e.Token)
	} else if name := unknownName.FindStringSubmatch(err.Error()); name != nil {
		at = strings.Index(text, name[1]) // gojq does not say where
	}
	if at < 0 || at > len(text) {
		return fmt.Errorf("%w, in %s", err, text)
	}
	start := strings.LastIndexByte(text[:at], '\n') + 1
	line, _, _ := strings.Cut(text[start:], "\n")
	indent := strings.Repeat(" ", termsafe.Width(termsafe.Line(text[start:at])))
	return fmt.Errorf("%w\n  %s\n  %s^", err, termsafe.Line(line), indent)
}

var unknownName = regexp.MustCompile(`^(?:function|variable) not defined: ([^/]+)`)

// An input is an event as expressions see it.
type input struct {
	ev        sse.Event
	value     any
	variables []any
}

func newInput(stream string, ev sse.Event) input {
	return input{ev: ev, value: decode(ev.Data), variables: []any{ev.ID, ev.Type, stream}}
}

// decode returns data as the JSON that it is, with its numbers as they are
// written, or as a string.
func decode(data string) any {
	if v, ok := peek.Value(data); ok {
		return v
	}
	return data
}

// results returns the values of the expression. An error of jq's, such as a
// member asked of a string, comes with those before it.
func (e *expression) results(ctx context.Context, in input) ([]any, error) {
	var values []any
	iter := e.code.RunWithContext(ctx, in.value, in.variables...)
	for {
		v, ok := iter.Next()
		if !ok {
			return values, nil
		}
		if err, ok := v.(error); ok {
			if e, ok := errors.AsType[*gojq.HaltError](err); ok && e.Value() == nil {
				return values, nil
			}
			return values, err
		}
		values = append(values, v)
	}
}

// matches tells whether the expression's first value is neither false nor null.
func (e *expression) matches(ctx context.Context, in input) (bool, error) {
	values, err := e.results(ctx, in)
	if len(values) == 0 {
		return false, err
	}
	return values[0] != nil && values[0] != false, nil
}
