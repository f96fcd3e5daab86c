package cmdline

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A Section is a part of a manual page: plain text, whose indented lines stay as they
// are.
type Section struct{ Name, Text string }

// Man is the manual page of a command, in the language of man(7): its flags, its
// subcommands with theirs, and sections of one's own.
func Man(root *cobra.Command, sections ...Section) string {
	var b strings.Builder
	name := strings.ToUpper(root.Name())
	b.WriteString(".TH " + name + " 1\n.SH NAME\n" + roff(root.Name()) + " \\- " + roff(root.Short) + "\n")
	b.WriteString(".SH SYNOPSIS\n.nf\n" + roff(root.Use) + "\n")
	for _, c := range root.Commands() {
		if !c.Hidden {
			b.WriteString(roff(c.UseLine()) + "\n")
		}
	}
	b.WriteString(".fi\n.SH OPTIONS\n")
	manFlags(&b, root.Flags())
	b.WriteString(".SH COMMANDS\n")
	for _, c := range root.Commands() {
		if c.Hidden {
			continue
		}
		b.WriteString(".SS " + roff(c.UseLine()) + "\n")
		manText(&b, c.Long)
		manFlags(&b, c.Flags())
	}
	for _, s := range sections {
		b.WriteString(".SH " + roff(strings.ToUpper(s.Name)) + "\n")
		manText(&b, s.Text)
	}
	return b.String()
}

func manFlags(b *strings.Builder, fs *pflag.FlagSet) {
	for _, g := range Groups(fs) {
		for _, f := range g.Flags {
			b.WriteString(".TP\n\\fB" + roff(Names(f)) + "\\fR")
			if arg := argument(f); arg != "" {
				b.WriteString(" \\fI" + roff(arg) + "\\fR")
			}
			b.WriteString("\n" + roff(meaning(f)) + "\n")
		}
	}
}

// manText writes paragraphs; lines that are indented keep their shape.
func manText(b *strings.Builder, text string) {
	shaped := false
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if indented := strings.HasPrefix(line, "  "); indented != shaped {
			shaped = indented
			b.WriteString(map[bool]string{true: ".nf\n", false: ".fi\n"}[shaped])
		}
		if line == "" {
			b.WriteString(".PP\n")
			continue
		}
		b.WriteString(roff(line) + "\n")
	}
	if shaped {
		b.WriteString(".fi\n")
	}
}

// roff is text as it stands in a manual page: what the formatter would obey is
// escaped.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\&...`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
