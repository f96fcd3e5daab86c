package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

const prefix = "sse-relay: "

// run executes the command line and returns the exit code.
func run(sys *system.System) int {
	ctx, stop := system.WithSignals(context.Background())
	defer stop()
	root := newRoot(sys)
	root.SetArgs(sys.Args)
	root.SetOut(sys.Out)
	root.SetErr(sys.Err)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	if code != exitOK {
		reportError(sys, err)
	}
	return code
}

func newRoot(sys *system.System) *cobra.Command {
	p := new(cmdline.Problems)
	root := newRelay(sys, p)
	root.AddCommand(newDemo(sys, p), newVersion(sys, p))
	addHelp(root)
	return root
}
