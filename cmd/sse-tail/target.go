package main

import (
	"net"
	"net/url"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/origin"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// A target is a stream to follow, as the command line names it.
type target struct {
	arg    string // the argument; empty for --all
	label  string
	base   string // the server of a session or of --all
	id     string // of the session
	url    string // of any other stream
	origin string // scheme, host and port, in one form
}

// targets reads the arguments. What is wrong goes to the problems.
func (f *flags) targets(args []string) []target {
	var list []target
	for _, arg := range args {
		if t, ok := f.target(arg); ok {
			list = append(list, t)
		}
	}
	if f.all {
		list = append(list, target{label: render.Global, base: f.server})
	}
	if len(args) == 0 && !f.all && len(f.problems.list) == 0 { // else a bad flag may have been meant for it
		f.problems.add("nothing to follow: give a URL, a session id, or --all (or try: sse-tail demo)")
	}
	if needsServer(list) && !strings.Contains(f.server, "://") {
		f.problems.add("-s, --server: %q is no URL; is it http://%s?", f.server, f.server)
		return nil
	}
	for i, t := range list {
		from := t.url
		if from == "" {
			from = t.base
		}
		if u, err := url.Parse(from); err == nil {
			list[i].origin = u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), origin.Port(u))
		}
	}
	return list
}

func needsServer(list []target) bool {
	for _, t := range list {
		if t.url == "" && !strings.Contains(t.arg, "://") {
			return true
		}
	}
	return false
}

// target reads one argument. The URL of a session's stream is that session, so
// that pasting one does the same as giving its id.
func (f *flags) target(arg string) (target, bool) {
	if !strings.Contains(arg, "://") {
		if strings.Contains(arg, "/") {
			f.problems.add("%q is neither a URL nor a session id; is it http://%s?", arg, arg)
			return target{}, false
		}
		if err := session.CheckID(arg); err != nil {
			f.problems.add("%q: %s", arg, strings.TrimPrefix(err.Error(), "session: "))
			return target{}, false
		}
		return target{arg: arg, label: arg, base: f.server, id: arg}, true
	}
	u, err := url.Parse(arg)
	if err != nil { // its text repeats the URL, which may hold a secret
		f.problems.add("malformed URL")
		return target{}, false
	}
	if id, ok := session.IDOf(u.EscapedPath()); ok {
		base := *u
		base.RawPath, _, _ = strings.Cut(u.EscapedPath(), "/v1/sessions/")
		base.Path, _ = url.PathUnescape(base.RawPath)
		return target{arg: arg, label: id, base: base.String(), id: id}, true
	}
	return target{arg: arg, label: shortURL(u), url: arg}, true
}

// shortURL is a URL's label: without what may be secret.
func shortURL(u *url.URL) string {
	return u.Host + strings.TrimSuffix(u.Path, "/")
}

// address returns the URL of the stream.
func (t target) address() (*url.URL, error) {
	switch {
	case t.url != "":
		return url.Parse(t.url)
	case t.id != "":
		return t.below(session.EventsPath(t.id))
	}
	return t.below(session.GlobalPath)
}

// below returns the address of an escaped path on the target's server.
func (t target) below(path string) (*url.URL, error) {
	u, err := url.Parse(t.base)
	if err != nil {
		return nil, err
	}
	u.RawPath = strings.TrimSuffix(u.EscapedPath(), "/") + path
	u.Path, err = url.PathUnescape(u.RawPath)
	return u, err
}

// source makes the event source.
func (t target) source(o *client.Options) (*client.EventSource, error) {
	switch {
	case t.id != "":
		return client.Session(t.base, t.id, o)
	case t.url != "":
		return client.New(t.url, o)
	}
	return client.Global(t.base, o)
}

// trusts tells whether the token of the environment is for a target: the one
// server's that was named with it, or any if none was. An exported token must not
// go to whatever other server is followed from the same shell.
func (f *flags) trusts(t target) bool {
	if !f.serverNamed && !f.given("server") {
		return true
	}
	server, err1 := url.Parse(f.server)
	stream, err2 := t.address()
	return err1 == nil && err2 == nil && origin.Same(server, stream)
}
