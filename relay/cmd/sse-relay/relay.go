package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/build"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/daemon"
)

// newRelay is the command without a subcommand.
func newRelay(sys *system.System, p *cmdline.Problems) *cobra.Command {
	var f *flags
	cmd := &cobra.Command{
		Use:           "sse-relay --upstream URL [--all | SESSION-ID...] [NAME=URL...]",
		Short:         "Keep session streams in NATS JetStream, and serve them from any number of processes",
		Long:          long,
		Example:       examples,
		Version:       build.Version(),
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := f.daemonOf(sys, args)
			if err != nil {
				return err
			}
			return d.Run(cmd.Context())
		},
	}
	f = newFlags(cmd.Flags(), p, sys.Env)
	cmdline.NamesAllFlags(cmd, p, sys.Args, func(args []string) { f.daemonOf(sys, args) })
	return cmd
}

// daemonOf checks the whole command line before anything is dialled.
func (f *flags) daemonOf(sys *system.System, args []string) (*daemon.Daemon, error) {
	o := f.options(args)
	o.Log = f.logger(sys)
	d, err := daemon.New(o)
	f.problems.AddError(err)
	return d, f.problems.Err()
}

// logger is where what happens is said.
func (f *flags) logger(sys *system.System) *slog.Logger {
	var o slog.HandlerOptions
	level := new(slog.LevelVar)
	_ = level.UnmarshalText([]byte(f.logLevel)) // it is one of four
	o.Level = level
	if f.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(sys.Err, &o))
	}
	return slog.New(slog.NewTextHandler(sys.Err, &o))
}
