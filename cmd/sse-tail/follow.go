package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/action"
	"github.com/OneStepAt4time/resilient-sse/internal/build"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/filter"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/resume"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/tail"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
)

// newFollow is the command without a subcommand.
func newFollow(sys *system.System, p *cmdline.Problems) (*cobra.Command, *flags) {
	var f *flags
	cmd := &cobra.Command{
		Use:           "sse-tail [flags] URL|SESSION-ID...",
		Short:         "Follow streams of server-sent events that must not be lost",
		Version:       build.Version(),
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.noCommand(cmd, args)
			w, err := f.follower(sys, args)
			if err != nil {
				return err
			}
			return w.Run(cmd.Context())
		},
	}
	f = addFlags(cmd.Flags(), p, sys.Env)
	cmdline.NamesAllFlags(cmd, p, sys.Args, func(args []string) {
		f.noCommand(cmd, args)
		f.follower(sys, args)
	})
	return cmd, f
}

// noCommand takes an argument that is almost a subcommand for one: as a session's id
// it would be waited for, for minutes. Behind -- it is an id.
func (f *flags) noCommand(cmd *cobra.Command, args []string) {
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		args = args[:dash]
	}
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	for _, arg := range args {
		name := otherNames[arg]
		if name == "" {
			name = cmdline.Near(arg, names)
		}
		if name != "" {
			f.problems.Add("%q: did you mean the command, sse-tail %s? for the session of that name: sse-tail -- %s", arg, name, arg)
		}
	}
}

// otherNames are what other programs call our subcommands.
var otherNames = map[string]string{"ls": "sessions", "list": "sessions", "ps": "sessions", "server": "serve", "check": "doctor", "man": "help"}

// follower checks the whole command line before anything is dialled.
func (f *flags) follower(sys *system.System, args []string) (*tail.Follower, error) {
	f.configure(sys)
	o := f.options(sys, f.targets(args))
	w, err := tail.New(o)
	f.problems.AddError(err)
	return w, f.problems.Err()
}

// options are what the flags say. What is wrong with them goes to the problems.
func (f *flags) options(sys *system.System, targets []target.Target) tail.Options {
	f.sys = sys
	f.check()
	o := tail.Options{
		System: sys, Prefix: prefix, Targets: targets,
		Source: f.source(), Access: f.access(sys.Env),
		Render: render.Options{Format: f.output, Timestamps: f.timestamps, Join: f.join}, Color: f.color,
		Record: f.record, Tail: f.tail, Since: f.since, AcceptGap: f.acceptGap,
		Count: f.count, Timeout: f.timeout, Once: f.once, ExitOnEnd: f.exitOnEnd, NoReconnect: f.noReconnect, Insecure: f.insecure,
		DoneMark: f.once || f.join || f.given("data"), // where a server of language models may be
		Level:    f.level(), Verbose: f.verbose, Include: f.include, Args: cmdline.Args(f.fs, sys.Args),
	}
	if f.join && o.Render.Format == "auto" {
		o.Render.Format = "data"
	}
	var err error
	o.Filter, err = filter.New(filter.Options{
		Kinds: f.events, Heartbeats: f.heartbeats, Filter: f.filter, JQ: f.jq, Spoken: f.join && f.jq == "", Until: f.until, FailOn: f.failOn,
	})
	f.problems.AddError(err)
	if f.exec != "" {
		if o.Command, err = action.New(f.exec, f.execTimeout); err != nil {
			f.problems.Add("--exec: %v", err)
		}
	}
	o.Print = f.exec == "" || f.given("output")
	switch {
	case f.cursor != "":
		o.Cursor = resume.InFile(f.cursor)
	case f.cont:
		o.Cursor = resume.InState(sys.Env)
	}
	o.Source.Request.Header = f.requestHeader(o.Access, o.Source.Request.Body)
	return o
}

// requestHeader is what is sent with each request, and says of what kind a body
// is.
func (f *flags) requestHeader(a *access.Access, body []byte) http.Header {
	h := a.Header()
	if f.given("data") && h.Get("Content-Type") == "" {
		h.Set("Content-Type", contentType(body))
	}
	return h
}

// targets reads the arguments. What is wrong goes to the problems.
func (f *flags) targets(args []string) []target.Target {
	var list []target.Target
	named := false
	for _, arg := range args {
		t, err := target.Parse(arg, f.server, f.env)
		if err != nil {
			f.problems.AddError(err)
			continue
		}
		named = named || t.OnServer()
		list = append(list, t)
	}
	if f.all {
		named = true
		list = append(list, target.All(f.server))
	}
	if len(args) == 0 && !f.all && !f.problems.Any() { // else a bad flag may have been meant for it
		f.problems.Add("nothing to follow: give a URL, a session id, or --all (or try: sse-tail demo)")
	}
	list = target.Distinct(list)
	switch {
	case f.name == "":
	case len(list) > 1:
		f.problems.Add("--name: it names one target, and there are %d; NAME=URL gives each a label", len(list))
	case len(list) == 1 && list[0].Pattern != "":
		f.problems.Add("--name: it names one target, and %q may be several sessions", list[0].Pattern)
	}
	if !named {
		return list
	}
	if err := target.CheckServer(f.server); err != nil {
		if strings.Trim(f.server, "NSLfkiv") == "" { // of curl
			err = errors.New("here -s is --server; to be silent: -q")
		}
		f.problems.Add("-s, --server: %v", err)
		return nil
	}
	return list
}

func (f *flags) level() status.Level {
	switch {
	case f.quiet:
		return status.Quiet
	case f.status == "json":
		return status.JSON
	}
	return status.Normal
}
