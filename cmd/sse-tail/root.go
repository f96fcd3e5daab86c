package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

const prefix = "sse-tail: "

// run executes the command line and returns the exit code.
func run(sys *system) int {
	ctx, stop := withSignals(context.Background())
	defer stop()
	root, f := newRoot(sys)
	root.SetArgs(sys.args)
	root.SetOut(sys.out)
	root.SetErr(sys.err)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	if code != exitOK && !is[*signalError](err) && !is[*saidError](err) {
		reportError(sys, f, err, code)
	}
	return code
}

// withSignals ends the context at the first interrupt or termination; a second
// one ends the process, in case the first is not enough.
//
// SIGPIPE is taken and dropped, so that a closed pipe is an error of a write and
// ends with 0. It is not ignored: commands of --exec would inherit that.
func withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	sigs := make(chan os.Signal, 2)
	signal.Notify(sigs, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		end := func(err *signalError) { cancel(err) }
		for {
			select {
			case sig := <-sigs:
				end(&signalError{sig})
				end = func(err *signalError) { os.Exit(err.code()) }
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(sigs)
		signal.Stop(pipes)
		close(done)
		cancel(nil)
	}
}

func newRoot(sys *system) (*cobra.Command, *flags) {
	p := new(problems)
	var f *flags
	root := &cobra.Command{
		Use:           "sse-tail [flags] URL|SESSION-ID...",
		Short:         "Follow streams of server-sent events that must not be lost",
		Version:       version(),
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := newFollower(sys, f, args)
			if err != nil {
				return err
			}
			return w.run(cmd.Context())
		},
	}
	f = addFlags(root.Flags(), p, sys.env)
	namesAllFlags(sys, root, p, func(args []string) { newFollower(sys, f, args) })
	root.AddCommand(newDemo(sys, p), newServe(sys, p), newDoctor(sys, p))
	addCompletion(root)
	addHelp(root)
	return root, f
}

// reportError says why the command has ended, and what to do if that is known.
func reportError(sys *system, f *flags, err error, code int) {
	_, paint := sys.paints(f.color)
	c := console.New(console.Options{Err: sys.err, ErrTTY: sys.errTTY, Columns: sys.columns})
	if f.status == "json" {
		c.Say(status.ErrorLine(err, code))
		return
	}
	bad, ok := errors.AsType[*usageError](err)
	if !ok {
		status.Fail(c, paint, prefix, err)
		return
	}
	// As it is: expressions have a mark below the place that is wrong.
	c.Say(paint.Text(console.Dim, prefix) + paint.Text(console.Red, termsafe.Text(bad.Error())))
	c.Say(paint.Text(console.Dim, prefix+"usage: sse-tail [flags] URL|SESSION-ID..., and more with --help"))
}

// namesAllFlags makes a command name all that is wrong with its flags, where pflag
// stops at the first: the bad one is left out, and the rest parsed again. Check
// adds what is wrong besides.
func namesAllFlags(sys *system, cmd *cobra.Command, p *problems, check func(args []string)) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		args := sys.args
		if cmd.HasParent() {
			args = without(args, func(arg string) bool { return arg == cmd.Name() })
		}
		for range len(sys.args) {
			if err == nil {
				break
			}
			rest := without(args, badFlag(cmd.Flags(), p, err))
			if len(rest) == len(args) {
				break
			}
			args = rest
			err = cmd.Flags().Parse(args)
		}
		check(cmd.Flags().Args())
		return p.err()
	})
}

// without returns the arguments but for the first that matches.
func without(args []string, match func(string) bool) []string {
	for i, arg := range args {
		if match(arg) {
			return append(append([]string(nil), args[:i]...), args[i+1:]...)
		}
	}
	return args
}

// isFlag matches an argument that is the flag, or the flag with a value.
func isFlag(name string) func(string) bool {
	return func(arg string) bool {
		return arg == name || strings.HasPrefix(arg, name+"=")
	}
}
