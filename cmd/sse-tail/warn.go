package main

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
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
		if _, port, err := net.SplitHostPort(s.target.arg); err == nil && isPort(port) {
			s.warn("this follows the session " + s.target.id + "; for the server: http://" + s.target.arg)
		}
		if w.flags.withheld(s.target, w.sys.env("SSE_TAIL_TOKEN")) {
			s.warn("SSE_TAIL_TOKEN is for " + w.flags.server + ", and not sent to " + s.target.origin)
		}
	}
	for _, name := range append(w.flags.shownSecrets(w.sys.args), w.secretsInURLs()...) {
		w.status.Say(console.Yellow, "warning", ": other users of this machine can see "+termsafe.Line(name)+" in the arguments; use -H @FILE")
	}
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// secretsInURLs returns what of the targets' URLs stands in the arguments, and had
// better not.
func (w *follower) secretsInURLs() (names []string) {
	for _, s := range w.streams {
		u, err := url.Parse(s.target.arg)
		if err != nil {
			continue
		}
		if _, ok := u.User.Password(); ok {
			names = append(names, "the password of "+s.target.label)
		}
		for _, name := range slices.Sorted(maps.Keys(u.Query())) {
			if isSecret(strings.ReplaceAll(strings.ToLower(name), "session", "")) { // which one is no secret
				names = append(names, name)
			}
		}
	}
	return names
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
