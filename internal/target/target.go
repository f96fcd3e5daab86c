package target

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/mask"
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

	Pattern string // of the sessions among all that are meant; empty: all
	Saved   bool   // a stream that comes on standard input
}

// All is the stream of all sessions of a server.
func All(server string) Target {
	t := Target{Label: render.Global, Base: server}
	t.locate()
	return t
}

// Parse reads one argument:
//
//	URL          any stream; that of a session's stream is the session
//	ID           a session of the server
//	PATTERN      its sessions whose ids match, such as 'demo-*'
//	@FILE        a URL that stands in a file, since it holds a secret
//	env:NAME     the same in the environment
//	NAME=URL     a stream and its label; also NAME=@FILE and NAME=env:NAME
//	-            a stream that was saved, on standard input
func Parse(arg, server string, env func(string) string) (Target, error) {
	name, address := labelled(arg)
	t, err := parse(address, server, env)
	if err != nil {
		return Target{}, err
	}
	t.Arg = arg
	if name != "" {
		t.Label = name
	}
	t.locate()
	return t, nil
}

func parse(arg, server string, env func(string) string) (Target, error) {
	file, named := strings.CutPrefix(arg, "@")
	switch {
	case arg == "-":
		return Target{Label: "-", Saved: true}, nil
	case named && file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			return Target{}, err
		}
		return reference(arg, string(b))
	case strings.HasPrefix(arg, "env:"):
		return reference(arg, env(strings.TrimPrefix(arg, "env:")))
	case strings.Contains(arg, "://"):
		return parseURL(arg)
	case strings.Contains(arg, "/"):
		return Target{}, fmt.Errorf("%q is neither a URL nor a session id; is it http://%s?", arg, arg)
	case strings.ContainsAny(arg, "*?["):
		if _, err := path.Match(arg, ""); err != nil {
			return Target{}, fmt.Errorf("%q is no pattern of session ids", arg)
		}
		return Target{Label: render.Global, Base: server, Pattern: arg}, nil // what is shown names the session
	}
	if err := session.CheckID(arg); err != nil {
		return Target{}, fmt.Errorf("%q: %s", arg, strings.TrimPrefix(err.Error(), "session: "))
	}
	return Target{Label: arg, Base: server, ID: arg}, nil
}

// labelled takes the label off an argument.
func labelled(arg string) (name, address string) {
	name, address, ok := strings.Cut(arg, "=")
	plain := func(r rune) bool { return strings.ContainsRune("/:?&#%@", r) || r <= ' ' }
	if !ok || name == "" || strings.ContainsFunc(name, plain) {
		return "", arg
	}
	if strings.Contains(address, "://") || strings.HasPrefix(address, "@") || strings.HasPrefix(address, "env:") {
		return name, address
	}
	return "", arg
}

// reference reads a URL that an argument refers to: the first line of the text.
func reference(arg, text string) (Target, error) {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimSpace(line)
	if !strings.Contains(line, "://") {
		return Target{}, fmt.Errorf("%s holds no URL", arg)
	}
	t, err := parseURL(line)
	if err != nil {
		return Target{}, fmt.Errorf("%s holds a malformed URL", arg)
	}
	return t, nil
}

func parseURL(arg string) (Target, error) {
	u, err := url.Parse(arg)
	if err != nil { // its text repeats the URL, which may hold a secret
		return Target{}, errors.New("malformed URL")
	}
	if id, ok := session.IDOf(u.EscapedPath()); ok {
		base := *u
		base.RawPath, _, _ = strings.Cut(u.EscapedPath(), "/v1/sessions/")
		base.Path, _ = url.PathUnescape(base.RawPath)
		return Target{Label: id, Base: base.String(), ID: id}, nil
	}
	return Target{Label: shortURL(u), URL: arg}, nil
}

// Distinct gives targets labels that differ: those of one label get what else tells
// them apart, the server or the query without its secrets, and a number where
// nothing does. A target that is there twice is followed once.
func Distinct(list []Target) []Target {
	var kept []Target
	for _, t := range list {
		if !slices.ContainsFunc(kept, func(other Target) bool { return t.same(other) }) {
			kept = append(kept, t)
		}
	}
	rename := func(more func(n int, t Target) string) {
		count := map[string]int{}
		for _, t := range kept {
			count[t.Label]++
		}
		seen := map[string]int{}
		for i, t := range kept {
			if count[t.Label] > 1 {
				seen[t.Label]++
				kept[i].Label = more(seen[t.Label], t)
			}
		}
	}
	rename(func(_ int, t Target) string {
		u, err := url.Parse(cmp.Or(t.URL, t.Base))
		switch name, _ := labelled(t.Arg); {
		case name != "" || err != nil:
			return t.Label
		case t.URL == "":
			return shortURL(u) + "/" + t.Label
		case u.RawQuery != "":
			masked, _ := url.Parse(mask.URL(u))
			return t.Label + "?" + masked.RawQuery
		}
		return u.Scheme + "://" + t.Label
	})
	rename(func(n int, t Target) string { return t.Label + "#" + strconv.Itoa(n) })
	return kept
}

// same tells whether two targets are one stream.
func (t Target) same(o Target) bool {
	return t.URL == o.URL && t.Base == o.Base && t.ID == o.ID && t.Pattern == o.Pattern && t.Saved == o.Saved
}

func (t *Target) locate() {
	if t.Saved {
		return
	}
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
func (t Target) OnServer() bool {
	_, address := labelled(t.Arg)
	byReference := strings.HasPrefix(address, "@") || strings.HasPrefix(address, "env:")
	return t.URL == "" && !t.Saved && !byReference && !strings.Contains(address, "://")
}

// Inline is the URL as it stands in the arguments, where others can see it; empty if
// it does not.
func (t Target) Inline() string {
	if _, address := labelled(t.Arg); strings.Contains(address, "://") {
		return address
	}
	return ""
}

// shortURL is a URL's label: without what may be secret.
func shortURL(u *url.URL) string {
	return u.Host + strings.TrimSuffix(u.Path, "/")
}

// Address returns the URL of the stream.
func (t Target) Address() (*url.URL, error) {
	switch {
	case t.Saved:
		return nil, errors.New("a saved stream has no address")
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
