package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/demo"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// serveFlags are those of serve.
type serveFlags struct {
	opts     testserver.Options
	control  string
	headers  []string
	demo     bool
	sessions []string
	faults   []string
	profile  string
	seed     int
	tokens   string // files
	ctlToken string
	tls      bool
	cert     string
	key      string
	upstream string
	play     string
	speed    float64
	stdin    bool
}

// addresses is the line that serve writes once it can be reached.
type addresses struct {
	URL         string `json:"url"`
	Sessions    string `json:"sessions"` // {id} stands for a session's
	Global      string `json:"global"`
	Streams     string `json:"streams"` // {name} stands for a plain stream's
	Control     string `json:"control"`
	Certificate string `json:"certificate,omitempty"` // that a client is to trust, as PEM
}

// shared is what --control takes for the port of the streams.
const shared = "shared"

var profiles = map[string]testserver.Profile{"ours": testserver.Ours, "aegis-1.3.3": testserver.Aegis133, "aegis-0.6.6": testserver.Aegis066}

func newServe(sys *system.System, p *cmdline.Problems) *cobra.Command {
	f := serveFlags{control: "127.0.0.1:0", profile: "ours", speed: 1}
	f.opts = testserver.Options{
		Addr: strings.TrimPrefix(target.DefaultServer, "http://"), Window: 50, Heartbeat: session.HeartbeatInterval,
		Linger: time.Second, RetireAfter: 5 * time.Minute, WriteTimeout: 90 * time.Second, Journal: 4096,
		Record: 64 << 20, LagEvents: 1 << 16, LagBytes: 64 << 20, TotalBytes: 256 << 20,
	}
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Run the test server, with faults on demand",
		Long: `Run the test server: session streams and plain ones, replay, heartbeats, and
faults on demand. One JSON line on standard output says where everything is, or
text if that is a terminal; then it serves until it is interrupted. The control
API has a port of its own, which no fault reaches, and a page for a browser.`,
		Example: `  sse-tail serve --demo                   sessions are played for ever
  sse-tail --all                          in another window: follow them
  sse-tail serve --listen 127.0.0.1:0     any free port; for scripts
  sse-tail serve --upstream https://host  faults in front of a real server`,
		Args: cmdline.NoArgs(p),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), sys, &f)
		},
	}
	f.add(func(name string) cmdline.Group { return cmdline.Group{Name: name, Flags: cmd.Flags(), Problems: p} })
	cmd.Flags().SortFlags = false
	cmdline.NamesAllFlags(cmd, p, sys.Args, func([]string) {})
	return cmd
}

func (f *serveFlags) add(group func(name string) cmdline.Group) {
	o := &f.opts
	g := group("serve")
	g.Text(&o.Addr, "listen", "", "where to listen, `HOST:PORT`; port 0 is any free one")
	g.Text(&f.control, "control", "", "where the control API and its page listen, `HOST:PORT`, or shared: on the streams' port")
	g.Toggle(&f.stdin, "stdin", "", "end when standard input is closed, as it is when the parent dies")
	g = group("control")
	g.List(&o.ControlHosts, "control-host", "", "further names for the control API in a Host header, `NAME,…`", splitComma)
	g.Toggle(&o.ControlAny, "control-any", "", "let other machines use the control API")
	g.Text(&f.ctlToken, "control-token-file", "", "a token that the control API wants, in `FILE`")
	g.Toggle(&o.NoControl, "no-control", "", "no control API, and no page")
	g = group("events")
	g.Choice(&f.profile, "profile", "", "whose behaviour, `WHO`: ours, aegis-1.3.3 or aegis-0.6.6", "ours", "aegis-1.3.3", "aegis-0.6.6")
	g.Toggle(&f.demo, "demo", "", "play sessions for ever")
	g.List(&f.sessions, "session", "", "create sessions, `ID,…`", splitSessions)
	g.List(&f.faults, "fault", "", "put a fault in force, as `JSON`", func(s string) ([]string, error) { return []string{s}, new(fault.Fault).UnmarshalJSON([]byte(s)) })
	g.Text(&f.upstream, "upstream", "", "stand in front of the server at `URL`, and pass on what it sends")
	g.Text(&f.play, "play", "", "publish on plain stream \"play\" what --record has kept, from `FILE`")
	g.Ratio(&f.speed, "speed", "of --play, `N` times as fast; 0: no pauses")
	g.Number(&f.seed, "seed", "where faults take their chances from, `N`")
	g = group("server")
	g.Number(&o.Window, "window", "events each stream keeps, `N`; 0: none")
	g.Duration(&o.Heartbeat, "heartbeat", "between two heartbeats, `D`; 0: none")
	g.Duration(&o.Linger, "linger", "how long connections outlive a session, `D`")
	g.Duration(&o.RetireAfter, "retire-after", "how long an ended stream can be read, `D`")
	g.Duration(&o.MaxAge, "max-age", "end each connection cleanly after `D`; 0: never")
	g.Duration(&o.WriteTimeout, "write-timeout", "how long one write may take, `D`")
	g.Number(&o.MaxConns, "max-conns", "streams in all, `N`; 0: no limit")
	g.Number(&o.MaxConnsPerAddr, "max-conns-per-addr", "streams of one address, `N`; 0: no limit")
	g.Duration(&o.RetryAfter, "retry-after", "what refusals for a limit say, `D`; 0: nothing")
	g.Number(&o.LagEvents, "lag-events", "events each keeps for slow readers, `N`")
	g.Size(&o.LagBytes, "lag-bytes", "the same in bytes, `SIZE`")
	g.Size(&o.TotalBytes, "total-bytes", "the same of all streams together, `SIZE`")
	g.List(&f.headers, "header", "", "one more in each stream's response, `'K: V'`", splitHeader)
	g = group("access")
	g.Text(&f.tokens, "token-file", "", "tokens that streams want, one a line, in `FILE`")
	g.Toggle(&o.SSETokens, "sse-tokens", "", "each stream wants a single-use token")
	g.List(&o.Origins, "origin", "", "whose web pages may follow, `ORIGIN,…`; all unless told", splitComma)
	g.Toggle(&f.tls, "tls", "", "https with a certificate made for this machine")
	g.Text(&f.cert, "cert", "", "https with the certificate in `FILE`")
	g.Text(&f.key, "key", "", "its key, in `FILE`")
	g = group("memory")
	g.Number(&o.Journal, "journal", "requests kept, `N`")
	g.Size(&o.Record, "record-bytes", "published events kept for assertions, in bytes, `SIZE`")
}

func splitHeader(s string) ([]string, error) {
	name, _, ok := strings.Cut(s, ":")
	if !ok || strings.TrimSpace(name) == "" {
		return nil, fmt.Errorf("%q: a header is 'K: V'", s)
	}
	return []string{s}, nil
}

func splitComma(s string) ([]string, error) { return strings.Split(s, ","), nil }

func splitSessions(s string) ([]string, error) {
	ids := strings.Split(s, ",")
	for _, id := range ids {
		if err := session.CheckID(id); err != nil {
			return nil, fmt.Errorf("%q: %s", s, strings.TrimPrefix(err.Error(), "session: "))
		}
	}
	return ids, nil
}

// options are what the flags say, where 0 is off.
func (f *serveFlags) options() (*testserver.Options, error) {
	o := f.opts
	o.Profile, o.Seed = profiles[f.profile], int64(f.seed)
	if f.control != shared && !o.NoControl {
		o.ControlAddr = f.control
	}
	for _, h := range f.headers {
		name, value, _ := strings.Cut(h, ":")
		if o.Header == nil {
			o.Header = http.Header{}
		}
		o.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	for _, d := range []*time.Duration{&o.Heartbeat, &o.Linger, &o.RetireAfter} {
		if *d == 0 {
			*d = testserver.Off
		}
	}
	if o.Window == 0 {
		o.Window = testserver.Off
	}
	for _, n := range []*int{&o.LagEvents, &o.LagBytes, &o.TotalBytes, &o.Journal, &o.Record} {
		*n = max(*n, 1) // as little as can be, where zero would be the default
	}
	var err error
	if o.Tokens, err = readLines(f.tokens); err != nil {
		return nil, err
	}
	token, err := readLines(f.ctlToken)
	if err != nil {
		return nil, err
	}
	o.ControlToken = strings.Join(token, "")
	switch {
	case f.cert != "" || f.key != "":
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, err
		}
		o.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	case f.tls:
		o.TLS = &tls.Config{}
	}
	return &o, nil
}

// readLines returns the lines of a file that are not empty; none for no file.
func readLines(name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Split(strings.ReplaceAll(string(b), "\r", ""), "\n"), func(s string) bool { return s == "" }), nil
}

// stopTime is how long open connections may take to end when the server stops.
const stopTime = 2 * time.Second

// serve runs the server until the context is done, which is its wanted end.
func serve(ctx context.Context, sys *system.System, f *serveFlags) error {
	srv, err := f.start()
	if err != nil {
		return err
	}
	defer srv.Close()
	if err := f.announce(sys, srv); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if f.stdin {
		go func() {
			io.Copy(io.Discard, sys.In)
			cancel()
		}()
	}
	if sys.ErrTTY {
		go accessLog(ctx, sys, srv)
	}
	if f.play != "" {
		if err := f.playFile(ctx, srv); err != nil && ctx.Err() == nil {
			return err
		}
	}
	if f.demo {
		demo.PlayForEver(ctx, srv)
	}
	<-ctx.Done()
	end, cancelEnd := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancelEnd()
	if err := srv.Shutdown(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// start starts the server that the flags describe.
func (f *serveFlags) start() (*testserver.Server, error) {
	o, err := f.options()
	if err != nil {
		return nil, err
	}
	start := func() (*testserver.Server, error) { return testserver.Start(o) }
	if f.upstream != "" {
		start = func() (*testserver.Server, error) { return testserver.Proxy(f.upstream, o) }
	}
	srv, err := start()
	if err != nil {
		return nil, err
	}
	for _, id := range f.sessions {
		srv.Session(id)
	}
	for _, text := range f.faults {
		var flt fault.Fault
		if err := flt.UnmarshalJSON([]byte(text)); err != nil {
			srv.Close()
			return nil, err
		}
		srv.Inject(flt)
	}
	return srv, nil
}

func (f *serveFlags) playFile(ctx context.Context, srv *testserver.Server) error {
	file, err := os.Open(f.play)
	if err != nil {
		return err
	}
	defer file.Close()
	return srv.Play(ctx, "play", file, f.speed)
}

// announce says where everything is: to a person, or to a program.
func (f *serveFlags) announce(sys *system.System, srv *testserver.Server) error {
	if sys.ErrTTY {
		f.hints(sys, srv)
	}
	if sys.OutTTY && sys.ErrTTY {
		return nil
	}
	where := addresses{
		URL: srv.URL, Global: srv.GlobalURL(), Control: srv.ControlURL(),
		Sessions: srv.URL + "/v1/sessions/{id}/events", Streams: srv.URL + "/events?stream={name}",
	}
	if cert := srv.Certificate(); cert != nil {
		where.Certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
	line, err := json.Marshal(where)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(sys.Out, "%s\n", line)
	return err
}

// hints tell a person what to do with the server.
func (f *serveFlags) hints(sys *system.System, srv *testserver.Server) {
	say := sayer(sys)
	from := ""
	if srv.URL != target.DefaultServer {
		from = " -s " + srv.URL
	}
	say("serving; in another window: sse-tail" + from + " --all")
	if control := srv.ControlURL(); control != "" {
		say("events and faults on demand: " + control)
		say("in a browser: " + strings.TrimSuffix(control, "_ctl/"))
	}
	if host, _, err := net.SplitHostPort(f.opts.Addr); err == nil && host == "" {
		say("other machines reach it too")
	}
	if !f.demo && f.upstream == "" {
		say("no session is played; for some: sse-tail serve --demo")
	}
}

func sayer(sys *system.System) func(string) {
	_, paint := sys.Paints("auto")
	c := sys.Console(nil)
	return func(text string) { c.Say(paint.Text(console.Dim, prefix) + text) }
}

// accessInterval is how often the access log looks.
const accessInterval = 250 * time.Millisecond

// accessLog shows each request once it is over.
func accessLog(ctx context.Context, sys *system.System, srv *testserver.Server) {
	say := sayer(sys)
	shown := make(map[int64]bool)
	ticker := time.NewTicker(accessInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		requests := srv.Requests()
		for _, r := range requests {
			if !r.Open && !shown[r.Number] {
				shown[r.Number] = true
				say(r.String())
			}
		}
		for number := range shown { // what the journal has let go is not asked for again
			if len(requests) > 0 && number < requests[0].Number {
				delete(shown, number)
			}
		}
	}
}
