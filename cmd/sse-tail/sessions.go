package main

import (
	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/sessions"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
)

func newSessions(sys *system.System, p *cmdline.Problems) *cobra.Command {
	var f *flags
	format := "text"
	check := func(args []string) {
		f.configure(sys)
		if len(args) > 1 {
			p.Add("sessions takes one pattern of ids, and %q is another", args[1])
		}
		if err := target.CheckServer(f.server); err != nil {
			p.Add("-s, --server: %v", err)
		}
	}
	cmd := &cobra.Command{
		Use:   "sessions [flags] [PATTERN]",
		Short: "List a server's sessions",
		Long: `List the sessions of a server, the newest first: id, what it does, since when, its
name and folder. On a pipe the columns are separated by tabs, without a head.`,
		Example: `  sse-tail sessions -s http://127.0.0.1:9100
  sse-tail sessions 'demo-*' -o json
  sse-tail sessions | cut -f1 | head -n 3 | xargs sse-tail  follow the newest three`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			check(args)
			a := f.access(sys.Env)
			if err := p.Err(); err != nil {
				return err
			}
			o := sessions.Options{System: sys, JSON: format == "json", Color: f.color}
			if len(args) > 0 {
				o.Pattern = args[0]
			}
			return sessions.Run(cmd.Context(), a, f.server, o)
		},
	}
	f = newFlags(cmd.Flags(), p, sys.Env)
	f.addAccess()
	g := f.group("sessions")
	g.Choice(&format, "output", "o", "`FORM` of the list: text or json, an object a line", "text", "json")
	g.Choice(&f.color, "color", "", "`WHEN`: auto, always or never", "auto", "always", "never")
	cmd.Flags().Lookup("all").Hidden = true // it means nothing here, and does no harm
	cmdline.NamesAllFlags(cmd, p, sys.Args, check)
	return cmd
}
