package tail

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/mask"
)

// warn says what nobody should overlook.
func (w *Follower) warn() {
	for _, text := range w.opts.Notes {
		w.status.Warn(text)
	}
	if w.opts.Insecure {
		w.status.Warn("--insecure: whoever is between here and the server can read and change everything, tokens too")
	}
	for _, s := range w.all() {
		if _, port, err := net.SplitHostPort(s.target.Arg); err == nil && isPort(port) {
			s.status.Warn("this follows the session " + s.target.ID + "; for the server: http://" + s.target.Arg)
		}
		if w.opts.Access.Withheld(s.target) {
			s.status.Warn("SSE_TAIL_TOKEN is for " + w.opts.Access.Server() + ", and not sent to " + s.target.Origin)
		}
	}
	for _, name := range append(shownSecrets(w.opts.Args), w.secretsInURLs()...) {
		w.status.Warn("other users of this machine can see " + name + " in the arguments; " + without(name))
	}
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// secretsInURLs returns what of the targets' URLs stands in the arguments, and had
// better not.
func (w *Follower) secretsInURLs() (names []string) {
	for _, s := range w.all() {
		u, err := url.Parse(s.target.Inline())
		if err != nil {
			continue
		}
		if _, ok := u.User.Password(); ok {
			names = append(names, "the password of "+s.target.Label)
		}
		names = append(names, mask.InQuery(u)...)
	}
	return names
}

// without says how a secret stays out of the arguments.
func without(name string) string {
	switch {
	case name == "the password of -u":
		return "use SSE_TAIL_PASSWORD or --netrc"
	case strings.HasPrefix(name, "the password of"):
		return "use @FILE or env:NAME for the URL"
	case name == "token":
		return "use SSE_TAIL_TOKEN, or @FILE or env:NAME for the URL"
	}
	return "use -H @FILE for headers, @FILE or env:NAME for URLs"
}

// shownSecrets returns the secrets of flags that stand in the arguments, and had
// better not.
func shownSecrets(args []cmdline.Arg) (names []string) {
	for _, arg := range args {
		if name := mask.InFlag(arg); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// complain says that the expression of a flag has failed on an event: the first
// time, or always with --verbose.
func (s *stream) complain(flag, id string, err error) {
	_, again := s.w.warned.LoadOrStore(flag, true)
	if !again || s.w.opts.Verbose {
		s.status.Warn(flag + " on event " + id + ": " + err.Error())
	}
}
