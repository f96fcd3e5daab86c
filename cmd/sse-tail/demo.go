package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/demo"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/tail"
)

func newDemo(sys *system.System, p *cmdline.Problems) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch it work: a session is played, cut, and followed to its end (15 s)",
		Long: `Start the test server in this process, play a session on it, break the
connection in seven ways, and follow the session through all of them. At the end
it says what was emitted, cut, replayed, lost and repeated, counted at both
ends; if anything was lost or repeated, the exit code is 1.`,
		Args: cmdline.NoArgs(p),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := demoOptions(sys)
			if err != nil {
				return err
			}
			return demo.Run(cmd.Context(), o)
		},
	}
	cmdline.NamesAllFlags(cmd, p, sys.Args, func([]string) {})
	return cmd
}

// demoOptions are what the demo's flags stand for. The environment says nothing
// here: it may hold a token.
func demoOptions(sys *system.System) (tail.Options, error) {
	own := *sys
	own.Args = demo.Args
	own.Env = func(name string) string {
		if strings.HasPrefix(name, "SSE_TAIL_") {
			return ""
		}
		return sys.Env(name)
	}
	fs := pflag.NewFlagSet("demo", pflag.ContinueOnError)
	p := new(cmdline.Problems)
	f := addFlags(fs, p, own.Env)
	if err := fs.Parse(demo.Args); err != nil {
		return tail.Options{}, err
	}
	return f.options(&own, nil), p.Err()
}
