package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// problems collects what is wrong with a command line, so that all of it can be
// named in one message. A flag's parser stops at the first error; so the values
// below never return one and make a note of it here.
type problems struct{ list []string }

func (p *problems) add(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(p.list, s) {
		p.list = append(p.list, s)
	}
}

func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	return &usageError{problems: p.list}
}

// A value is a flag of any type.
type value[T any] struct {
	p        *T
	name     string
	kind     string
	parse    func(string) (T, error)
	show     func(T) string
	problems *problems
}

func (v *value[T]) Set(s string) error {
	x, err := v.parse(s)
	if err != nil {
		v.problems.add("%s: %v", v.name, err)
		return nil
	}
	*v.p = x
	return nil
}

func (v *value[T]) String() string {
	if v.p == nil { // pflag asks a zero value
		return ""
	}
	return v.show(*v.p)
}

func (v *value[T]) Type() string { return v.kind }

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 500ms, 90s or 5m", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("%s is negative", s)
	}
	return d, nil
}

// showDuration shows a default. 0 stands for a limit that is off, or for the
// client's own: the flag's text says which.
func showDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	return s
}

func parseCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number of events, 1 or more", s)
	}
	return n, nil
}

func parseRatio(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= 100) {
		return 0, fmt.Errorf("%q is not a number from 0 to 100", s)
	}
	return f, nil
}

// oneOf accepts one of some words.
func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if slices.Contains(words, s) {
			return s, nil
		}
		return "", fmt.Errorf("%q is not one of %s", s, strings.Join(words, ", "))
	}
}

// A group is flags that stand together in the help.
type group struct {
	name     string
	fs       *pflag.FlagSet
	problems *problems
}

const groupAnnotation = "group"

func add[T any](g group, p *T, name, short, usage string, v value[T]) {
	v.p, v.problems = p, g.problems
	v.name = "--" + name
	if short != "" {
		v.name = "-" + short + ", " + v.name
	}
	if arg, text := splitUsage(usage); arg != "" {
		v.kind, usage = arg, text
	}
	f := g.fs.VarPF(&v, name, short, usage)
	f.Annotations = map[string][]string{groupAnnotation: {g.name}}
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

func (g group) text(p *string, name, short, usage string) {
	add(g, p, name, short, usage, value[string]{kind: "string", parse: asItStands, show: asText})
}

func (g group) choice(p *string, name, short, usage string, words ...string) {
	add(g, p, name, short, usage, value[string]{kind: "string", parse: oneOf(words...), show: asText})
}

// bytes is a text that may be much, and is not shown again.
func (g group) bytes(p *[]byte, name, short, usage string, parse func(string) ([]byte, error)) {
	add(g, p, name, short, usage, value[[]byte]{kind: "string", parse: parse, show: func([]byte) string { return "" }})
}

func asItStands(s string) (string, error) { return s, nil }

func asText(s string) string { return s }

func (g group) duration(p *time.Duration, name, usage string) {
	add(g, p, name, "", usage, value[time.Duration]{kind: "duration", parse: parseDuration, show: showDuration})
}

func (g group) count(p *int, name, short, usage string) {
	add(g, p, name, short, usage, value[int]{kind: "count", parse: parseCount, show: func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}})
}

func (g group) ratio(p *float64, name, usage string) {
	add(g, p, name, "", usage, value[float64]{kind: "ratio", parse: parseRatio, show: func(f float64) string {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}})
}

// list is a flag that may be given again.
func (g group) list(p *[]string, name, short, usage string, parse func(string) ([]string, error)) {
	add(g, p, name, short, usage, value[[]string]{
		kind: "list",
		parse: func(s string) ([]string, error) {
			more, err := parse(s)
			return append(*p, more...), err
		},
		show: func(l []string) string { return strings.Join(l, ",") },
	})
}

func (g group) toggle(p *bool, name, short, usage string) {
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
	g.fs.Lookup(name).NoOptDefVal = "true"
}

// splitKinds takes a comma list of kinds.
func splitKinds(s string) ([]string, error) {
	var kinds []string
	for kind := range strings.SplitSeq(s, ",") {
		if kind = strings.TrimSpace(kind); kind == "" {
			return nil, fmt.Errorf("%q has an empty kind", s)
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
}

// headerLines takes a header 'Name: value', or a file of them. The value is left
// out of errors: it may be a secret.
func headerLines(s string) ([]string, error) {
	path, ok := strings.CutPrefix(s, "@")
	if !ok {
		return []string{s}, checkHeader(s)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lines []string
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := checkHeader(line); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func checkHeader(line string) error {
	name, _, ok := strings.Cut(line, ":")
	switch {
	case !ok:
		return fmt.Errorf("a header is 'Name: value', and this has no colon")
	case name == "" || strings.ContainsAny(name, " \t"):
		return fmt.Errorf("%q is not a header's name", name)
	}
	return nil
}
