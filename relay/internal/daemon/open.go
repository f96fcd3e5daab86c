package daemon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// A Folder is where the process keeps events by itself.
type Folder struct {
	Dir        string
	Limit      int64 // bytes; 0: that of the disk
	SyncAlways bool  // each event is on the disk before it is served
}

// NATS is how servers of NATS are reached. Secrets are in files, which are read again
// at each connection.
type NATS struct {
	URLs []string

	Creds    string // file of a user's JWT and seed
	NKey     string // file of a seed
	User     string
	Password string
	PassFile string // of the password, in place of Password

	CACert, Cert, Key string

	options []nats.Option
}

// read checks the files, and keeps what they come to.
func (n *NATS) read() error {
	var errs []error
	bad := func(flag string, err error) { errs = append(errs, fmt.Errorf("%s: %w", flag, err)) }
	readable := func(flag, path string) {
		if f, err := os.Open(path); err != nil {
			bad(flag, err)
		} else {
			f.Close()
		}
	}
	add := func(o nats.Option) { n.options = append(n.options, o) }
	if n.Creds != "" {
		readable("--nats-creds", n.Creds)
		add(nats.UserCredentials(n.Creds))
	}
	if n.NKey != "" {
		if o, err := nats.NkeyOptionFromSeed(n.NKey); err != nil {
			bad("--nats-nkey", err)
		} else {
			add(o)
		}
	}
	if n.PassFile != "" {
		if _, err := secret(n.PassFile); err != nil {
			bad("--nats-password-file", err)
		}
	}
	if n.User != "" {
		add(nats.UserInfoHandler(func() (string, string) {
			if n.PassFile == "" {
				return n.User, n.Password
			}
			password, _ := secret(n.PassFile) // it was there; without it the server says that it is wrong
			return n.User, password
		}))
	}
	if n.CACert != "" {
		b, err := os.ReadFile(n.CACert)
		switch {
		case err != nil:
			bad("--nats-cacert", err)
		case !x509.NewCertPool().AppendCertsFromPEM(b):
			bad("--nats-cacert", fmt.Errorf("%s holds no certificate in PEM form", n.CACert))
		default:
			add(nats.RootCAs(n.CACert))
		}
	}
	if n.Cert != "" {
		if _, err := tls.LoadX509KeyPair(n.Cert, n.Key); err != nil {
			bad("--nats-cert", err)
		} else {
			add(nats.ClientCert(n.Cert, n.Key))
		}
	}
	return errors.Join(errs...)
}

// secret reads the first line of a file.
func secret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return line, nil
}

// masked is the servers without what is secret in their URLs.
func (n *NATS) masked() string {
	var list []string
	for _, s := range n.URLs {
		if u, err := url.Parse(s); err == nil {
			s = u.Redacted()
		}
		list = append(list, s)
	}
	return strings.Join(list, ",")
}

// opened is a store that is there.
type opened struct {
	js    jetstream.JetStream
	where string
	up    func() error
	lost  <-chan struct{} // closed when the connection is closed for good
	close func()
}

// openStore connects to the store, or starts it.
func (d *Daemon) openStore(ctx context.Context) (*opened, error) {
	if len(d.opts.NATS.URLs) == 0 {
		return d.openFolder()
	}
	n := &d.opts.NATS
	var nc *nats.Conn
	where := "NATS at " + n.masked()
	lost := make(chan struct{})
	err := d.untilOpen(ctx, where, func(context.Context) (err error) {
		nc, err = nats.Connect(strings.Join(n.URLs, ","), append(d.connection(lost), n.options...)...)
		return err
	})
	if err != nil {
		return nil, err
	}
	o, err := open(nc, where, lost)
	if err != nil {
		return nil, err
	}
	o.close = func() { nc.Close() }
	return o, nil
}

// connection is how a connection to NATS behaves: it is tried again for ever, with
// credentials that are read anew.
func (d *Daemon) connection(lost chan struct{}) []nats.Option {
	return []nats.Option{
		nats.Name("sse-relay " + d.opts.Relay.Name),
		nats.Timeout(5 * time.Second), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second), nats.PingInterval(20 * time.Second), nats.MaxPingsOutstanding(2),
		nats.IgnoreAuthErrorAbort(), nats.PermissionErrOnSubscribe(true),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				d.log.Warn("NATS connection was lost: trying again", "err", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { d.log.Info("NATS is connected again", "url", nc.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { d.log.Warn("NATS says", "err", err) }),
		nats.ClosedHandler(func(*nats.Conn) { close(lost) }),
	}
}

func open(nc *nats.Conn, where string, lost <-chan struct{}) (*opened, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	up := func() error {
		if s := nc.Status(); s != nats.CONNECTED {
			err := nc.LastError()
			if err == nil {
				err = errors.New(strings.ToLower(s.String()))
			}
			return fmt.Errorf("%s is not connected: %w", where, err)
		}
		return nil
	}
	return &opened{js: js, where: where, up: up, lost: lost}, nil
}

// openFolder starts a server of this process's own.
func (d *Daemon) openFolder() (*opened, error) {
	f := d.opts.Folder
	s, err := embed.Start(embed.Options{Dir: f.Dir, MaxStore: f.Limit, SyncAlways: f.SyncAlways})
	if err != nil {
		return nil, err
	}
	lost := make(chan struct{})
	nc, err := s.Connect(nats.MaxReconnects(-1), nats.ClosedHandler(func(*nats.Conn) { close(lost) }))
	if err != nil {
		s.Stop()
		return nil, err
	}
	o, err := open(nc, f.Dir, lost)
	if err != nil {
		s.Stop()
		return nil, err
	}
	o.close = func() {
		nc.Close()
		s.Stop()
	}
	return o, nil
}

// An OpenError says that the store was not there in time, or is not as it should be.
type OpenError struct {
	Where string
	After time.Duration // how long it was tried; 0: trying again does not help
	Err   error
}

func (e *OpenError) Error() string {
	text := strings.TrimPrefix(strings.TrimPrefix(e.Err.Error(), "relay: "), "nats: ")
	if e.After == 0 {
		return e.Where + ": " + text
	}
	return fmt.Sprintf("%s: not there within %v: %s", e.Where, e.After, text)
}

func (e *OpenError) Unwrap() error { return e.Err }

// Hint says what to do; "" if nothing is known.
func (e *OpenError) Hint() string {
	api, _ := errors.AsType[*jetstream.APIError](e.Err)
	_, config := errors.AsType[*store.ConfigError](e.Err)
	switch {
	case config:
		return "give the flags as they were, or change what is there with --update-store"
	case api != nil && (api.ErrorCode == codeReplicas || api.ErrorCode == codePeers):
		return "--replicas N needs N servers of one cluster, with JetStream and room"
	case isFull(e.Err):
		return "the servers have no room: raise their JetStream limits, or ask for less with --max-bytes"
	case errors.Is(e.Err, nats.ErrAuthorization), errors.Is(e.Err, nats.ErrAuthExpired):
		return "are --nats-creds, --nats-nkey or --nats-user with its password right, and still valid?"
	case isTLS(e.Err):
		return "does --nats-cacert name the authority of the servers' certificate, and --nats the host that it is for?"
	case errors.Is(e.Err, nats.ErrNoResponders), errors.Is(e.Err, nats.ErrTimeout), errors.Is(e.Err, context.DeadlineExceeded), errors.Is(e.Err, jetstream.ErrJetStreamNotEnabled), errors.Is(e.Err, jetstream.ErrJetStreamNotEnabledForAccount):
		return "is JetStream on (nats-server -js), for this account too, and do most servers of the cluster run?"
	case errors.Is(e.Err, nats.ErrNoServers), e.After > 0:
		return "do the servers run, and does --nats name them?"
	}
	return ""
}

// Error codes of JetStream.
const (
	codePeers     jetstream.ErrorCode = 10005
	codeResources jetstream.ErrorCode = 10023
	codeStorage   jetstream.ErrorCode = 10047
	codeReplicas  jetstream.ErrorCode = 10074
)

// isFull tells of an error for want of room.
func isFull(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == codeStorage || api.ErrorCode == codeResources)
}

func isTLS(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	return verify || errors.Is(err, nats.ErrSecureConnRequired) || errors.Is(err, nats.ErrSecureConnWanted) || errors.Is(err, nats.ErrTLS)
}

// hopeless tells of an error at the start that waiting does not mend.
func hopeless(err error) bool {
	_, config := errors.AsType[*store.ConfigError](err)
	api, _ := errors.AsType[*jetstream.APIError](err)
	return config || isTLS(err) || errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || api != nil && api.ErrorCode == codeReplicas
}

const (
	openMin = 250 * time.Millisecond
	openMax = 5 * time.Second
	openTry = 10 * time.Second
)

// untilOpen tries until what the store is needed for is done, as long as the options
// have it: NATS may start at the same time as this process.
func (d *Daemon) untilOpen(ctx context.Context, where string, try func(context.Context) error) error {
	begin := time.Now()
	for wait := openMin; ; wait = min(2*wait, openMax) {
		once, cancel := context.WithTimeout(ctx, openTry)
		err := try(once)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case hopeless(err):
			return &OpenError{Where: where, Err: err}
		case time.Since(begin)+wait > d.opts.OpenWait:
			return &OpenError{Where: where, After: d.opts.OpenWait, Err: err}
		}
		if wait == openMin {
			d.log.Warn("store is not there yet: trying again", "store", where, "for", d.opts.OpenWait, "err", err)
		}
		d.enter(&phase{why: fmt.Errorf("%s is not there yet: %w", where, err)})
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}
