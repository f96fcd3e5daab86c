package cmdline

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// HelpWidth is what the help fits in, so that it reads the same everywhere.
const HelpWidth = 80

// AppendWrapped appends words in lines behind a head, three blanks apart.
func AppendWrapped(b []byte, head string, words []string) []byte {
	line := head
	for _, word := range words {
		if termsafe.Width(line)+termsafe.Width(word) > HelpWidth {
			b = append(append(b, strings.TrimRight(line, " ")...), '\n')
			line = strings.Repeat(" ", len(head))
		}
		line += word + "   "
	}
	return append(append(b, strings.TrimRight(line, " ")...), '\n')
}

// FlagsHelp says what each flag does.
func FlagsHelp(fs *pflag.FlagSet) string {
	const column = 28
	var b []byte
	for _, g := range Groups(fs) {
		b = append(b, g.Name+"\n"...)
		for _, f := range g.Flags {
			head := "  " + fullUsage(f)
			if termsafe.Width(head) >= column {
				head += "\n"
			}
			head += strings.Repeat(" ", column-termsafe.Width(head[strings.LastIndexByte(head, '\n')+1:]))
			b = console.Paint(false).Layout(append(b, head...), []console.Span{{Text: meaning(f)}}, column, HelpWidth)
			b = append(b, '\n')
		}
	}
	return string(b)
}

// A FlagGroup is flags that stand together.
type FlagGroup struct {
	Name  string
	Flags []*pflag.Flag
}

// Groups returns the groups in the order in which they were declared.
func Groups(fs *pflag.FlagSet) []FlagGroup {
	var groups []FlagGroup
	at := map[string]int{}
	fs.VisitAll(func(f *pflag.Flag) {
		names := f.Annotations[groupAnnotation]
		if len(names) == 0 || f.Hidden { // cobra's own, and other programs'
			return
		}
		i, ok := at[names[0]]
		if !ok {
			i = len(groups)
			at[names[0]] = i
			groups = append(groups, FlagGroup{Name: names[0]})
		}
		groups[i].Flags = append(groups[i].Flags, f)
	})
	return groups
}

// Usage is a flag as the overview has it.
func Usage(f *pflag.Flag) string {
	return strings.TrimSpace(Names(f) + " " + argument(f))
}

// Short is a flag by its shorter name.
func Short(f *pflag.Flag) string {
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand
	}
	return strings.TrimSpace(name + " " + argument(f))
}

// fullUsage is a flag with its long name in a column.
func fullUsage(f *pflag.Flag) string {
	text := Usage(f)
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

// FlagTable is the table of flags for the README.
func FlagTable(fs *pflag.FlagSet) string {
	var b strings.Builder
	b.WriteString("| | flag | what it does |\n| --- | --- | --- |\n")
	for _, g := range Groups(fs) {
		name := g.Name
		for _, f := range g.Flags {
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", name, Usage(f), strings.ReplaceAll(meaning(f), "|", `\|`))
			name = ""
		}
	}
	return b.String()
}

// Names is how messages call a flag: "-s, --server".
func Names(f *pflag.Flag) string {
	if f.Shorthand == "" {
		return "--" + f.Name
	}
	return "-" + f.Shorthand + ", --" + f.Name
}
