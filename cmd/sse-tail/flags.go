package main

import (
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

// defaultServer is where an Aegis server listens, and where sse-tail serve does.
const defaultServer = "http://127.0.0.1:9100"

// flags are those of following.
type flags struct {
	fs       *pflag.FlagSet
	problems *problems

	server      string
	serverNamed bool // by the environment
	all         bool

	tokenFile string
	tokenCmd  string
	tokenArgv []string // of tokenCmd
	sseToken  bool
	headers   []string

	method            string
	body              []byte
	caCert, cert, key string
	insecure          bool
	unixSocket        string
	connectTimeout    time.Duration

	lastEventID string
	cursor      string
	cont        bool

	events     []string
	filter, jq string
	heartbeats bool

	output     string
	timestamps bool
	color      string

	count         int
	until, failOn string
	timeout       time.Duration
	follow        bool
	exitOnEnd     bool

	initial, max, giveUp, idle time.Duration
	jitter                     float64
	noReconnect, failOnGap     bool

	exec        string
	execTimeout time.Duration

	quiet, verbose bool
	status         string
}

func newFlags(fs *pflag.FlagSet, p *problems, env func(string) string) *flags {
	f := &flags{
		fs: fs, problems: p,
		server: defaultServer, output: "auto", color: "auto", status: "text",
		connectTimeout: 15 * time.Second,
		initial:        time.Second, max: 30 * time.Second, giveUp: 5 * time.Minute, jitter: 0.5,
	}
	if s := env("SSE_TAIL_SERVER"); s != "" {
		f.server, f.serverNamed = s, true
	}
	fs.SortFlags = false
	return f
}

func (f *flags) group(name string) group { return group{name: name, fs: f.fs, problems: f.problems} }

// addAccess declares what it takes to reach a stream.
func (f *flags) addAccess() {
	g := f.group("target")
	g.text(&f.server, "server", "s", "server of session ids and --all, `URL` ($SSE_TAIL_SERVER)")
	g.toggle(&f.all, "all", "", "the stream of all sessions")

	g = f.group("auth")
	g.text(&f.tokenFile, "token-file", "", "token from `FILE`, read for each attempt (or $SSE_TAIL_TOKEN)")
	g.text(&f.tokenCmd, "token-cmd", "", "token from the output of `CMD`, run for each attempt")
	g.toggle(&f.sseToken, "sse-token", "", "exchange the token at /v1/auth/sse-token for each attempt")
	g.list(&f.headers, "header", "H", "send the header `'K: V'`, or those in @FILE; may be repeated", headerLines)

	g = f.group("request")
	g.text(&f.caCert, "cacert", "", "trust the authorities in `FILE` (PEM)")
	g.text(&f.cert, "cert", "", "client certificate in `FILE` (PEM)")
	g.text(&f.key, "key", "", "its private key in `FILE` (PEM)")
	g.toggle(&f.insecure, "insecure", "", "do not verify the server's certificate")
	g.text(&f.unixSocket, "unix-socket", "", "connect through the socket `PATH`")
}

// addFlags declares the flags of following, by groups and in the order of the
// help.
func addFlags(fs *pflag.FlagSet, p *problems, env func(string) string) *flags {
	f := newFlags(fs, p, env)
	f.addAccess()
	g := f.group("request")
	g.text(&f.method, "request", "X", "HTTP method, `METHOD`")
	g.bytes(&f.body, "data", "d", "request body `DATA`, or what is in @FILE; makes it a POST", readData)
	g.duration(&f.connectTimeout, "connect-timeout", "limit for dialling and TLS, `D`; 0: none")

	g = f.group("position")
	g.text(&f.lastEventID, "last-event-id", "", "start after event `ID`; 0: all that the server still has")
	g.text(&f.cursor, "cursor", "", "keep the position in `FILE`, and go on from there")
	g.toggle(&f.cont, "continue", "c", "the same in the state directory, for each target")

	g = f.group("filter")
	g.list(&f.events, "event", "e", "only events of `KIND,…`: SSE type or JSON \"event\"", splitKinds)
	g.text(&f.filter, "filter", "", "only events for which the `JQ` expression is true")
	g.text(&f.jq, "jq", "", "show what the `JQ` expression makes of the data")
	g.toggle(&f.heartbeats, "heartbeats", "", "show connected and heartbeat frames too")

	g = f.group("output")
	g.text(&f.output, "output", "o", "`FORMAT`: text, data, json, sse, template=… or auto: text on a terminal, else data")
	g.toggle(&f.timestamps, "timestamps", "", "show when each event was received")
	g.choice(&f.color, "color", "", "`WHEN`: auto, always or never", "auto", "always", "never")

	g = f.group("stop")
	g.count(&f.count, "count", "n", "stop after `COUNT` events")
	g.text(&f.until, "until", "", "stop after an event for which `JQ` is true")
	g.text(&f.failOn, "fail-on", "", "stop after an event for which `JQ` is true, with exit code 8")
	g.duration(&f.timeout, "timeout", "stop after `D`, with exit code 124; 0: never")
	g.toggle(&f.follow, "follow", "", "go on when the session has ended")
	g.toggle(&f.exitOnEnd, "exit-on-end", "", "stop at an ended event of a URL too")

	g = f.group("reconnect")
	g.duration(&f.initial, "initial", "shortest wait before an attempt, `D`")
	g.duration(&f.max, "max", "longest wait before an attempt, `D`")
	g.duration(&f.giveUp, "give-up", "give up an outage after `D`; 0: never")
	g.ratio(&f.jitter, "jitter", "random part of a wait, `R`; 0: none")
	g.toggle(&f.noReconnect, "no-reconnect", "", "give up at the first failure")
	g.duration(&f.idle, "idle-timeout", "reconnect after `D` without a byte; 0: never (90s, or 5m for a URL)")
	g.toggle(&f.failOnGap, "fail-on-gap", "", "stop where events are missing, with exit code 7")

	g = f.group("action")
	g.text(&f.exec, "exec", "", "run `'CMD ARG…'` for each event, its data on stdin; no shell")
	g.duration(&f.execTimeout, "exec-timeout", "how long a command may take, `D`; 0: no limit")

	g = f.group("status")
	g.toggle(&f.quiet, "quiet", "q", "say nothing but errors")
	g.toggle(&f.verbose, "verbose", "v", "say more: requests, responses, expressions that fail")
	g.choice(&f.status, "status", "", "`FORM` of what is said: text or json", "text", "json")
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
			f.problems.add("--initial: %v is longer than --max %v", p.Initial, p.Max)
			p.Max = p.Initial
		}
	}
	if f.given("initial") && f.initial == 0 {
		f.problems.add("--initial: a wait of 0 would hammer the server")
	}
	if f.given("max") && f.max == 0 {
		f.problems.add("--max: a wait of 0 would hammer the server")
	}
	if p.Jitter == 0 {
		p.Jitter = backoff.NoJitter
	}
	if p.GiveUp == 0 {
		p.GiveUp = backoff.Never
	}
	return p
}

// options returns what the flags say about a stream.
func (f *flags) options() client.Options {
	o := client.Options{
		Backoff:       f.policy(),
		LastEventID:   f.lastEventID,
		FollowEnded:   f.follow,
		ControlFrames: f.heartbeats,
		FailOnGap:     f.failOnGap,
	}
	f.request(&o)
	if f.noReconnect {
		o.Retryable = func(error, bool) bool { return false }
	}
	if f.given("idle-timeout") {
		o.IdleTimeout = offIfZero(f.idle)
	}
	return o
}

// offIfZero is how the command's "0: never" reads in client.Options.
func offIfZero(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// contradictions are flags that can't be given together.
var contradictions = [][2]string{
	{"quiet", "verbose"}, {"quiet", "status"}, {"follow", "exit-on-end"}, {"cursor", "continue"},
	{"token-file", "token-cmd"}, {"no-reconnect", "give-up"},
}

// check finds what single values can't tell.
func (f *flags) check() {
	for _, pair := range contradictions {
		if f.given(pair[0]) && f.given(pair[1]) {
			f.problems.add("%s and %s contradict each other", f.names(pair[0]), f.names(pair[1]))
		}
	}
	if strings.ContainsAny(f.lastEventID, "\r\n\x00") {
		f.problems.add("--last-event-id: %q has a control character", f.lastEventID)
	}
	if f.execTimeout > 0 && f.exec == "" {
		f.problems.add("--exec-timeout: there is no --exec")
	}
	f.checkTokens()
}

// checkTokens finds tokens that can't be had before anything is dialled.
func (f *flags) checkTokens() {
	if f.tokenFile != "" {
		if _, err := readToken(f.tokenFile); err != nil {
			f.problems.add("--token-file: %v", err)
		}
	}
	if f.tokenCmd != "" {
		f.tokenArgv = f.commandLine("--token-cmd", f.tokenCmd)
	}
}

// names is how messages call a flag.
func (f *flags) names(name string) string { return flagNames(f.fs.Lookup(name)) }

func flagNames(flag *pflag.Flag) string {
	if flag.Shorthand == "" {
		return "--" + flag.Name
	}
	return "-" + flag.Shorthand + ", --" + flag.Name
}
