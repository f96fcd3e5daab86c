package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/mask"
	"github.com/OneStepAt4time/resilient-sse/internal/origin"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
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

	CACert, Cert, Key string // files in PEM form
	Insecure          bool   // do not verify the server's certificate
	UnixSocket        string // connect through it

	OwnTransport bool // have one even where the client's own would do
}

// An Access opens the way to targets. It is safe for concurrent use.
type Access struct {
	opts      Options
	header    http.Header
	transport *http.Transport // nil: the client's own
}

// New reads files and checks values. The error names all that is wrong, each by
// its flag, joined with [errors.Join].
func New(o Options) (*Access, error) {
	a := &Access{opts: o, header: headerOf(o.Headers)}
	var errs []error
	if o.TokenFile != "" {
		if _, err := readToken(o.TokenFile); err != nil {
			errs = append(errs, fmt.Errorf("--token-file: %w", err))
		}
	}
	config, err := tlsConfig(o)
	errs = append(errs, err)
	if config != nil || o.UnixSocket != "" || o.OwnTransport {
		a.transport = newTransport(config, o.UnixSocket)
	}
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
	switch {
	case source == nil || o.Request.Header.Get("Authorization") != "":
		if a.opts.SSEToken {
			return fmt.Errorf("--sse-token: exchanges a token, and there is none for %s; set SSE_TAIL_TOKEN, --token-file or --token-cmd", t.Label)
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

// Server is the one that the token of the environment is for; empty for any.
func (a *Access) Server() string { return a.opts.Server }

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
	case a.tokens(t) != nil:
		f.Sent = "token"
	case err == nil && u.User != nil:
		f.Sent = "password"
	case err == nil && mask.InQuery(u) != nil:
		f.Sent = "URL"
	}
	if u, err := url.Parse(t.Base); err == nil && t.Base != "" {
		f.Server = mask.URL(u)
	}
	return f
}
