package main

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// badFlag notes what pflag does not like, and returns how to find it among the
// arguments.
func badFlag(fs *pflag.FlagSet, p *problems, err error) func(string) bool {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if group := e.GetSpecifiedShortnames(); group != "" {
			p.add("-%s: no such flag", e.GetSpecifiedName())
			return func(arg string) bool { return strings.HasPrefix(arg, "-") && strings.HasSuffix(arg, group) }
		}
		name := e.GetSpecifiedName()
		switch near := nearest(fs, name); {
		case name == "token":
			p.add("--token: no such flag, since other users see arguments; set SSE_TAIL_TOKEN or use --token-file")
		case near != "":
			p.add("--%s: no such flag; did you mean --%s?", name, near)
		default:
			p.add("--%s: no such flag", name)
		}
		return isFlag("--" + name)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		name := e.GetFlag().Name
		p.add("--%s: needs a value", name)
		short := e.GetFlag().Shorthand
		return func(arg string) bool {
			return arg == "--"+name || short != "" && strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.HasSuffix(arg, short)
		}
	}
	if e, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		arg := e.GetSpecifiedFlag()
		p.add("%s: no such flag", arg)
		return func(a string) bool { return a == arg }
	}
	p.add("%v", err)
	return func(string) bool { return false }
}

// nearest returns the flag that a misspelt name was probably meant to be, or "".
func nearest(fs *pflag.FlagSet, name string) string {
	best, least := "", max((len(name)+4)/3, 2)
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		if d := distance(name, f.Name); d < least {
			best, least = f.Name, d
		}
		if best == "" && len(name) >= 3 && strings.HasPrefix(f.Name, name) {
			best = f.Name
		}
	})
	return best
}

// nearCommand returns the command that a session id was probably meant to be, or
// "".
func nearCommand(id string) string {
	for _, name := range []string{"serve", "doctor", "completion"} {
		if distance(id, name) == 1 {
			return name
		}
	}
	return ""
}

// distance is Levenshtein's: how many letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
