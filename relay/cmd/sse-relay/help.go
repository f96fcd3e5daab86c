package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
)

const long = `Follow the session streams of an upstream, keep their events in NATS JetStream, and
serve them as the upstream does. Readers get each event once and in order, also when
the upstream, a relay or a NATS server is restarted, and are told where events are
missing. Run one over a folder, or as many as you like over NATS servers.`

const examples = `  sse-relay --upstream http://127.0.0.1:9100 --all        over a folder of its own
  sse-tail -s http://127.0.0.1:9110 --all                 read from it
  sse-relay --upstream URL --all --nats a,b,c --replicas 3 --listen :9110
  sse-relay --upstream URL abc def                        these sessions alone
  sse-relay prices=https://example.com/prices             a plain stream
  sse-relay demo                                          watch it lose nothing`

const environment = `  SSE_RELAY_TOKEN          bearer token, for the server of --upstream alone
  SSE_RELAY_NATS_PASSWORD  of the user of --nats-user
  HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY
  NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE
  XDG_STATE_HOME           where the folder sse-relay is, without --store and --nats
`

const signals = `  SIGTERM, SIGINT  end: readers are ended behind an event, and resume elsewhere;
                   a second one ends at once
  SIGHUP           read --reader-tokens, --tls-cert and --tls-key again
`

const exitCodes = `  0    ended by a signal, as it should; a demo that went well
  1    it can't go on, or a demo has lost or repeated something
  2    the command line makes no sense
  3    the store is not there, or not as it should be
  130  interrupted twice
  143  terminated twice
`

// addHelp gives the command and its subcommands their help: what they are for,
// examples, and each flag.
func addHelp(root *cobra.Command) {
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetVersionTemplate("sse-relay {{.Version}}\n")
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		text := cmd.Long + "\n\nusage: " + strings.TrimSuffix(cmd.UseLine(), " [flags]") + "\n"
		if cmd == root {
			text += "       sse-relay " + strings.Join(commands(root), "|") + "\n"
		}
		if cmd.HasExample() {
			text += "\n" + cmd.Example + "\n"
		}
		if flags := cmdline.FlagsHelp(cmd.Flags()); flags != "" {
			text += "\n" + flags
		}
		if cmd == root {
			text += "\nenvironment\n" + environment + "\nsignals\n" + signals + "\nexit codes\n" + exitCodes
		}
		fmt.Fprint(cmd.OutOrStdout(), text)
	})
}

// commands are the names of the subcommands.
func commands(root *cobra.Command) (names []string) {
	for _, c := range root.Commands() {
		if !c.Hidden && c.Name() != "help" {
			names = append(names, c.Name())
		}
	}
	slices.Sort(names)
	return names
}
