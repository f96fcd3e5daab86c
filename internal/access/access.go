package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/mask"
	"github.com/OneStepAt4time/resilient-sse/internal/origin"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// Options are what flags and the environment say.
type Options struct {
	Headers []string // each "Name: value"

	TokenFile string   // read for each attempt
	TokenCmd  []string // run for each attempt
	SSEToken  bool     // exchange the token for each attempt

	// EnvToken is the token of the environment. It goes to one server where Server
	// is set, and to any target where it is empty: an exported token must not go to
	// whatever other server is followed from the same shell.
	EnvToken string
	Server   string

	User     string              // for Basic authentication, at all targets; empty for none
	Password string              // of the user
	Netrc    bool                // users and passwords by host, where nothing else is sent
	Env      func(string) string // where the file of the logins is; needed with Netrc

	UserAgent  string
	Compressed bool // accept gzip

	CACert, Cert, Key string // files in PEM form
	Insecure          bool   // do not verify the server's certificate
	UnixSocket        string // connect through it

	Proxy   *string // the proxy for all requests, empty for none at all; nil: as the environment says
	NoProxy string  // hosts that go without, by commas

	OwnTransport bool // have one even where the client's own would do
}

// An Access opens the way to targets. It is safe for concurrent use.
type Access struct {
	opts      Options
	header    http.Header
	transport *http.Transport // nil: the client's own
	logins    map[string]login
}

// New reads files and checks values. The error names all that is wrong, each by
// its flag, joined with [errors.Join].
func New(o Options) (*Access, error) {
	a := &Access{opts: o, header: headerOf(o.Headers)}
	if o.UserAgent != "" && a.header.Get("User-Agent") == "" {
		a.header.Set("User-Agent", o.UserAgent)
	}
	if o.Compressed && a.header.Get("Accept-Encoding") == "" {
		a.header.Set("Accept-Encoding", "gzip")
	}
	var errs []error
	if o.TokenFile != "" {
		if _, err := readToken(o.TokenFile); err != nil {
			errs = append(errs, fmt.Errorf("--token-file: %w", err))
		}
	}
	var err error
	if o.Netrc {
		if a.logins, err = readNetrc(netrcPath(o.Env)); err != nil {
			errs = append(errs, fmt.Errorf("--netrc: %w", err))
		}
	}
	a.transport, err = newTransport(o)
	errs = append(errs, err)
	return a, errors.Join(errs...)
}

// Transport is what requests go over; nil for the client's own.
func (a *Access) Transport() *http.Transport { return a.transport }

// Header returns a copy of the headers of the flags.
func (a *Access) Header() http.Header { return a.header.Clone() }

// Apply puts into the options of a target's source what it takes to reach it. The
// headers that are there already stay.
//
// A header of the flags stands above a token. A token that never changes is a
// header like others, so that a 401 is final; a fresh one for each attempt is
// asked for ahead of it.
func (a *Access) Apply(o *client.Options, t target.Target) error {
	if o.Request.Header == nil {
		o.Request.Header = http.Header{}
	}
	if o.HTTPClient == nil && a.transport != nil {
		o.HTTPClient = &http.Client{Transport: a.transport}
	}
	source := a.tokens(t)
	if l, ok := a.login(t); ok && o.Request.Header.Get("Authorization") == "" {
		o.Request.Header.Set("Authorization", l.basic())
	}
	switch {
	case source == nil || o.Request.Header.Get("Authorization") != "":
		if a.opts.SSEToken {
			return fmt.Errorf("--sse-token: exchanges a token, and there is none for %s; it comes from --token-file, --token-cmd or the environment", t.Label)
		}
	case a.opts.SSEToken:
		hc := o.HTTPClient
		o.Request.Prepare = func(ctx context.Context, req *http.Request) error { return exchange(ctx, req, source, t, hc) }
	case a.opts.TokenFile != "" || a.opts.TokenCmd != nil:
		o.Request.Prepare = func(ctx context.Context, req *http.Request) error {
			token, err := source(ctx)
			if err == nil {
				req.Header.Set("Authorization", "Bearer "+token)
			}
			return err
		}
	default:
		o.Request.Header.Set("Authorization", "Bearer "+a.opts.EnvToken)
	}
	return nil
}

// login returns the user for a target, who is sent in place of a token.
func (a *Access) login(t target.Target) (login, bool) {
	if a.opts.User != "" {
		return login{a.opts.User, a.opts.Password}, true
	}
	u, err := t.Address()
	if err != nil || u.User != nil || a.tokens(t) != nil {
		return login{}, false
	}
	l, ok := a.logins[strings.ToLower(u.Hostname())]
	if !ok {
		l, ok = a.logins[""]
	}
	return l, ok && l.user != ""
}

// Sessions asks a server for its sessions.
func (a *Access) Sessions(ctx context.Context, server string) ([]session.Info, error) {
	t := target.All(server)
	h := a.Header()
	if l, ok := a.login(t); ok && h.Get("Authorization") == "" {
		h.Set("Authorization", l.basic())
	}
	if source := a.tokens(t); source != nil && h.Get("Authorization") == "" {
		token, err := source(ctx)
		if err != nil {
			return nil, err
		}
		h.Set("Authorization", "Bearer "+token)
	}
	hc := &http.Client{}
	if a.transport != nil {
		hc.Transport = a.transport
	}
	list, err := session.List(ctx, server, h, hc)
	return list, a.Facts(t, false).WithHint(err)
}

// Server is the one that the token of the environment is for; empty for any.
func (a *Access) Server() string { return a.opts.Server }

func (a *Access) sendsLogin(t target.Target) bool {
	_, ok := a.login(t)
	return ok
}

// Withheld tells whether there is a token in the environment that a target does
// not get.
func (a *Access) Withheld(t target.Target) bool {
	return a.opts.EnvToken != "" && a.opts.TokenFile == "" && a.opts.TokenCmd == nil && !a.trusts(t)
}

// trusts tells whether the token of the environment is for a target.
func (a *Access) trusts(t target.Target) bool {
	if a.opts.Server == "" {
		return true
	}
	server, err1 := url.Parse(a.opts.Server)
	stream, err2 := t.Address()
	return err1 == nil && err2 == nil && origin.Same(server, stream)
}

// Facts are what is known of a target's stream, for explanations of what goes
// wrong.
func (a *Access) Facts(t target.Target, body bool) explain.Facts {
	f := explain.Facts{Server: t.Base, POST: body}
	u, err := t.Address()
	switch {
	case a.header.Get("Authorization") != "":
		f.Sent = "header"
	case err == nil && u.User != nil, a.sendsLogin(t):
		f.Sent = "password"
	case a.tokens(t) != nil:
		f.Sent = "token"
	case err == nil && mask.InQuery(u) != nil:
		f.Sent = "URL"
	}
	if u, err := url.Parse(t.Base); err == nil && t.Base != "" {
		f.Server = mask.URL(u)
	}
	return f
}
