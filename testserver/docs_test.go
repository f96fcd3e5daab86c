package testserver_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

var update = flag.Bool("update", false, "write the documentation's generated parts anew")

const controlDocs = "../docs/control.md"

// needCurl skips where there is none; .ci/run wants one.
func needCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not here")
	}
}

// shell runs a script against a server and returns what it prints.
func shell(t *testing.T, srv *ts.Server, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", args...)
	cmd.Env = append(os.Environ(), "SSE="+srv.URL, "CTL="+srv.ControlURL(), "no_proxy=*")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s%s", args, err, out, &stderr)
	}
	return string(out)
}

// TestControlDocs runs the examples of the control API's page, on one server.
func TestControlDocs(t *testing.T) {
	needCurl(t)
	page, err := os.ReadFile(controlDocs)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```sh\n(.*?)```\n\n```json\n(.*?)```").FindAllSubmatch(page, -1)
	if len(examples) < 10 {
		t.Fatalf("only %d examples found", len(examples))
	}
	srv := ts.New(t)
	for _, ex := range examples {
		script, want := string(ex[1]), lines(string(ex[2]))
		got := lines(shell(t, srv, "-euc", script))
		if len(got) != len(want) {
			t.Errorf("%s answered\n%s", script, strings.Join(got, "\n"))
			continue
		}
		for i := range want {
			if !alike(t, want[i], got[i]) {
				t.Errorf("%s answered\n%s\nwant\n%s", script, got[i], want[i])
			}
		}
	}
}

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }

// alike compares two JSON texts, where "…" in the wanted one is anything.
func alike(t *testing.T, want, got string) bool {
	t.Helper()
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		return false
	}
	return matches(w, g)
}

func matches(want, got any) bool {
	switch w := want.(type) {
	case string:
		return w == "…" && got != nil || got == want
	case map[string]any:
		g, _ := got.(map[string]any)
		if len(g) != len(w) {
			return false
		}
		for key := range w {
			if !matches(w[key], g[key]) {
				return false
			}
		}
		return true
	case []any:
		g, _ := got.([]any)
		if len(g) != len(w) {
			return false
		}
		for i := range w {
			if !matches(w[i], g[i]) {
				return false
			}
		}
		return true
	}
	return cmp.Equal(want, got)
}

// TestScripts runs the page's whole integration tests, with curl and a shell alone.
func TestScripts(t *testing.T) {
	needCurl(t)
	scripts, err := filepath.Glob("../docs/*-test.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%v, %v", scripts, err)
	}
	for _, script := range scripts {
		srv := ts.New(t)
		if got := shell(t, srv, script); !strings.HasPrefix(got, "ok: ") {
			t.Errorf("%s printed %q", script, got)
		}
	}
}

// TestKindsInDocs keeps the page's table of kinds equal to the code's.
func TestKindsInDocs(t *testing.T) {
	page, err := os.ReadFile(controlDocs)
	if err != nil {
		t.Fatal(err)
	}
	parts := regexp.MustCompile(`(?s)^(.*<!-- kinds: .*?-->\n)(.*)(<!-- end of kinds -->.*)$`).FindSubmatch(page)
	if parts == nil {
		t.Fatal("the page has no place for the kinds")
	}
	want := kindsTable(t)
	if *update {
		if err := os.WriteFile(controlDocs, bytes.Join([][]byte{parts[1], []byte(want), parts[3]}, nil), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(parts[2])); diff != "" {
		t.Errorf("the page's table is old; run with -update (-want +got):\n%s", diff)
	}
}

// kindsTable writes the table as Markdown, each kind with its example in JSON and
// in Go.
func kindsTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| kind | what happens | example, and the same in Go |\n| --- | --- | --- |\n")
	goForms := exampleSources(t)
	for i, k := range fault.Kinds() {
		example, err := json.Marshal(k.Example)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s`<br>`%s` |\n", k.Kind, k.Doc, example, goForms[i])
	}
	return b.String()
}

// exampleSources returns the examples of the code's table as they stand there.
func exampleSources(t *testing.T) (sources []string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "fault/table.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if kv, ok := n.(*ast.KeyValueExpr); ok && fmt.Sprint(kv.Key) == "example" {
			var b strings.Builder
			printer.Fprint(&b, fset, kv.Value)
			sources = append(sources, b.String())
		}
		return true
	})
	return sources
}
