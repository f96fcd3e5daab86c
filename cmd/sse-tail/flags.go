package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/proc"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
)

// flags are those of following.
type flags struct {
	fs       *pflag.FlagSet
	problems *cmdline.Problems

	server      string
	serverNamed bool // by the environment
	all         bool

	tokenFile string
	tokenCmd  string
	sseToken  bool
	headers   []string

	method            string
	body              []byte
	caCert, cert, key string
	insecure          bool
	unixSocket        string
	ownTransport      bool // of doctor
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

func newFlags(fs *pflag.FlagSet, p *cmdline.Problems, env func(string) string) *flags {
	f := &flags{
		fs: fs, problems: p,
		server: target.DefaultServer, output: "auto", color: "auto", status: "text",
		connectTimeout: 15 * time.Second,
		initial:        time.Second, max: 30 * time.Second, giveUp: 5 * time.Minute, jitter: 0.5,
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

	g = f.group("auth")
	g.Text(&f.tokenFile, "token-file", "", "token from `FILE`, read for each attempt (or $SSE_TAIL_TOKEN)")
	g.Text(&f.tokenCmd, "token-cmd", "", "token from the output of `CMD`, run for each attempt")
	g.Toggle(&f.sseToken, "sse-token", "", "exchange the token at /v1/auth/sse-token for each attempt")
	g.List(&f.headers, "header", "H", "send the header `'K: V'`, or those in @FILE; may be repeated", access.HeaderLines)

	g = f.group("request")
	g.Text(&f.caCert, "cacert", "", "trust the authorities in `FILE` (PEM)")
	g.Text(&f.cert, "cert", "", "client certificate in `FILE` (PEM)")
	g.Text(&f.key, "key", "", "its private key in `FILE` (PEM)")
	g.Toggle(&f.insecure, "insecure", "", "do not verify the server's certificate")
	g.Text(&f.unixSocket, "unix-socket", "", "connect through the socket `PATH`")
}

// addRequest declares the flags of what is asked for.
func (f *flags) addRequest() {
	g := f.group("request")
	g.Text(&f.method, "request", "X", "HTTP method, `METHOD`")
	g.Bytes(&f.body, "data", "d", "request body `DATA`, or what is in @FILE; makes it a POST", readData)
}

// addFlags declares the flags of following, by groups and in the order of the
// help.
func addFlags(fs *pflag.FlagSet, p *cmdline.Problems, env func(string) string) *flags {
	f := newFlags(fs, p, env)
	f.addAccess()
	f.addRequest()
	g := f.group("request")
	g.Duration(&f.connectTimeout, "connect-timeout", "limit for dialling and TLS, `D`; 0: none")

	g = f.group("position")
	g.Text(&f.lastEventID, "last-event-id", "", "start after event `ID`; 0: all that the server still has")
	g.Text(&f.cursor, "cursor", "", "keep the position in `FILE`, and go on from there")
	g.Toggle(&f.cont, "continue", "c", "the same in the state directory, for each target")

	g = f.group("filter")
	g.List(&f.events, "event", "e", "only events of `KIND,…`: SSE type or JSON \"event\"", splitKinds)
	g.Text(&f.filter, "filter", "", "only events for which the `JQ` expression is true")
	g.Text(&f.jq, "jq", "", "show what the `JQ` expression makes of the data")
	g.Toggle(&f.heartbeats, "heartbeats", "", "show connected and heartbeat frames too")

	g = f.group("output")
	g.Text(&f.output, "output", "o", "`FORMAT`: text, data, json, sse, template=… or auto: text on a terminal, else data")
	g.Toggle(&f.timestamps, "timestamps", "", "show when each event was received")
	g.Choice(&f.color, "color", "", "`WHEN`: auto, always or never", "auto", "always", "never")

	g = f.group("stop")
	g.Count(&f.count, "count", "n", "stop after `COUNT` events")
	g.Text(&f.until, "until", "", "stop after an event for which `JQ` is true")
	g.Text(&f.failOn, "fail-on", "", "stop after an event for which `JQ` is true, with exit code 8")
	g.Duration(&f.timeout, "timeout", "stop after `D`, with exit code 124; 0: never")
	g.Toggle(&f.follow, "follow", "", "go on when the session has ended")
	g.Toggle(&f.exitOnEnd, "exit-on-end", "", "stop at an ended event of a URL too")

	g = f.group("reconnect")
	g.Duration(&f.initial, "initial", "shortest wait before an attempt, `D`")
	g.Duration(&f.max, "max", "longest wait before an attempt, `D`")
	g.Duration(&f.giveUp, "give-up", "give up an outage after `D`; 0: never")
	g.Ratio(&f.jitter, "jitter", "random part of a wait, `R`; 0: none")
	g.Toggle(&f.noReconnect, "no-reconnect", "", "give up at the first failure")
	g.Duration(&f.idle, "idle-timeout", "reconnect after `D` without a byte; 0: never (90s, or 5m for a URL)")
	g.Toggle(&f.failOnGap, "fail-on-gap", "", "stop where events are missing, with exit code 7")

	g = f.group("action")
	g.Text(&f.exec, "exec", "", "run `'CMD ARG…'` for each event, its data on stdin; no shell")
	g.Duration(&f.execTimeout, "exec-timeout", "how long a command may take, `D`; 0: no limit")

	g = f.group("status")
	g.Toggle(&f.quiet, "quiet", "q", "say nothing but errors")
	g.Toggle(&f.verbose, "verbose", "v", "say more: requests, responses, expressions that fail")
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
		FailOnGap:     f.failOnGap,
	}
	if f.given("data") {
		o.Request.Body = f.body
		if o.Request.Method == "" {
			o.Request.Method = http.MethodPost
		}
	}
	if f.given("connect-timeout") {
		o.Timeouts.Connect = offIfZero(f.connectTimeout)
	}
	if f.noReconnect {
		o.Retryable = func(error, bool) bool { return false }
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
		CACert: f.caCert, Cert: f.cert, Key: f.key, Insecure: f.insecure, UnixSocket: f.unixSocket, OwnTransport: f.verbose || f.ownTransport,
	}
	if f.serverNamed || f.given("server") {
		o.Server = f.server
	}
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

// readData takes a request's body: the text itself, or @FILE.
func readData(s string) ([]byte, error) {
	path, ok := strings.CutPrefix(s, "@")
	if !ok {
		return []byte(s), nil
	}
	return os.ReadFile(path)
}

func contentType(body []byte) string {
	if json.Valid(body) {
		return "application/json"
	}
	return "application/x-www-form-urlencoded"
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
