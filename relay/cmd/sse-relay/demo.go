package main

import (
	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/demo"
)

func newDemo(sys *system.System, p *cmdline.Problems) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch it work: a hundred readers, two relays, and all that fails (20 s)",
		Long: `Start an upstream, three NATS servers and two relays in this process, follow
sessions with a hundred readers that hop between the relays, and break the
readers' connections, the upstream, a server and a relay. At the end it says what
was emitted, stored, received, lost and repeated, counted at both ends; if
anything was lost or repeated, the exit code is 1.`,
		Args: cmdline.NoArgs(p),
		RunE: func(cmd *cobra.Command, _ []string) error { return demo.Run(cmd.Context(), sys) },
	}
	cmdline.NamesAllFlags(cmd, p, sys.Args, func([]string) {})
	return cmd
}
