package target

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/origin"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// DefaultServer is where an Aegis server listens, and where sse-tail serve does.
const DefaultServer = "http://127.0.0.1:9100"

// A Target is one stream to follow.
type Target struct {
	Arg    string // the argument; empty for all sessions of a server
	Label  string
	Base   string // the server of a session, or of all
	ID     string // of the session
	URL    string // of any other stream
	Origin string // scheme, host and port, in one form
}

// All is the stream of all sessions of a server.
func All(server string) Target {
	t := Target{Label: render.Global, Base: server}
	t.locate()
	return t
}

// Parse reads one argument: a URL, or the id of one of the server's sessions. The
// URL of a session's stream is that session, so that pasting one does the same as
// giving its id.
func Parse(arg, server string) (Target, error) {
	if !strings.Contains(arg, "://") {
		if strings.Contains(arg, "/") {
			return Target{}, fmt.Errorf("%q is neither a URL nor a session id; is it http://%s?", arg, arg)
		}
		if err := session.CheckID(arg); err != nil {
			return Target{}, fmt.Errorf("%q: %s", arg, strings.TrimPrefix(err.Error(), "session: "))
		}
		t := Target{Arg: arg, Label: arg, Base: server, ID: arg}
		t.locate()
		return t, nil
	}
	u, err := url.Parse(arg)
	if err != nil { // its text repeats the URL, which may hold a secret
		return Target{}, errors.New("malformed URL")
	}
	t := Target{Arg: arg, Label: shortURL(u), URL: arg}
	if id, ok := session.IDOf(u.EscapedPath()); ok {
		base := *u
		base.RawPath, _, _ = strings.Cut(u.EscapedPath(), "/v1/sessions/")
		base.Path, _ = url.PathUnescape(base.RawPath)
		t = Target{Arg: arg, Label: id, Base: base.String(), ID: id}
	}
	t.locate()
	return t, nil
}

func (t *Target) locate() {
	from := t.URL
	if from == "" {
		from = t.Base
	}
	if u, err := url.Parse(from); err == nil {
		t.Origin = u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), origin.Port(u))
	}
}

// CheckServer says what is wrong with a server's URL.
func CheckServer(server string) error {
	if !strings.Contains(server, "://") {
		return fmt.Errorf("%q is no URL; is it http://%s?", server, server)
	}
	return nil
}

// OnServer tells whether the target is on the server that the command line names
// apart from it.
func (t Target) OnServer() bool { return t.URL == "" && !strings.Contains(t.Arg, "://") }

// shortURL is a URL's label: without what may be secret.
func shortURL(u *url.URL) string {
	return u.Host + strings.TrimSuffix(u.Path, "/")
}

// Address returns the URL of the stream.
func (t Target) Address() (*url.URL, error) {
	switch {
	case t.URL != "":
		return url.Parse(t.URL)
	case t.ID != "":
		return t.below(session.EventsPath(t.ID))
	}
	return t.below(session.GlobalPath)
}

// below returns the address of an escaped path on the target's server.
func (t Target) below(path string) (*url.URL, error) {
	u, err := url.Parse(t.Base)
	if err != nil {
		return nil, err
	}
	u.RawPath = strings.TrimSuffix(u.EscapedPath(), "/") + path
	u.Path, err = url.PathUnescape(u.RawPath)
	return u, err
}

// Source makes the event source.
func (t Target) Source(o *client.Options) (*client.EventSource, error) {
	switch {
	case t.ID != "":
		return client.Session(t.Base, t.ID, o)
	case t.URL != "":
		return client.New(t.URL, o)
	}
	return client.Global(t.Base, o)
}
