package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/report"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	rows := []report.Row{
		{Name: "format/a", Class: scenario.Standard, Outcome: scenario.Pass},
		{Name: "http/b", Class: scenario.Robust, Outcome: scenario.Fail, Problem: "showed <b> | *c*"},
		{Name: "http/c", Class: scenario.Safe, Outcome: scenario.NotJudged, Problem: "no token"},
	}
	for name, rows := range map[string][]report.Row{"ours": rows[:1], "r3labs": rows} {
		b, err := json.Marshal(report.Report{Date: time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), Rows: rows})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".json"), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "list"), []byte("ours\tv1\tGo\nr3labs\tv2\tGo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	clients, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	write(&b, clients)
	for _, want := range []string{
		"on 2026-05-04",
		"| r3labs | v2 | Go | **1 of 1** | 0 of 1 | 0 of 1 (1 not judged) |",
		"**ours**: passes all.",
		"`Subscribe` returns nil",
		"| http/b | robust | <code>showed &lt;b&gt; &#124; &#42;c&#42;</code> |",
		"| http/c | safe | <code>not judged: no token</code> |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestNote(t *testing.T) {
	const text = "of all\n\n## a\n\nof a\n\n## b\n\nof b\n"
	for client, want := range map[string]string{"": "of all", "a": "of a", "b": "of b", "c": ""} {
		if got := note(text, client); got != want {
			t.Errorf("%q: got %q, want %q", client, got, want)
		}
	}
}
