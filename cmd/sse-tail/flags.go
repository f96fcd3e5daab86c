package main

import (
	"net/http"
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

	server string
	all    bool

	headers []string

	lastEventID string

	events     []string
	heartbeats bool

	output     string
	timestamps bool
	color      string

	count     int
	follow    bool
	exitOnEnd bool

	initial, max, giveUp, idle time.Duration
	jitter                     float64

	quiet, verbose bool
}

// addFlags declares the flags, by groups and in the order of the help.
func addFlags(fs *pflag.FlagSet, p *problems, env func(string) string) *flags {
	f := &flags{
		fs: fs, problems: p,
		server: defaultServer, output: "auto", color: "auto",
		initial: time.Second, max: 30 * time.Second, giveUp: 5 * time.Minute, jitter: 0.5,
	}
	if s := env("SSE_TAIL_SERVER"); s != "" {
		f.server = s
	}
	in := func(name string) group { return group{name: name, fs: fs, problems: p} }

	g := in("target")
	g.text(&f.server, "server", "s", "the server of session ids and --all, `URL` ($SSE_TAIL_SERVER)")
	g.toggle(&f.all, "all", "", "follow the stream of all sessions")

	g = in("auth")
	g.list(&f.headers, "header", "H", "send a header, `'K: V'` or @FILE; may be repeated", headerLines)

	g = in("position")
	g.text(&f.lastEventID, "last-event-id", "", "start after event `ID`; 0: all that the server still has")

	g = in("filter")
	g.list(&f.events, "event", "e", "only events of these kinds, `KIND,…` (SSE type or JSON \"event\")", splitKinds)
	g.toggle(&f.heartbeats, "heartbeats", "", "show connected and heartbeat frames too")

	g = in("output")
	g.choice(&f.output, "output", "o", "`FORMAT`: auto, text, data, json, sse or template=…", parseText)
	g.toggle(&f.timestamps, "timestamps", "", "show when each event was received")
	g.choice(&f.color, "color", "", "`WHEN`: auto, always or never", oneOf("auto", "always", "never"))

	g = in("stop")
	g.count(&f.count, "count", "n", "stop after `COUNT` events")
	g.toggle(&f.follow, "follow", "", "go on when the session has ended")
	g.toggle(&f.exitOnEnd, "exit-on-end", "", "stop at an ended event of a URL too")

	g = in("reconnect")
	g.duration(&f.initial, "initial", "shortest wait before an attempt, `D`")
	g.duration(&f.max, "max", "longest wait before an attempt, `D`")
	g.duration(&f.giveUp, "give-up", "give up an outage after `D`; 0: never")
	g.ratio(&f.jitter, "jitter", "random part of a wait, `R`; 0: none")
	g.duration(&f.idle, "idle-timeout", "reconnect after `D` without a byte; 0: never (sessions 90s, else 5m)")

	g = in("status")
	g.toggle(&f.quiet, "quiet", "q", "say nothing but errors")
	g.toggle(&f.verbose, "verbose", "v", "say more: requests, responses, what was skipped")
	fs.SortFlags = false
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
		Header:        f.header(),
		LastEventID:   f.lastEventID,
		FollowEnded:   f.follow,
		ControlFrames: f.heartbeats,
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

func (f *flags) header() http.Header {
	h := http.Header{}
	for _, line := range f.headers {
		name, v, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimSpace(v))
	}
	return h
}

// check finds what single values can't tell.
func (f *flags) check() {
	if f.quiet && f.verbose {
		f.problems.add("-q and -v contradict each other")
	}
	if f.follow && f.exitOnEnd {
		f.problems.add("--follow and --exit-on-end contradict each other")
	}
	if strings.ContainsAny(f.lastEventID, "\r\n\x00") {
		f.problems.add("--last-event-id: %q has a control character", f.lastEventID)
	}
}
