package main

import (
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
)

// sayResume says at a signal what was seen, and how to go on from there.
func (w *follower) sayResume() {
	w.console.Fresh()
	w.status.Say(console.Plain, "", explain.Count(w.shown, "event")+" seen in "+explain.Duration(w.elapsed()))
	if w.flags.cursor != "" || w.flags.cont {
		w.status.Say(console.Plain, "", "the position is kept; the same command goes on from there")
		return
	}
	for _, s := range w.streams {
		if id := s.source.LastEventID(); id != "" {
			w.status.SayWhole("to resume: " + w.resumeCommand(s, id))
		}
	}
}

// resumeCommand is the command line that follows one stream from an event on,
// with the flags that this one has. It can be pasted.
func (w *follower) resumeCommand(s *stream, id string) string {
	words := []string{"sse-tail"}
	for _, arg := range flagArgs(w.flags.fs, w.sys.args) {
		switch arg.name {
		case "last-event-id", "all":
		case "count":
			words = append(words, "-n", strconv.Itoa(max(w.flags.count-w.shown, 1)))
		default:
			words = append(words, arg.words...)
		}
	}
	words = append(words, "--last-event-id="+id)
	if s.target.arg == "" {
		words = append(words, "--all")
	} else {
		words = append(words, "--", s.target.arg)
	}
	for i, word := range words {
		words[i] = shellQuote(word)
	}
	return strings.Join(words, " ")
}

// A flagArg is one flag as it stands on the command line.
type flagArg struct {
	name  string
	words []string
}

// flagArgs takes the flags out of a command line that was parsed without errors.
func flagArgs(fs *pflag.FlagSet, args []string) []flagArg {
	var list []flagArg
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" {
			break
		}
		name, takesNext := flagOf(fs, arg)
		n := 1
		if takesNext {
			n = min(2, len(args))
		}
		if name != "" {
			list = append(list, flagArg{name, args[:n:n]})
		}
		args = args[n:]
	}
	return list
}

// flagOf tells which flag an argument is, the last one of a group such as -qc,
// and whether the next argument is its value.
func flagOf(fs *pflag.FlagSet, arg string) (name string, takesNext bool) {
	if long, ok := strings.CutPrefix(arg, "--"); ok {
		name, _, hasValue := strings.Cut(long, "=")
		f := fs.Lookup(name)
		return name, !hasValue && f != nil && f.NoOptDefVal == ""
	}
	if len(arg) < 2 || arg[0] != '-' {
		return "", false
	}
	for i := 1; i < len(arg); i++ {
		f := fs.ShorthandLookup(arg[i : i+1])
		if f == nil {
			return "", false
		}
		name = f.Name
		if f.NoOptDefVal == "" { // the rest is its value
			return name, i == len(arg)-1
		}
	}
	return name, false
}
