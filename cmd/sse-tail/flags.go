package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/build"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/proc"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// flags are those of following.
type flags struct {
	fs       *pflag.FlagSet
	problems *cmdline.Problems

	env       func(string) string
	sys       *system.System // once the flags are read
	following bool           // all flags are there

	server      string
	serverNamed bool // by the environment or a profile
	all         bool
	name        string

	config, profile string

	user  string
	netrc bool

	tokenFile string
	tokenCmd  string
	sseToken  bool
	headers   []string

	method            string
	data              string
	agent             string
	compressed        bool
	include           bool
	proxy, noProxy    string
	caCert, cert, key string
	insecure          bool
	unixSocket        string
	ownTransport      bool // of doctor
	connectTimeout    time.Duration

	lastEventID string
	tail        int
	since       time.Duration
	cursor      string
	cont        bool

	events     []string
	filter, jq string
	heartbeats bool

	output     string
	join       bool
	record     string
	timestamps bool
	color      string

	count         int
	until, failOn string
	timeout       time.Duration
	once          bool
	follow        bool
	exitOnEnd     bool

	initial, max, giveUp, idle time.Duration
	jitter                     float64
	noReconnect, acceptGap     bool
	failOnGap                  string
	repeatWindow               int
	maxEvent                   int

	exec        string
	execTimeout time.Duration

	quiet, verbose bool
	status         string
}

func newFlags(fs *pflag.FlagSet, p *cmdline.Problems, env func(string) string) *flags {
	f := &flags{
		fs: fs, problems: p, env: env,
		server: target.DefaultServer, output: "auto", color: "auto", status: "text",
		connectTimeout: 15 * time.Second, failOnGap: "no", maxEvent: sse.DefaultMaxEventSize,
		initial: time.Second, max: 30 * time.Second, giveUp: 5 * time.Minute, jitter: 0.5,
	}
	if s := env("SSE_TAIL_SERVER"); s != "" {
		f.server, f.serverNamed = s, true
	}
	fs.SortFlags = false
	return f
}

func (f *flags) group(name string) cmdline.Group {
	return cmdline.Group{Name: name, Flags: f.fs, Problems: f.problems}
}

// addAccess declares what it takes to reach a stream.
func (f *flags) addAccess() {
	g := f.group("target")
	g.Text(&f.server, "server", "s", "server of session ids and --all, `URL` ($SSE_TAIL_SERVER)")
	g.Toggle(&f.all, "all", "", "the stream of all sessions")
	g.Text(&f.profile, "profile", "", "flags of the profile `NAME` in the configuration ($SSE_TAIL_PROFILE)")
	g.Text(&f.config, "config", "", "configuration in `FILE`, not in ~/.config/sse-tail/config.toml ($SSE_TAIL_CONFIG)")

	g = f.group("auth")
	g.Text(&f.tokenFile, "token-file", "", "token from `FILE`, read for each attempt (or $SSE_TAIL_TOKEN)")
	g.Text(&f.tokenCmd, "token-cmd", "", "token from the output of `CMD`, run for each attempt")
	g.Toggle(&f.sseToken, "sse-token", "", "exchange the token at /v1/auth/sse-token for each attempt")
	g.Text(&f.user, "user", "u", "`USER[:PASSWORD]` for Basic authentication; the password is asked for, or in $SSE_TAIL_PASSWORD")
	g.Toggle(&f.netrc, "netrc", "", "user and password from ~/.netrc ($NETRC), by host")
	g.List(&f.headers, "header", "H", "send the header `'K: V'`, or those in @FILE; may be repeated", access.HeaderLines)

	g = f.group("request")
	g.Text(&f.agent, "user-agent", "A", "User-Agent, `TEXT`")
	g.Toggle(&f.compressed, "compressed", "", "accept gzip")
	g.Text(&f.proxy, "proxy", "x", "proxy for all requests, `URL`; empty: none, whatever $HTTPS_PROXY and $ALL_PROXY say")
	g.Text(&f.noProxy, "noproxy", "", "`HOST,…` that go without a proxy; * for all")
	g.Text(&f.caCert, "cacert", "", "trust the authorities in `FILE` (PEM)")
	g.Text(&f.cert, "cert", "", "client certificate in `FILE` (PEM)")
	g.Text(&f.key, "key", "", "its private key in `FILE` (PEM)")
	g.Toggle(&f.insecure, "insecure", "k", "do not verify the server's certificate")
	g.Text(&f.unixSocket, "unix-socket", "", "connect through the socket `PATH`")
}

// addRequest declares what a request may have beside.
func (f *flags) addRequest() {
	g := f.group("request")
	g.Text(&f.method, "request", "X", "HTTP method, `METHOD`")
	g.Text(&f.data, "data", "d", "request body `DATA`, or what is in @FILE, or on standard input with @-; makes it a POST")
}

// addFlags declares the flags of following, by groups and in the order of the
// help.
func addFlags(fs *pflag.FlagSet, p *cmdline.Problems, env func(string) string) *flags {
	f := newFlags(fs, p, env)
	f.following = true
	cmdline.AcceptSpellings(fs)
	f.addAccess()
	f.addRequest()
	g := f.group("request")
	g.Seconds(&f.connectTimeout, "connect-timeout", "", "limit for dialling and TLS, `D`; 0: none")
	g.Toggle(&f.include, "include", "i", "say the response's headers, on standard error")

	g = f.group("position")
	g.Text(&f.lastEventID, "last-event-id", "", "start after event `ID`; 0: all that the server still has")
	g.Count(&f.tail, "tail", "", "of what the server still has, the newest `COUNT` and what comes then")
	g.Duration(&f.since, "since", "of what the server still has, what is not older than `D` and what comes then")
	g.Text(&f.cursor, "cursor", "", "keep the position in `FILE`, and go on from there")
	g.Toggle(&f.cont, "continue", "c", "the same in the state directory, for each target")
	g.Text(&f.name, "name", "", "`NAME` of the target in the cursor, for a URL that changes")
	g.Toggle(&f.acceptGap, "accept-gap", "", "go on behind the gap at which --fail-on-gap has stopped")

	g = f.group("filter")
	g.List(&f.events, "event", "e", "only events of `KIND,…`: SSE type or JSON \"event\"", splitKinds)
	g.Text(&f.filter, "filter", "", "only events for which the `JQ` expression is true")
	g.Text(&f.jq, "jq", "", "show what the `JQ` expression makes of the data")
	g.Toggle(&f.heartbeats, "heartbeats", "", "show connected and heartbeat frames too")

	g = f.group("output")
	g.Text(&f.output, "output", "o", "`FORMAT`: text, data, json, sse, template=… or auto: text on a terminal, else data")
	g.Toggle(&f.join, "join", "j", "running text: data without line feeds; of language models' events the text")
	g.Toggle(&f.timestamps, "timestamps", "t", "show when each event was received")
	g.Choice(&f.color, "color", "", "`WHEN`: auto, always or never", "auto", "always", "never")
	g.Text(&f.record, "record", "", "append each event with its time to `FILE`, for serve --play")

	g = f.group("stop")
	g.Count(&f.count, "count", "n", "stop after `COUNT` events")
	g.Text(&f.until, "until", "", "stop after an event for which `JQ` is true")
	g.Text(&f.failOn, "fail-on", "", "stop after an event for which `JQ` is true, with exit code 8")
	g.Seconds(&f.timeout, "timeout", "m", "stop after `D`, with exit code 124; 0: never")
	g.Toggle(&f.once, "once", "", "stop when the server ends the response; reconnect only where it breaks")
	g.Toggle(&f.follow, "follow", "", "go on when the session has ended")
	g.Toggle(&f.exitOnEnd, "exit-on-end", "", "stop at an ended event of a URL too")

	g = f.group("reconnect")
	g.Duration(&f.initial, "initial", "shortest wait before an attempt, `D`")
	g.Duration(&f.max, "max", "longest wait before an attempt, `D`")
	g.Duration(&f.giveUp, "give-up", "give up an outage after `D`; 0: never")
	g.Ratio(&f.jitter, "jitter", "random part of a wait, `R`; 0: none")
	g.Toggle(&f.noReconnect, "no-reconnect", "", "give up at the first failure")
	g.Duration(&f.idle, "idle-timeout", "reconnect after `D` without a byte; 0: never (90s, or 5m for a URL)")
	g.Choice(&f.failOnGap, "fail-on-gap", "", "stop with exit code 7 where events are missing; with =possible also where they may be", "no", "certain", "possible")
	fs.Lookup("fail-on-gap").NoOptDefVal = "certain"
	g.Number(&f.repeatWindow, "repeat-window", "drop exact repeats of the last `COUNT` events; 0: none (256 on sessions, else none)")
	g.Size(&f.maxEvent, "max-event", "largest event, `SIZE` such as 64k or 16M")

	g = f.group("action")
	g.Text(&f.exec, "exec", "", "run `'CMD ARG…'` for each event, its data on stdin; no shell")
	g.Duration(&f.execTimeout, "exec-timeout", "how long a command may take, `D`; 0: no limit")

	g = f.group("status")
	g.Toggle(&f.quiet, "quiet", "q", "say nothing but errors")
	g.Toggle(&f.verbose, "verbose", "v", "say more: requests, responses, expressions that fail; the JSON below text")
	g.Choice(&f.status, "status", "", "`FORM` of what is said: text or json", "text", "json")
	return f
}

// given tells whether a flag is on the command line.
func (f *flags) given(name string) bool { return f.fs.Changed(name) }

// policy returns the waits. A --max below the standard first wait lowers it, and
// an --initial above the standard longest one raises that: nobody should have to
// give both.
func (f *flags) policy() backoff.Policy {
	p := backoff.Policy{Initial: f.initial, Max: f.max, Jitter: f.jitter, GiveUp: f.giveUp}
	if p.Initial > p.Max {
		switch {
		case !f.given("initial"):
			p.Initial = p.Max
		case !f.given("max"):
			p.Max = p.Initial
		default:
			f.problems.Add("--initial: %v is longer than --max %v", p.Initial, p.Max)
			p.Max = p.Initial
		}
	}
	if f.given("initial") && f.initial == 0 {
		f.problems.Add("--initial: a wait of 0 would hammer the server")
	}
	if f.given("max") && f.max == 0 {
		f.problems.Add("--max: a wait of 0 would hammer the server")
	}
	if p.Jitter == 0 {
		p.Jitter = backoff.NoJitter
	}
	if p.GiveUp == 0 {
		p.GiveUp = backoff.Never
	}
	return p
}

// source returns what the flags say about each stream.
func (f *flags) source() client.Options {
	o := client.Options{
		Request:       client.Request{Method: f.method},
		Backoff:       f.policy(),
		LastEventID:   f.lastEventID,
		FollowEnded:   f.follow,
		ControlFrames: f.heartbeats,
		FailOnGap:     f.failOnGap != "no",
		Name:          f.name,

		FailOnUncertainGap: f.failOnGap == "possible",
		MaxEventSize:       f.maxEvent,
	}
	if f.lastEventID == "" && (f.tail > 0 || f.since > 0) {
		o.LastEventID = "0" // all that the server still has
	}
	if f.given("data") {
		o.Request.Body = f.readData()
		if o.Request.Method == "" {
			o.Request.Method = http.MethodPost
		}
	}
	if f.given("connect-timeout") {
		o.Timeouts.Connect = offIfZero(f.connectTimeout)
	}
	if f.given("repeat-window") {
		o.RepeatWindow = f.repeatWindow
		if f.repeatWindow == 0 {
			o.RepeatWindow = backoff.Off
		}
	}
	if f.given("idle-timeout") {
		o.Timeouts.Idle = offIfZero(f.idle)
	}
	return o
}

// access returns what the flags say about reaching streams. What is wrong with
// them goes to the problems.
func (f *flags) access(env func(string) string) *access.Access {
	o := access.Options{
		Headers: f.headers, TokenFile: f.tokenFile, SSEToken: f.sseToken, EnvToken: env("SSE_TAIL_TOKEN"),
		Netrc: f.netrc, Env: env, UserAgent: f.agent, Compressed: f.compressed, NoProxy: f.noProxy,
		CACert: f.caCert, Cert: f.cert, Key: f.key, Insecure: f.insecure, UnixSocket: f.unixSocket, OwnTransport: f.verbose || f.ownTransport,
	}
	if f.serverNamed || f.given("server") {
		o.Server = f.server
	}
	if o.UserAgent == "" {
		o.UserAgent = "sse-tail/" + build.Release()
	}
	if f.given("proxy") {
		o.Proxy = &f.proxy
	}
	o.User, o.Password = f.login(env)
	if f.tokenCmd != "" {
		var err error
		if o.TokenCmd, err = proc.Find(f.tokenCmd); err != nil {
			f.problems.Add("--token-cmd: %v", err)
		}
	}
	a, err := access.New(o)
	f.problems.AddError(err)
	return a
}

// offIfZero is how the command's "0: never" reads in client.Options.
func offIfZero(d time.Duration) time.Duration {
	if d == 0 {
		return backoff.Off
	}
	return d
}

// contradictions are flags that can't be given together.
var contradictions = [][2]string{
	{"quiet", "verbose"}, {"quiet", "status"}, {"follow", "exit-on-end"}, {"cursor", "continue"},
	{"token-file", "token-cmd"}, {"no-reconnect", "give-up"}, {"join", "timestamps"}, {"tail", "last-event-id"}, {"since", "last-event-id"},
	{"once", "follow"},
}

// check finds what single values can't tell.
func (f *flags) check() {
	for _, pair := range contradictions {
		if f.given(pair[0]) && f.given(pair[1]) {
			f.problems.Add("%s and %s contradict each other", f.names(pair[0]), f.names(pair[1]))
		}
	}
	if strings.ContainsAny(f.lastEventID, "\r\n\x00") {
		f.problems.Add("--last-event-id: %q has a control character", f.lastEventID)
	}
	if f.execTimeout > 0 && f.exec == "" {
		f.problems.Add("--exec-timeout: there is no --exec")
	}
}

// names is how messages call a flag.
func (f *flags) names(name string) string { return cmdline.Names(f.fs.Lookup(name)) }

// readData takes the request's body: the text itself, or @FILE, or @- for standard
// input.
func (f *flags) readData() []byte {
	path, ok := strings.CutPrefix(f.data, "@")
	if !ok {
		return []byte(f.data)
	}
	var b []byte
	var err error
	if path == "-" {
		b, err = io.ReadAll(f.sys.In)
	} else {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		f.problems.Add("-d, --data: %v", err)
	}
	return b
}

func contentType(body []byte) string {
	if json.Valid(body) {
		return "application/json"
	}
	return "application/x-www-form-urlencoded"
}

// login takes a user and a password: the flag's, the environment's, or what is typed
// where there is a terminal to ask at.
func (f *flags) login(env func(string) string) (user, password string) {
	user, password, ok := strings.Cut(f.user, ":")
	if user == "" {
		if f.given("user") {
			f.problems.Add("-u, --user: no user")
		}
		return "", ""
	}
	if ok {
		return user, password
	}
	if password = env("SSE_TAIL_PASSWORD"); password != "" {
		return user, password
	}
	if f.problems.Any() { // nobody is asked for what is of no use
		return user, ""
	}
	password, err := f.sys.AskPassword(prefix + "password for " + termsafe.Line(user) + ": ")
	switch {
	case errors.Is(err, system.ErrNoTerminal):
		f.problems.Add("-u, --user: no password for %s; set SSE_TAIL_PASSWORD, or use -u USER:PASSWORD or --netrc", user)
	case is[*system.SignalError](err):
		f.problems.Stop(err)
	case err != nil:
		f.problems.Add("-u, --user: %v", err)
	}
	return user, password
}

// splitKinds takes a comma list of kinds.
func splitKinds(s string) ([]string, error) {
	var kinds []string
	for kind := range strings.SplitSeq(s, ",") {
		if kind = strings.TrimSpace(kind); kind == "" {
			return nil, fmt.Errorf("%q has an empty kind", s)
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
}
