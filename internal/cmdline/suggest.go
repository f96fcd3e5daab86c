package cmdline

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// NamesAllFlags makes a command name all that is wrong with its flags, where pflag
// stops at the first: the bad one is left out of the command line's words, and the
// rest parsed again. Check adds what is wrong besides.
func NamesAllFlags(cmd *cobra.Command, p *Problems, words []string, check func(args []string)) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		args := words
		if cmd.HasParent() {
			args = without(args, func(arg string) bool { return arg == cmd.Name() })
		}
		for range len(words) {
			if err == nil {
				break
			}
			rest := without(args, badFlag(cmd.Flags(), p, err))
			if len(rest) == len(args) {
				break
			}
			args = rest
			err = cmd.Flags().Parse(args)
		}
		check(cmd.Flags().Args())
		return p.Err()
	})
}

// without returns the arguments but for the first that matches.
func without(args []string, match func(string) bool) []string {
	for i, arg := range args {
		if match(arg) {
			return append(append([]string(nil), args[:i]...), args[i+1:]...)
		}
	}
	return args
}

// isFlag matches an argument that is the flag, or the flag with a value.
func isFlag(name string) func(string) bool {
	return func(arg string) bool {
		return arg == name || strings.HasPrefix(arg, name+"=")
	}
}

// badFlag notes what pflag does not like, and returns how to find it among the
// arguments.
func badFlag(fs *pflag.FlagSet, p *Problems, err error) func(string) bool {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if group := e.GetSpecifiedShortnames(); group != "" {
			text := "no such flag"
			if there := elsewhere[elsewhereShort[e.GetSpecifiedName()]]; there != "" {
				text = "no such flag here; " + there
			}
			p.Add("-%s: %s", e.GetSpecifiedName(), text)
			return func(arg string) bool { return strings.HasPrefix(arg, "-") && strings.HasSuffix(arg, group) }
		}
		name := e.GetSpecifiedName()
		switch near := nearest(fs, name); {
		case elsewhere[name] != "":
			p.Add("--%s: no such flag here; %s", name, elsewhere[name])
		case near != "":
			p.Add("--%s: no such flag; did you mean --%s?", name, near)
		default:
			p.Add("--%s: no such flag", name)
		}
		return isFlag("--" + name)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		name := e.GetFlag().Name
		p.Add("--%s: needs a value", name)
		short := e.GetFlag().Shorthand
		return func(arg string) bool {
			return arg == "--"+name || short != "" && strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.HasSuffix(arg, short)
		}
	}
	if e, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		arg := e.GetSpecifiedFlag()
		p.Add("%s: no such flag", arg)
		return func(a string) bool { return a == arg }
	}
	p.Add("%v", err)
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

// Near returns the one of some names that a word was probably meant to be, or "":
// one letter is missing, too many, wrong, or two have changed places. A word with a
// digit is meant as it stands: demo-1 is no slip of demo.
func Near(word string, names []string) string {
	if strings.ContainsAny(word, "0123456789") {
		return ""
	}
	for _, name := range names {
		if distance(word, name) == 1 || swapped(word, name) {
			return name
		}
	}
	return ""
}

// swapped tells whether two neighbours have changed places.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		if a[:i]+a[i+1:i+2]+a[i:i+1]+a[i+2:] == b {
			return a != b
		}
	}
	return false
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
