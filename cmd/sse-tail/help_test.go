package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

var update = flag.Bool("update", false, "write the README's table of flags")

func TestReadmeFlags(t *testing.T) {
	const path, begin, end = "../../README.md", "<!-- flags -->\n", "<!-- /flags -->"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := bytes.Cut(b, []byte(begin))
	got, tail, ok2 := bytes.Cut(rest, []byte(end))
	if !ok1 || !ok2 {
		t.Fatalf("%s has no %q and %q", path, begin, end)
	}
	root, _ := newRoot(&system.System{Env: func(string) string { return "" }})
	want := "\n" + cmdline.FlagTable(root.Flags()) + "\n" // or the table is no table to Markdown
	if *update {
		if err := os.WriteFile(path, bytes.Join([][]byte{head, []byte(begin), []byte(want), []byte(end), tail}, nil), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is behind the flags; go test ./cmd/sse-tail -run ReadmeFlags -update (-want +got):\n%s", path, diff)
	}
}

// TestManual keeps the manual page behind the flags.
func TestManual(t *testing.T) {
	const path = "../../docs/sse-tail.1"
	root, _ := newRoot(&system.System{Env: func(string) string { return "" }})
	want := manual(root)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is behind the flags; go test ./cmd/sse-tail -run Manual -update (-want +got):\n%s", path, diff)
	}
}

func TestHelpFitsAScreen(t *testing.T) {
	for _, test := range []struct {
		args  string
		lines int
	}{
		{"--help", 24}, {"help flags", 120}, {"help exit-codes", 24}, {"doctor --help", 50}, {"serve --help", 65}, {"demo --help", 24},
	} {
		code, out, said := runCommand(nil, strings.Fields(test.args)...)
		if code != 0 || said != "" {
			t.Errorf("%s: exit code %d: %s", test.args, code, said)
		}
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if len(lines) > test.lines {
			t.Errorf("%s: %d lines, want %d at most", test.args, len(lines), test.lines)
		}
		for _, line := range lines {
			if w := termsafe.Width(line); w > 80 {
				t.Errorf("%s: %d Columns: %s", test.args, w, line)
			}
		}
	}
	_, short, _ := runCommand(nil, "--help")
	_, all, _ := runCommand(nil, "help", "flags")
	root, _ := newRoot(&system.System{Env: func(string) string { return "" }})
	for _, g := range cmdline.Groups(root.Flags()) {
		for _, f := range g.Flags {
			if !strings.Contains(all, "--"+f.Name) {
				t.Errorf("help flags does not name --%s", f.Name)
			}
		}
	}
	for _, name := range overview {
		f := root.Flags().Lookup(name)
		if f == nil || !strings.Contains(short, cmdline.Short(f)) {
			t.Errorf("--help does not name --%s", name)
		}
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, said := runCommand(nil, "completion", shell); code != 0 || !strings.Contains(out, "sse-tail") {
			t.Errorf("%s: exit code %d, %d bytes, %s", shell, code, len(out), said)
		}
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--color", ""}, "auto\nalways\nnever\n:4\n"},
		{[]string{"-e", ""}, "status\nmessage\nsystem\napproval\nended\nstall\ndead\nhook\nsubagent_start\nsubagent_stop\nverification\npermission_denied\n:4\n"},
		{[]string{"-n", ""}, ":4\n"},
		{[]string{"--give-u"}, "--give-up\tgive up an outage after D; 0: never\n:4\n"},
		{[]string{"--cursor", ""}, ":0\n"},
		{[]string{"-s", "http://127.0.0.1:1", "x"}, ":4\n"},
	} {
		_, out, _ := runCommand(nil, append([]string{"__complete"}, test.args...)...)
		if out != test.want {
			t.Errorf("%q: got %q, want %q", test.args, out, test.want)
		}
	}
}

func TestVersion(t *testing.T) {
	code, out, _ := runCommand(nil, "--version")
	if code != 0 || !strings.HasPrefix(out, "sse-tail ") || !strings.Contains(out, " go1.") {
		t.Errorf("got %d, %q", code, out)
	}
}

// TestHelpColumns: what a flag does stands apart from its name, however long that is.
func TestHelpColumns(t *testing.T) {
	root, _ := newRoot(&system.System{Env: func(string) string { return "" }})
	for _, cmd := range append(root.Commands(), root) {
		for line := range strings.Lines(cmdline.FlagsHelp(cmd.Flags())) {
			runes := []rune(strings.TrimSuffix(line, "\n"))
			if strings.HasPrefix(strings.TrimSpace(line), "-") && len(runes) > 28 && runes[27] != ' ' && len(strings.Fields(line)) > 2 {
				t.Errorf("%s: %q", cmd.Name(), line)
			}
		}
	}
}
