// Table prints docs/certified.md from the results in a folder: who passes what.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/report"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// checked is what was found when the rows that do not pass were looked at by hand:
// what is true of all clients, and a section for each.
//
//go:embed checked.md
var checked string

// note is the section of a client in a text; "" is what comes before all sections.
func note(text, client string) string {
	for i, section := range strings.Split("\n"+text, "\n## ") {
		name, body, _ := strings.Cut(section, "\n")
		if name == client && (i > 0) == (client != "") {
			return strings.TrimSpace(body)
		}
	}
	return ""
}

// A client is one row.
type client struct {
	name, version, language string
	report                  *report.Report
}

func main() {
	clients, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	write(os.Stdout, clients)
}

// read reads the list and the reports that it names.
func read(dir string) ([]client, error) {
	list, err := os.ReadFile(filepath.Join(dir, "list"))
	if err != nil {
		return nil, err
	}
	var all []client
	for line := range strings.Lines(string(list)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 {
			return nil, fmt.Errorf("bad line in the list: %q", line)
		}
		c := client{name: f[0], version: f[1], language: f[2], report: new(report.Report)}
		b, err := os.ReadFile(filepath.Join(dir, c.name+".json"))
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, c.report); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func write(w io.Writer, clients []client) {
	newest := clients[0].report
	for _, c := range clients {
		if c.report.Date.After(newest.Date) {
			newest = c.report
		}
	}
	fmt.Fprintf(w, "# Who passes what\n\nWritten by `certify/all` on %s: %d scenarios for each client. [certify.md](certify.md) says what the\n"+
		"classes mean and how to certify another client; `sse-tail certify --list` names the scenarios. Adapters are in `certify/`, a few lines each;\n"+
		"they ask a client for what it has: a first delay of 0.2 s, growing delays with jitter, an idle limit, a large buffer.\n"+
		"*Not judged* is what a client can't express.\n\n", newest.Date.Format("2006-01-02"), len(newest.Rows))
	fmt.Fprintln(w, "| client | version | | standard | robust | safe |\n| --- | --- | --- | --- | --- | --- |")
	for _, c := range clients {
		fmt.Fprintf(w, "| %s | %s | %s |", c.name, c.version, c.language)
		for _, class := range scenario.Classes {
			fmt.Fprintf(w, " %s |", tally(c.report.Rows, func(r report.Row) bool { return r.Class == class }))
		}
		fmt.Fprintln(w)
	}
	groups := groupsOf(newest)
	fmt.Fprintf(w, "\nBy group:\n\n| client | %s |\n|%s\n", strings.Join(groups, " | "), strings.Repeat(" --- |", len(groups)+1))
	for _, c := range clients {
		fmt.Fprintf(w, "| %s |", c.name)
		for _, group := range groups {
			fmt.Fprintf(w, " %s |", tally(c.report.Rows, func(r report.Row) bool { return strings.HasPrefix(r.Name, group+"/") }))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\n## How the rows were checked\n\n%s\n\n## What each does not pass\n\n", note(checked, ""))
	for _, c := range clients {
		bad := slices.DeleteFunc(slices.Clone(c.report.Rows), func(r report.Row) bool { return r.Outcome == scenario.Pass })
		if len(bad) == 0 {
			fmt.Fprintf(w, "**%s**: passes all.\n\n", c.name)
			continue
		}
		fmt.Fprintf(w, "<details><summary><b>%s</b> %s: %d</summary>\n\n", c.name, c.version, len(bad))
		if text := note(checked, c.name); text != "" {
			fmt.Fprintf(w, "%s\n\n", text)
		}
		fmt.Fprint(w, "| scenario | class | what happens |\n| --- | --- | --- |\n")
		for _, r := range bad {
			problem := r.Problem
			if r.Outcome == scenario.NotJudged {
				problem = "not judged: " + problem
			}
			fmt.Fprintf(w, "| %s | %s | %s |\n", r.Name, r.Class, cell(problem))
		}
		fmt.Fprint(w, "\n</details>\n\n")
	}
}

func groupsOf(r *report.Report) []string {
	var groups []string
	for _, row := range r.Rows {
		if group, _, _ := strings.Cut(row.Name, "/"); !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	return groups
}

// tally counts the rows that match.
func tally(rows []report.Row, match func(report.Row) bool) string {
	var t report.Tally
	for _, r := range rows {
		switch {
		case !match(r):
		case r.Outcome == scenario.Pass:
			t.Pass++
		case r.Outcome == scenario.NotJudged:
			t.NotJudged++
		default:
			t.Fail++
		}
	}
	text := fmt.Sprintf("%d of %d", t.Pass, t.Of())
	switch {
	case t.Passed():
		text = "**" + text + "**"
	case t.NotJudged > 0:
		text += fmt.Sprintf(" (%d not judged)", t.NotJudged)
	}
	return text
}

// cell makes text one cell of a table, which must not be taken for anything else.
func cell(text string) string {
	text = scenario.Shorten(strings.Join(strings.Fields(text), " "), 160)
	text = strings.ToValidUTF8(text, "�")
	return "<code>" + strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "*", "&#42;", "_", "&#95;", "`", "&#96;", "[", "&#91;").Replace(text) + "</code>"
}
