package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/sessions"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// addCompletion says what a shell may complete: files where a flag takes one, the
// words of a flag that has few, and nothing elsewhere.
func addCompletion(cmd *cobra.Command, sys *system.System, f *flags) {
	cmd.CompletionOptions.DisableDefaultCmd = true // there is one of our own
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return f.completeSessions(cmd.Context(), sys, begun), cobra.ShellCompDirectiveNoFileComp
	}
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

		"fail-on-gap": {"certain", "possible"},
	}
	files := map[string]bool{}
	for _, name := range []string{"token-file", "cacert", "cert", "key", "unix-socket", "cursor", "data", "header", "record", "config"} {
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

// completeTime is how long a shell waits for a server's list of sessions.
const completeTime = time.Second

// completeSessions asks the server for ids, quietly: where there is none, there is
// nothing to complete.
func (f *flags) completeSessions(ctx context.Context, sys *system.System, begun string) []cobra.Completion {
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	f.configure(sys)
	silent := *sys
	silent.In = nil // nobody is asked for a password
	f.sys = &silent
	a := f.access(sys.Env)
	if f.problems.Any() || strings.Contains(begun, "/") {
		return nil
	}
	return sessions.IDs(ctx, a, f.server, begun)
}

func newCompletion(sys *system.System, p *cmdline.Problems) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print what makes a shell complete flags, their words and session ids",
		Long: `Print what makes a shell complete flags, their words, and ids of the server's
sessions: bash, zsh, fish or powershell. For bash nothing else has to be there.`,
		Example: `  source <(sse-tail completion bash)    in ~/.bashrc
  source <(sse-tail completion zsh)     in ~/.zshrc, behind compinit
  sse-tail completion fish | source     in ~/.config/fish/config.fish`,
		ValidArgs: shells,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				p.Add("completion takes the name of a shell: %s", strings.Join(shells, ", "))
			}
			return p.Err()
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				if _, err := io.WriteString(sys.Out, bashFallback); err != nil {
					return err
				}
				return root.GenBashCompletionV2(sys.Out, true)
			case "zsh":
				return root.GenZshCompletion(sys.Out)
			case "fish":
				return root.GenFishCompletion(sys.Out, true)
			}
			return root.GenPowerShellCompletionWithDesc(sys.Out)
		},
	}
	cmdline.NamesAllFlags(cmd, p, sys.Args, func([]string) {})
	return cmd
}

// bashFallback is what the script for bash takes from the package bash-completion,
// as far as it needs it, for machines without that package: the words of the line,
// put together again where bash has split them at a colon or an equals sign.
const bashFallback = `if ! declare -F _get_comp_words_by_ref >/dev/null 2>&1; then
_get_comp_words_by_ref() {
    local i=0 j=-1 w
    words=() cword=0
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        w=${COMP_WORDS[i]}
        if ((i > 0 && j > 0)) && [[ ( $w == [:=]* || ${words[j]} == *[:=] ) ]] &&
            [[ ${COMP_LINE:0:COMP_POINT} == *"${words[j]}$w"* ]]; then
            words[j]+=$w
        else
            ((++j))
            words[j]=$w
        fi
        ((i == COMP_CWORD)) && cword=$j
    done
    cur=${words[cword]} prev=${words[cword > 0 ? cword - 1 : 0]}
}
fi
if ! declare -F __ltrim_colon_completions >/dev/null 2>&1; then
__ltrim_colon_completions() {
    [[ $1 == *:* && $COMP_WORDBREAKS == *:* ]] || return 0
    local i prefix=${1%"${1##*:}"}
    for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do COMPREPLY[i]=${COMPREPLY[i]#"$prefix"}; done
}
fi
`
