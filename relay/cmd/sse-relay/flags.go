package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/build"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/proc"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/relay"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/daemon"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/server"
)

// flags are those of a relay.
type flags struct {
	fs       *pflag.FlagSet
	problems *cmdline.Problems
	env      func(string) string

	relay   relay.Options
	daemon  daemon.Options
	readers server.Options

	plain map[string]target.Target // by URL

	tokenFile, tokenCmd string
	sseToken            bool
	headers             []string
	caCert, cert, key   string
	insecure            bool
	proxy, noProxy      string

	sync                string
	storeLimit          int
	maxBytes, maxEvents int
	logFormat, logLevel string
}

func newFlags(fs *pflag.FlagSet, p *cmdline.Problems, env func(string) string) *flags {
	f := &flags{fs: fs, problems: p, env: env, plain: make(map[string]target.Target), logFormat: "text", logLevel: "info"}
	f.relay = relay.Options{Name: "upstream", UpstreamStreams: 9, Prefix: "sse", Replicas: 1}
	f.daemon = daemon.Options{Listen: "127.0.0.1:9110", OpenWait: 30 * time.Second, Drain: 10 * time.Second}
	f.readers = server.Options{Window: 50, Heartbeat: 30 * time.Second, MaxConns: 0}
	fs.SortFlags = false
	f.add(func(name string) cmdline.Group { return cmdline.Group{Name: name, Flags: fs, Problems: p} })
	return f
}

// stateFolder is where a process keeps what it needs after a restart.
func stateFolder(env func(string) string) string {
	return filepath.Join(cmp.Or(env("XDG_STATE_HOME"), filepath.Join(env("HOME"), ".local", "state")), "sse-relay")
}

func (f *flags) add(group func(name string) cmdline.Group) {
	r, d, o := &f.relay, &f.daemon, &f.readers
	g := group("upstream")
	g.Text(&r.Upstream, "upstream", "", "server of the sessions that are followed, `URL`")
	g.Toggle(&r.All, "all", "", "follow all its sessions")
	g.Text(&r.Name, "upstream-name", "", "what it is called in the store, `NAME`: the same at all its relays, whatever its URL")
	g.Number(&r.UpstreamStreams, "upstream-streams", "sessions with a stream of their own at once, `N`; servers allow ten an address")

	g = group("auth")
	g.Text(&f.tokenFile, "token-file", "", "token for upstream from `FILE`, read for each attempt (or $SSE_RELAY_TOKEN)")
	g.Text(&f.tokenCmd, "token-cmd", "", "token from the output of `CMD`, run for each attempt")
	g.Toggle(&f.sseToken, "sse-token", "", "exchange the token at /v1/auth/sse-token for each attempt")
	g.List(&f.headers, "header", "H", "send the header `'K: V'` upstream, or those in @FILE; may be repeated", access.HeaderLines)
	g.Text(&f.caCert, "cacert", "", "trust the authorities in `FILE` (PEM) for upstream")
	g.Text(&f.cert, "cert", "", "client certificate in `FILE` (PEM)")
	g.Text(&f.key, "key", "", "its private key in `FILE` (PEM)")
	g.Toggle(&f.insecure, "insecure", "k", "do not verify upstream's certificate")
	g.Text(&f.proxy, "proxy", "x", "proxy to upstream, `URL`; empty: none, whatever $HTTPS_PROXY says")
	g.Text(&f.noProxy, "noproxy", "", "`HOST,…` that go without a proxy; * for all")

	g = group("readers")
	g.Text(&d.Listen, "listen", "", "where readers connect, `HOST:PORT`; port 0 is any free one")
	g.Text(&d.Tokens, "reader-tokens", "", "who may read: `FILE` with 'TOKEN [PATTERN…]' on each line; read again on SIGHUP")
	g.Text(&d.Cert, "tls-cert", "", "https with the certificate in `FILE` (PEM); read again on SIGHUP")
	g.Text(&d.Key, "tls-key", "", "its private key in `FILE` (PEM)")
	g.List(&o.Origins, "origin", "", "whose web pages may read, `ORIGIN,…`; * for all", splitComma)
	g.Number(&o.MaxConns, "max-readers", "readers in all, `N`; 0: no limit")
	g.Number(&o.MaxConnsPerAddr, "max-readers-per-addr", "readers of one address, `N`; 0: no limit")
	g.Duration(&o.MaxAge, "max-reader-age", "end each connection cleanly after `D`, so that readers spread anew; 0: never")
	g.Duration(&o.Heartbeat, "heartbeat", "between two heartbeats, `D`; 0: none")
	g.Number(&o.Window, "window", "events of each stream in memory for readers that come back, `N`; 0: none")

	g = group("store")
	g.Text(&d.Folder.Dir, "store", "", "keep events in the folder `DIR`, with a JetStream of this process's own (~/.local/state/sse-relay)")
	g.Size(&f.storeLimit, "store-limit", "most that the folder may hold, `SIZE` such as 20G; none: the disk's")
	g.Choice(&f.sync, "sync", "", "when an event is on the disk, `WHEN`: always, before it is served; or interval, within 2m", "always", "interval")
	g.List(&d.NATS.URLs, "nats", "", "keep events on NATS servers, `URL,…`; then as many relays as you like", splitServers)
	g.Text(&d.NATS.Creds, "nats-creds", "", "credentials in `FILE`: a user's JWT and seed")
	g.Text(&d.NATS.NKey, "nats-nkey", "", "seed of an nkey in `FILE`")
	g.Text(&d.NATS.User, "nats-user", "", "user `NAME`; the password in $SSE_RELAY_NATS_PASSWORD or a file")
	g.Text(&d.NATS.PassFile, "nats-password-file", "", "its password in `FILE`")
	g.Text(&d.NATS.CACert, "nats-cacert", "", "trust the authorities in `FILE` (PEM) for NATS")
	g.Text(&d.NATS.Cert, "nats-cert", "", "client certificate for NATS in `FILE` (PEM)")
	g.Text(&d.NATS.Key, "nats-key", "", "its private key in `FILE` (PEM)")
	g.Number(&r.Replicas, "replicas", "servers that keep each event, `N`: 1, 3 or 5")
	g.Text(&r.Prefix, "prefix", "", "begins the names of all that is made in JetStream, `NAME`")
	g.Toggle(&r.Alone, "alone", "", "no other relay follows this upstream: nothing waits for what it may have")
	g.Duration(&d.OpenWait, "nats-wait", "how long NATS may take to be there at the start, `D`")

	g = group("kept")
	g.Duration(&r.MaxAge, "max-age", "events not older than `D`; 0: no limit")
	g.Size(&f.maxBytes, "max-bytes", "the newest `SIZE` of all sessions together; none: no limit")
	g.Count(&f.maxEvents, "max-events", "", "the newest `COUNT` of each session; none: no limit")
	g.Toggle(&r.Update, "update-store", "", "change limits and replicas of a store that has others; lower limits delete events")

	g = group("process")
	g.Text(&d.Admin, "admin", "", "where /metrics, /healthz and /readyz are, `HOST:PORT`, if not with the readers")
	g.Duration(&d.Drain, "drain", "how long readers may take to end at SIGTERM, `D`")
	g.Choice(&f.logFormat, "log-format", "", "`FORM` of the log on standard error: text or json", "text", "json")
	g.Choice(&f.logLevel, "log-level", "", "`LEVEL`: debug, info, warn or error", "debug", "info", "warn", "error")
}

func splitComma(s string) ([]string, error) { return strings.Split(s, ","), nil }

// splitServers takes a comma list of NATS servers. An error repeats none: a URL may hold
// a password.
func splitServers(s string) ([]string, error) {
	var list []string
	for one := range strings.SplitSeq(s, ",") {
		if one = strings.TrimSpace(one); !strings.Contains(one, "://") {
			one = "nats://" + one
		}
		u, err := url.Parse(one)
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return nil, errors.New("not URLs of NATS servers, such as nats://a:4222,nats://b:4222")
		}
		list = append(list, one)
	}
	return list, nil
}

// given tells whether a flag is on the command line.
func (f *flags) given(name string) bool { return f.fs.Changed(name) }

// contradictions are flags that can't be given together.
var contradictions = [][2]string{
	{"store", "nats"}, {"store-limit", "nats"}, {"sync", "nats"}, {"token-file", "token-cmd"},
	{"nats-creds", "nats-nkey"}, {"nats-creds", "nats-user"}, {"nats-nkey", "nats-user"},
}

// needs are flags that mean nothing without another.
var needs = [][2]string{
	{"all", "upstream"}, {"upstream-streams", "upstream"}, {"tls-cert", "tls-key"}, {"tls-key", "tls-cert"}, {"nats-cert", "nats-key"}, {"nats-key", "nats-cert"},
	{"nats-creds", "nats"}, {"nats-nkey", "nats"}, {"nats-user", "nats"}, {"nats-password-file", "nats-user"}, {"nats-cacert", "nats"}, {"nats-cert", "nats"},
	{"nats-wait", "nats"}, {"alone", "nats"},
}

// options are what the command line says. What is wrong with it goes to the problems.
func (f *flags) options(args []string) daemon.Options {
	f.check(args)
	r, d := &f.relay, &f.daemon
	r.MaxBytes, r.MaxEvents = int64(f.maxBytes), int64(f.maxEvents)
	d.Folder.Limit, d.Folder.SyncAlways = int64(f.storeLimit), f.sync != "interval"
	d.NATS.Password = f.env("SSE_RELAY_NATS_PASSWORD")
	if len(d.NATS.URLs) == 0 {
		r.Alone = true // the folder is this process's own
	}
	r.Server = f.readers
	if r.Server.Window == 0 {
		r.Server.Window = server.Off
	}
	if r.Server.Heartbeat == 0 {
		r.Server.Heartbeat = server.Off
	}
	r.Server.RetryAfter = time.Second
	f.upstream()
	d.Relay = *r
	if _, err := server.New(&r.Server); err != nil {
		f.problems.Add("%s", strings.TrimPrefix(err.Error(), "server: "))
	}
	return *d
}

// check finds what single values can't tell.
func (f *flags) check(args []string) {
	for _, pair := range contradictions {
		if f.given(pair[0]) && f.given(pair[1]) {
			f.problems.Add("--%s and --%s contradict each other", pair[0], pair[1])
		}
	}
	for _, pair := range needs {
		if f.given(pair[0]) && !f.given(pair[1]) {
			f.problems.Add("--%s: there is no --%s", pair[0], pair[1])
		}
	}
	r, d := &f.relay, &f.daemon
	if f.given("upstream") {
		if u, err := url.Parse(r.Upstream); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			f.problems.Add("--upstream: not the URL of a server, such as http://127.0.0.1:9100")
			r.Upstream = ""
		}
	}
	for _, arg := range args {
		f.follow(arg)
	}
	switch {
	case r.All && len(r.Sessions) > 0:
		f.problems.Add("--all and %s contradict each other: all sessions are followed, or those that are named", r.Sessions[0])
	case f.given("upstream") && !r.All && len(r.Sessions) == 0:
		f.problems.Add("nothing of --upstream is followed: give --all, or ids of sessions")
	case len(args) == 0 && !f.given("upstream") && !f.problems.Any():
		f.problems.Add("nothing to follow: give --upstream URL with --all or ids of sessions, or NAME=URL for a plain stream (or try: sse-relay demo)")
	}
	if r.Replicas != 1 && r.Replicas != 3 && r.Replicas != 5 {
		f.problems.Add("--replicas: %d is none of 1, 3 and 5", r.Replicas)
	} else if r.Replicas > 1 && !f.given("nats") {
		f.problems.Add("--replicas: there is no --nats; a folder is one replica")
	}
	if err := store.CheckPrefix(r.Prefix); err != nil {
		f.problems.Add("--prefix: %s", strings.TrimPrefix(err.Error(), "relay: "))
	}
	if f.given("nats-user") && d.NATS.PassFile == "" && f.env("SSE_RELAY_NATS_PASSWORD") == "" {
		f.problems.Add("--nats-user: no password for %s; set SSE_RELAY_NATS_PASSWORD, or use --nats-password-file", d.NATS.User)
	}
	for _, l := range []struct{ flag, address string }{{"listen", d.Listen}, {"admin", d.Admin}} {
		if _, port, err := net.SplitHostPort(l.address); (err != nil || port == "") && (l.flag != "admin" || f.given("admin")) {
			f.problems.Add("--%s: %q is no HOST:PORT, such as 127.0.0.1:9110 or :9110", l.flag, l.address)
		}
	}
	if r.UpstreamStreams == 0 {
		f.problems.Add("--upstream-streams: 0 would follow no session")
	}
	if r.Name == "" {
		f.problems.Add("--upstream-name: empty")
	}
	if d.Folder.Dir == "" {
		d.Folder.Dir = stateFolder(f.env)
	}
}

// follow takes an argument: a session's id, or NAME=URL.
func (f *flags) follow(arg string) {
	t, err := target.Parse(arg, f.relay.Upstream, f.env)
	if err != nil {
		f.problems.AddError(err)
		return
	}
	name, _, _ := strings.Cut(arg, "=")
	switch {
	case t.Saved:
		f.problems.Add("-: standard input can't be followed here")
	case t.Pattern != "":
		f.problems.Add("%q: patterns are not followed: give --all, or ids", arg)
	case t.ID != "" && t.OnServer():
		if !f.given("upstream") {
			f.problems.Add("%q: a session needs the server that it is on: --upstream URL", arg)
		}
		if !slices.Contains(f.relay.Sessions, t.ID) {
			f.relay.Sessions = append(f.relay.Sessions, t.ID)
		}
	case t.ID != "":
		f.problems.Add("%s: it is a session's stream: give --upstream %s and the id %s", name, t.Base, t.ID)
	case t.Label != name || name == "*":
		f.problems.Add("a plain stream needs a name that readers know it by: NAME=URL")
	case f.relay.Streams[name] != "":
		f.problems.Add("%s: it names two streams", name)
	default:
		if f.relay.Streams == nil {
			f.relay.Streams = make(map[string]string)
		}
		f.relay.Streams[name] = t.URL
		f.plain[t.URL] = t
	}
}

// upstream fills in what it takes to reach what is followed.
func (f *flags) upstream() {
	o := access.Options{
		Headers: f.headers, TokenFile: f.tokenFile, SSEToken: f.sseToken, EnvToken: f.env("SSE_RELAY_TOKEN"), Server: f.relay.Upstream,
		Env: f.env, UserAgent: "sse-relay/" + build.Release(), NoProxy: f.noProxy,
		CACert: f.caCert, Cert: f.cert, Key: f.key, Insecure: f.insecure,
	}
	if f.given("proxy") {
		o.Proxy = &f.proxy
	}
	if f.tokenCmd != "" {
		var err error
		if o.TokenCmd, err = proc.Find(f.tokenCmd); err != nil {
			f.problems.Add("--token-cmd: %v", err)
		}
	}
	a, err := access.New(o)
	f.problems.AddError(err)
	if f.problems.Any() {
		return
	}
	s := &sources{access: a, plain: f.plain, breakers: make(map[string]*backoff.Breaker)}
	for _, url := range append(slices.Sorted(maps.Values(f.relay.Streams)), f.relay.Upstream) {
		if url != "" {
			if _, err := s.options(url); err != nil {
				f.problems.AddError(err)
			}
		}
	}
	f.relay.Client = func(url string) client.Options {
		o, _ := s.options(url) // it was right above
		return o
	}
	upstream := f.relay.Upstream
	f.relay.List = func(ctx context.Context) ([]string, error) {
		infos, err := a.Sessions(ctx, upstream)
		var ids []string
		for _, info := range infos {
			ids = append(ids, info.ID)
		}
		return ids, err
	}
	f.daemon.Hint = hint
}
