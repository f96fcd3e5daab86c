package main

import (
	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/build"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/command"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

func newCertify(sys *system.System, p *cmdline.Problems) *cobra.Command {
	o := command.Options{Suite: build.Version(), Jobs: command.DefaultJobs()}
	cmd := &cobra.Command{
		Use:   "certify [flags] -- CMD ARG...",
		Short: "Find out where an SSE client, in any language, loses events, hangs or hammers",
		Long: `Run a client through some hundreds of scenarios and say of each whether it does
what a right client does. CMD is started once for each, with the stream's URL in
the place of {}, or appended. It prints each event as a JSON line
{"id":…,"type":…,"data":…} and ends at SIGTERM, or when its stdin closes.
docs/certify.md says the rest.

Classes: standard (the words of the HTML standard and of HTTP), robust (what a
client does that must not lose events), safe (what a server must not be able to
do to a client).

Exit codes: 0 all scenarios pass, 1 some do not, 2 usage.`,
		Example: `  sse-tail certify -- ./my-client
  sse-tail certify --class standard --report out -- node client.js {}
  sse-tail certify --only '^resume/' --json resume.json -- ./my-client --url {}`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Command = args
			if o.Check(p); p.Err() != nil {
				return p.Err()
			}
			passed, err := command.Run(cmd.Context(), sys, o)
			if err == nil && !passed {
				return &cmdline.Said{Code: exitOther}
			}
			return err
		},
	}
	fs := cmd.Flags()
	g := cmdline.Group{Name: "certify", Flags: fs, Problems: p}
	g.Text(&o.Only, "only", "", "only scenarios whose names match the regular expression `PATTERN`")
	g.Text(&o.Skip, "skip", "", "not those whose names match `PATTERN`")
	g.Text(&o.Classes, "class", "", "only those of `CLASS,…`: standard, robust, safe")
	g.Toggle(&o.List, "list", "", "list the scenarios, and run none")
	g.Count(&o.Jobs, "jobs", "", "run `N` scenarios at once; those of delays always run alone")
	g = cmdline.Group{Name: "report", Flags: fs, Problems: p}
	g.Text(&o.Page, "report", "", "write a page for a browser to `DIR`/index.html")
	g.Text(&o.JSON, "json", "", "write all that is known to `FILE`")
	g.Text(&o.JUnit, "junit", "", "write JUnit XML to `FILE`")
	cmdline.NamesAllFlags(cmd, p, sys.Args, func(args []string) {
		o.Command = args
		o.Check(p)
	})
	return cmd
}
