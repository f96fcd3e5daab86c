package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
)

const examples = `  sse-tail https://example.com/events       any stream
  sse-tail -s http://127.0.0.1:9100 abc     session abc of a server
  sse-tail --all -o json | jq .data.event   all its sessions, as JSON
  sse-tail -c -n 10 abc                     the next ten, each time
  sse-tail abc --until '.event == "stall"'  until something happens
  sse-tail abc --exec './handle it'         a command for each event
  sse-tail -j -d @ask.json URL              what a language model says, as text
`

const usage = `sse-tail [flags] URL|SESSION-ID...
sse-tail demo|serve|doctor URL|sessions|certify -- CMD|completion SHELL|version
More with sse-tail help: flags, exit-codes, man, or a command.
`

// overview are the flags that most people need, as --help has them; help flags has
// all.
var overview = []string{
	"server", "all", "profile", "token-file", "user", "netrc", "header", "request", "data", "proxy", "insecure", "include",
	"last-event-id", "tail", "since", "cursor", "continue", "event", "filter", "jq", "output", "join", "timestamps", "record",
	"count", "until", "timeout", "once", "follow", "give-up", "no-reconnect", "fail-on-gap", "exec", "quiet", "verbose", "status",
}

const exitCodes = `  0    the end that was wanted: -n, --until, session ended, 204, closed pipe
  1    another error
  2    the command line makes no sense
  3    gave up: --give-up, --no-reconnect
  4    the server answered 401 or 403
  5    it refused in another way that waiting does not mend
  6    what came is no event stream, or an event over the limit
  7    events are missing, with --fail-on-gap
  8    --fail-on
  9    --exec failed
  124  --timeout
  130  interrupted
  143  terminated
`

// addHelp gives the command its help: examples, then all flags by groups, on one
// screen; and the topics that say more.
func addHelp(root *cobra.Command, p *cmdline.Problems) {
	addHelpCommand(root, p)
	root.SetVersionTemplate("sse-tail {{.Version}}\n")
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		text := cmd.Long
		switch {
		case cmd == root:
			text = rootHelp(cmd)
		case cmd.Annotations[topic] == "":
			text = commandHelp(cmd)
		}
		fmt.Fprint(cmd.OutOrStdout(), text)
	})
	for name, text := range map[string]string{"flags": cmdline.FlagsHelp(root.Flags()), "exit-codes": exitCodes, "man": manual(root)} {
		root.AddCommand(&cobra.Command{Use: name, Long: text, Hidden: true, Annotations: map[string]string{topic: name}})
	}
}

// addHelpCommand gives the command its "help", which names what it does not know.
func addHelpCommand(root *cobra.Command, p *cmdline.Problems) {
	root.SetHelpCommand(&cobra.Command{
		Use:    "help [COMMAND|TOPIC]",
		Short:  "Help about a command or a topic",
		Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err == nil && len(rest) == 0 {
				return cmd.Help()
			}
			var names []string
			for _, c := range root.Commands() {
				names = append(names, c.Name())
			}
			text := fmt.Sprintf("%q is neither a command nor a topic", args[0])
			if near := cmdline.Near(args[0], names); near != "" {
				text += "; did you mean: sse-tail help " + near
			}
			p.Add("%s", text)
			return p.Err()
		},
	})
}

// manual is the manual page, for man -l and packagers: docs/sse-tail.1.
func manual(root *cobra.Command) string {
	return cmdline.Man(root,
		cmdline.Section{Name: "targets", Text: targets},
		cmdline.Section{Name: "environment", Text: environment},
		cmdline.Section{Name: "exit status", Text: exitCodes},
		cmdline.Section{Name: "examples", Text: examples},
	)
}

const targets = `  URL            any stream; that of a session's stream is the session
  ID             a session of the server that -s names
  PATTERN        its sessions whose ids match, such as 'demo-*'
  @FILE          a URL that stands in a file
  env:NAME       a URL that stands in the environment
  LABEL=URL      a stream and its label; also LABEL=@FILE and LABEL=env:NAME
  -              a stream that was saved, or a file of --record, on standard input
`

const environment = `  SSE_TAIL_SERVER    as -s
  SSE_TAIL_TOKEN     bearer token, for that server alone where one is named
  SSE_TAIL_PASSWORD  of the user of -u
  SSE_TAIL_PROFILE   as --profile
  SSE_TAIL_CONFIG    as --config
  HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, NETRC
  NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE
  XDG_STATE_HOME     where -c keeps positions
`

// topic marks a command that is nothing but a page of help.
const topic = "topic"

func rootHelp(root *cobra.Command) string {
	b := []byte(root.Short + ".\n\n" + examples + "\n")
	for _, g := range cmdline.Groups(root.Flags()) {
		var flags []string
		for _, f := range g.Flags {
			if slices.Contains(overview, f.Name) {
				flags = append(flags, cmdline.Short(f))
			}
		}
		b = cmdline.AppendWrapped(b, fmt.Sprintf("%-10s ", g.Name), flags)
	}
	return string(b) + "\n" + usage
}

// commandHelp is the help of a command below: what it is for, examples, and each
// flag.
func commandHelp(cmd *cobra.Command) string {
	if cmd.Parent() != cmd.Root() || cmd.HasSubCommands() { // cobra's own
		return cmd.Long + "\n\n" + cmd.UsageString()
	}
	text := cmd.Long + "\n\nusage: " + cmd.UseLine() + "\n"
	if cmd.HasExample() {
		text += "\n" + cmd.Example + "\n"
	}
	if flags := cmdline.FlagsHelp(cmd.Flags()); flags != "" {
		text += "\n" + flags
	}
	return text
}
