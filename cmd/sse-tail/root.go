package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

const prefix = "sse-tail: "

// run executes the command line and returns the exit code.
func run(sys *system.System) int {
	ctx, stop := system.WithSignals(context.Background())
	defer stop()
	root, f := newRoot(sys)
	root.SetArgs(sys.Args)
	root.SetOut(sys.Out)
	root.SetErr(sys.Err)
	cmd, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	if code != exitOK && !is[*system.SignalError](err) && !is[*cmdline.Said](err) {
		reportError(sys, f, cmd, err, code)
	}
	return code
}

func newRoot(sys *system.System) (*cobra.Command, *flags) {
	p := new(cmdline.Problems)
	root, f := newFollow(sys, p)
	root.AddCommand(newDemo(sys, p), newServe(sys, p), newDoctor(sys, p), newSessions(sys, p), newCertify(sys, p), newVersion(sys, p), newCompletion(sys, p))
	addCompletion(root, sys, f)
	addHelp(root, p)
	return root, f
}

// reportError says why the command has ended, and what to do if that is known.
func reportError(sys *system.System, f *flags, cmd *cobra.Command, err error, code int) {
	_, paint := sys.Paints(f.color)
	c := sys.Console(nil)
	if f.status == "json" {
		c.Say(status.ErrorLine(err, code))
		return
	}
	if !is[*cmdline.UsageError](err) {
		status.Fail(c, paint, prefix, err)
		return
	}
	// As it is: expressions have a mark below the place that is wrong.
	c.Say(paint.Text(console.Dim, prefix) + paint.Text(console.Red, termsafe.Text(err.Error())))
	if cmd.Hidden { // the command help
		cmd = cmd.Root()
	}
	c.Say(paint.Text(console.Dim, prefix+"usage: "+cmd.UseLine()+"; more with: "+cmd.CommandPath()+" --help"))
}
