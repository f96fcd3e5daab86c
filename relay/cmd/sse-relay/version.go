package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/build"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

func newVersion(sys *system.System, p *cmdline.Problems) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Long:  "Say which version this is, of which commit, and what it was built with.",
		Args:  cmdline.NoArgs(p),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(sys.Out, "sse-relay %s\n", build.Version())
			return err
		},
	}
	cmdline.NamesAllFlags(cmd, p, sys.Args, func([]string) {})
	return cmd
}
