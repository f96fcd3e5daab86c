package main

import (
	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// addCompletion says what a shell may complete: files where a flag takes one, the
// words of a flag that has few, and nothing elsewhere.
func addCompletion(cmd *cobra.Command) {
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	kinds := []cobra.Completion{
		string(session.Status), string(session.Message), string(session.System), string(session.Approval), string(session.Ended),
		string(session.Stall), string(session.Dead), string(session.Hook), string(session.SubagentStart), string(session.SubagentStop),
		string(session.Verification), string(session.PermissionDenied),
	}
	words := map[string][]cobra.Completion{
		"color":   {"auto", "always", "never"},
		"status":  {"text", "json"},
		"output":  append([]cobra.Completion{"auto"}, render.Formats...),
		"event":   kinds,
		"request": {"GET", "POST"},
	}
	files := map[string]bool{}
	for _, name := range []string{"token-file", "cacert", "cert", "key", "unix-socket", "cursor", "data", "header"} {
		files[name] = true
	}
	for _, g := range cmdline.Groups(cmd.Flags()) {
		for _, f := range g.Flags {
			if files[f.Name] || f.NoOptDefVal != "" {
				continue
			}
			// The flag is there, and has none yet.
			cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words[f.Name], cobra.ShellCompDirectiveNoFileComp))
		}
	}
}
