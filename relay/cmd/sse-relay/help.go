package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
)

// addHelp gives the command and its subcommands their help: what they are for,
// examples, and each flag.
func addHelp(root *cobra.Command) {
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetVersionTemplate("sse-relay {{.Version}}\n")
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		text := cmd.Long + "\n\nusage: " + cmd.UseLine() + "\n"
		if cmd.HasExample() {
			text += "\n" + cmd.Example + "\n"
		}
		if flags := cmdline.FlagsHelp(cmd.Flags()); flags != "" {
			text += "\n" + flags
		}
		fmt.Fprint(cmd.OutOrStdout(), text)
	})
}
