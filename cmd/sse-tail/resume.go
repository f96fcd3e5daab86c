package main

import (
	"os"
	"os/exec"
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
	words := []string{programName(os.Args[0])}
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

// programName is how a shell finds this program again: by its name, or where it
// was not installed by the path that it was started with.
func programName(arg0 string) string {
	if _, err := exec.LookPath("sse-tail"); err != nil && strings.ContainsRune(arg0, os.PathSeparator) {
		return arg0
	}
	return "sse-tail"
}

// A flagArg is one flag as it stands on the command line.
type flagArg struct {
	name  string
	words []string
}

// flagArgs takes the flags out of a command line that was parsed without errors.
// Those of a group such as -qc come one by one.
func flagArgs(fs *pflag.FlagSet, args []string) []flagArg {
	var list []flagArg
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" {
			break
		}
		f, rest := flagOf(fs, arg)
		n := 1
		switch {
		case f == nil: // no flag
		case rest != "":
			list = append(list, flagArg{f.Name, []string{arg[:2]}})
			args = append([]string{"-" + rest}, args[1:]...)
			continue
		default:
			if f.NoOptDefVal == "" && (arg == "--"+f.Name || arg == "-"+f.Shorthand) { // its value is the next argument
				n = min(2, len(args))
			}
			list = append(list, flagArg{f.Name, args[:n:n]})
		}
		args = args[n:]
	}
	return list
}

// flagOf tells which flag an argument is, the first one of a group, and what of
// the group is left behind it; nil if it is none.
func flagOf(fs *pflag.FlagSet, arg string) (f *pflag.Flag, rest string) {
	if long, ok := strings.CutPrefix(arg, "--"); ok {
		name, _, _ := strings.Cut(long, "=")
		return fs.Lookup(name), ""
	}
	if len(arg) < 2 || arg[0] != '-' {
		return nil, ""
	}
	f = fs.ShorthandLookup(arg[1:2])
	if f != nil && f.NoOptDefVal != "" && !strings.HasPrefix(arg[2:], "=") {
		rest = arg[2:]
	}
	return f, rest
}
