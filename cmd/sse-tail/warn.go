package main

import (
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// warn says what nobody should overlook.
func (w *follower) warn() {
	if w.flags.insecure {
		w.status.Say(console.Yellow, "warning", ": --insecure: whoever is between here and the server can read and change everything, tokens too")
	}
	for _, s := range w.streams {
		if name := nearCommand(s.target.id); name != "" {
			s.warn("this follows the session " + s.target.id + "; for the command: sse-tail " + name)
		}
		if w.flags.withheld(s.target, w.sys.env("SSE_TAIL_TOKEN")) {
			s.warn("SSE_TAIL_TOKEN is for " + w.flags.server + ", and not sent to " + s.target.origin)
		}
	}
	for _, name := range w.flags.shownSecrets(w.sys.args) {
		w.status.Say(console.Yellow, "warning", ": other users of this machine can see "+termsafe.Line(name)+" in the arguments; use -H @FILE")
	}
}

func (s *stream) warn(text string) { s.status.Say(console.Yellow, "warning", ": "+termsafe.Line(text)) }

// shownSecrets returns the headers that stand in the arguments, and had better not.
func (f *flags) shownSecrets(args []string) (names []string) {
	for _, arg := range flagArgs(f.fs, args) {
		if arg.name != "header" {
			continue
		}
		line := arg.words[len(arg.words)-1]
		for _, prefix := range []string{"--header=", "-H"} {
			line = strings.TrimPrefix(line, prefix)
		}
		if name, _, ok := strings.Cut(line, ":"); ok && line[0] != '@' && isSecret(name) {
			names = append(names, name)
		}
	}
	return names
}

// complain says that the expression of a flag has failed on an event: the first
// time, or always with --verbose.
func (s *stream) complain(flag, id string, err error) {
	_, again := s.w.warned.LoadOrStore(flag, true)
	if !again || s.w.flags.verbose {
		s.warn(flag + " on event " + id + ": " + err.Error())
	}
}
