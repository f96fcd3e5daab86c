package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

const examples = `  sse-tail https://example.com/events       any stream
  sse-tail -s http://127.0.0.1:9100 abc     session abc of a server
  sse-tail --all -o json | jq .event        all its sessions, as JSON
  sse-tail -c -n 10 abc                     the next ten, each time
  sse-tail abc --until '.event == "stall"'  until something happens
  sse-tail abc --exec './handle it'         a command for each event
`

const usage = `sse-tail [flags] URL|SESSION-ID...
sse-tail demo | serve | doctor URL | completion SHELL

What each flag does: sse-tail help flags. Exit codes: sse-tail help exit-codes.
`

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

// helpWidth is what the help fits in, so that it reads the same everywhere.
const helpWidth = 80

// addHelp gives the command its help: examples, then all flags by groups, on one
// screen; and the topics that say more.
func addHelp(root *cobra.Command) {
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
	for name, text := range map[string]string{"flags": flagsHelp(root.Flags()), "exit-codes": exitCodes} {
		root.AddCommand(&cobra.Command{Use: name, Long: text, Hidden: true, Annotations: map[string]string{topic: name}})
	}
}

// topic marks a command that is nothing but a page of help.
const topic = "topic"

func rootHelp(root *cobra.Command) string {
	b := []byte(root.Short + ".\n\n" + examples + "\n")
	for _, g := range groupsOf(root.Flags()) {
		var flags []string
		for _, f := range g.flags {
			flags = append(flags, shortUsage(f))
		}
		b = appendWrapped(b, fmt.Sprintf("%-10s ", g.name), flags)
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
	if flags := flagsHelp(cmd.Flags()); flags != "" {
		text += "\n" + flags
	}
	return text
}

// appendWrapped appends words in lines behind a head, three blanks apart.
func appendWrapped(b []byte, head string, words []string) []byte {
	line := head
	for _, word := range words {
		if termsafe.Width(line)+termsafe.Width(word) > helpWidth {
			b = append(append(b, strings.TrimRight(line, " ")...), '\n')
			line = strings.Repeat(" ", len(head))
		}
		line += word + "   "
	}
	return append(append(b, strings.TrimRight(line, " ")...), '\n')
}

// flagsHelp says what each flag does.
func flagsHelp(fs *pflag.FlagSet) string {
	const column = 28
	var b []byte
	for _, g := range groupsOf(fs) {
		b = append(b, g.name+"\n"...)
		for _, f := range g.flags {
			head := fmt.Sprintf("  %-*s", column-2, fullUsage(f))
			if termsafe.Width(head) > column {
				head += "\n" + strings.Repeat(" ", column)
			}
			b = console.Paint(false).Layout(append(b, head...), []console.Span{{Text: meaning(f)}}, column, helpWidth)
			b = append(b, '\n')
		}
	}
	return string(b)
}

// A flagGroup is flags that stand together.
type flagGroup struct {
	name  string
	flags []*pflag.Flag
}

// groupsOf returns the groups in the order in which they were declared.
func groupsOf(fs *pflag.FlagSet) []flagGroup {
	var groups []flagGroup
	at := map[string]int{}
	fs.VisitAll(func(f *pflag.Flag) {
		names := f.Annotations[groupAnnotation]
		if len(names) == 0 { // cobra's own
			return
		}
		i, ok := at[names[0]]
		if !ok {
			i = len(groups)
			at[names[0]] = i
			groups = append(groups, flagGroup{name: names[0]})
		}
		groups[i].flags = append(groups[i].flags, f)
	})
	return groups
}

// shortUsage is a flag as the overview has it.
func shortUsage(f *pflag.Flag) string {
	return strings.TrimSpace(flagNames(f) + " " + argument(f))
}

// fullUsage is a flag with its long name in a column.
func fullUsage(f *pflag.Flag) string {
	text := shortUsage(f)
	if f.Shorthand == "" {
		text = "    " + text
	}
	return text
}

// argument is what a flag takes; empty for nothing.
func argument(f *pflag.Flag) string {
	if f.NoOptDefVal != "" {
		return ""
	}
	return f.Value.Type()
}

// meaning is what a flag does, and its default.
func meaning(f *pflag.Flag) string {
	text := f.Usage
	if f.DefValue != "" && f.Name != "server" {
		text += " (default " + f.DefValue + ")"
	}
	return text
}

// flagTable is the table of flags for the README.
func flagTable(fs *pflag.FlagSet) string {
	var b strings.Builder
	b.WriteString("| | flag | what it does |\n| --- | --- | --- |\n")
	for _, g := range groupsOf(fs) {
		name := g.name
		for _, f := range g.flags {
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", name, shortUsage(f), strings.ReplaceAll(meaning(f), "|", `\|`))
			name = ""
		}
	}
	return b.String()
}
