package cmdline

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// A Group is flags that stand together in the help.
type Group struct {
	Name     string
	Flags    *pflag.FlagSet
	Problems *Problems // gets what is wrong with values
}

const groupAnnotation = "group"

func add[T any](g Group, p *T, name, short, usage string, v value[T]) {
	v.p, v.problems = p, g.Problems
	v.name = "--" + name
	if short != "" {
		v.name = "-" + short + ", " + v.name
	}
	if arg, text := splitUsage(usage); arg != "" {
		v.kind, usage = arg, text
	}
	f := g.Flags.VarPF(&v, name, short, usage)
	f.Annotations = map[string][]string{groupAnnotation: {g.Name}}
}

// splitUsage takes what a flag's argument is called out of its text, where it
// stands in backquotes; behind a comma it is not part of the sentence.
func splitUsage(usage string) (arg, text string) {
	before, rest, _ := strings.Cut(usage, "`")
	arg, after, _ := strings.Cut(rest, "`")
	if clause, ok := strings.CutSuffix(before, ", "); ok {
		return arg, clause + after
	}
	return arg, before + arg + after
}

// Text is any text. In usage, what stands in backquotes names the value.
func (g Group) Text(p *string, name, short, usage string) {
	add(g, p, name, short, usage, value[string]{kind: "string", parse: asItStands, show: asText})
}

// Choice is one of some words.
func (g Group) Choice(p *string, name, short, usage string, words ...string) {
	add(g, p, name, short, usage, value[string]{kind: "string", parse: oneOf(words...), show: asText})
}

// Bytes is a text that may be much, and is not shown again.
func (g Group) Bytes(p *[]byte, name, short, usage string, parse func(string) ([]byte, error)) {
	add(g, p, name, short, usage, value[[]byte]{kind: "string", parse: parse, show: func([]byte) string { return "" }})
}

func asItStands(s string) (string, error) { return s, nil }

func asText(s string) string { return s }

// Duration is 0 or more.
func (g Group) Duration(p *time.Duration, name, usage string) {
	add(g, p, name, "", usage, value[time.Duration]{kind: "duration", parse: parseDuration, show: showDuration})
}

// Seconds is a duration that may also be a number of seconds.
func (g Group) Seconds(p *time.Duration, name, short, usage string) {
	add(g, p, name, short, usage, value[time.Duration]{kind: "duration", parse: parseSeconds, show: showDuration})
}

// Size is a number of bytes, 1 or more.
func (g Group) Size(p *int, name, usage string) {
	add(g, p, name, "", usage, value[int]{kind: "size", parse: parseSize, show: showSize})
}

// Number is 0 or more.
func (g Group) Number(p *int, name, usage string) {
	add(g, p, name, "", usage, value[int]{kind: "number", parse: parseNumber, show: func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}})
}

// Count is a number of events, 1 or more.
func (g Group) Count(p *int, name, short, usage string) {
	add(g, p, name, short, usage, value[int]{kind: "count", parse: parseCount, show: func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}})
}

// Ratio is a number from 0 to 100.
func (g Group) Ratio(p *float64, name, usage string) {
	add(g, p, name, "", usage, value[float64]{kind: "ratio", parse: parseRatio, show: func(f float64) string {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}})
}

// List is a flag that may be given again.
func (g Group) List(p *[]string, name, short, usage string, parse func(string) ([]string, error)) {
	add(g, p, name, short, usage, value[[]string]{
		kind: "list",
		parse: func(s string) ([]string, error) {
			more, err := parse(s)
			return append(*p, more...), err
		},
		show: func(l []string) string { return strings.Join(l, ",") },
	})
}

// Toggle is on or off.
func (g Group) Toggle(p *bool, name, short, usage string) {
	add(g, p, name, short, usage, value[bool]{
		kind: "bool",
		parse: func(s string) (bool, error) {
			b, err := strconv.ParseBool(s)
			if err != nil {
				return false, fmt.Errorf("%q is neither true nor false", s)
			}
			return b, nil
		},
		show: func(b bool) string {
			if b {
				return "true"
			}
			return ""
		},
	})
	g.Flags.Lookup(name).NoOptDefVal = "true"
}
