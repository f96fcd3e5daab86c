package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	r3labsModule = "github.com/r3labs/sse/v2"
	compat       = "github.com/OneStepAt4time/resilient-sse/client/r3compat"
)

// internals are tests of what only r3labs' own client has.
var internals = []string{"TestTrimHeader"}

// r3labs' tests sleep and measure, so that a busy machine fails them: a test has
// failed if it has failed each time.
const tries = 4

// TestR3labsOwnTests runs the tests of r3labs' client on ours. They are taken from
// the module cache and adapted on the way; nothing of theirs is kept here.
func TestR3labsOwnTests(t *testing.T) {
	theirs := strings.TrimSpace(run(t, "go", "list", "-m", "-f", "{{.Dir}}", r3labsModule))
	client, names := adapted(t, filepath.Join(theirs, "client_test.go"), func(fn *ast.FuncDecl) bool {
		return !slices.Contains(internals, fn.Name.Name)
	})
	helpers, _ := adapted(t, filepath.Join(theirs, "server_test.go"), func(fn *ast.FuncDecl) bool {
		return fn.Name.Name == "wait" || fn.Name.Name == "waitEvent"
	})
	if len(names) < 13 {
		t.Errorf("found %d tests, want 13 at least: %v", len(names), names)
	}
	overlay := overlay(t, map[string][]byte{"client_test.go": client, "helpers_test.go": helpers})
	for try := 1; len(names) > 0; try++ {
		out, _ := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-timeout=2m", "-overlay="+overlay, "-json",
			"-run", "^("+strings.Join(names, "|")+")$", "./r3labs").CombinedOutput()
		if names = failed(names, out); len(names) > 0 && try == tries {
			t.Fatalf("%v failed %d times:\n%s", names, tries, out)
		}
	}
}

// adapted returns the source of a file of r3labs' tests with the functions to
// keep, on our package, and the names of the tests among them.
func adapted(t *testing.T, path string, keep func(*ast.FuncDecl) bool) (source []byte, tests []string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	file.Decls = slices.DeleteFunc(file.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && !keep(fn)
	})
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok {
				used[id.Name] = true
			}
		}
		return true
	})
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n\nimport . %q\n", file.Name.Name, compat)
	for _, imp := range file.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		if name := path[strings.LastIndexByte(path, '/')+1:]; used[strings.TrimSuffix(name, ".v1")] {
			fmt.Fprintf(&b, "import %q\n", path)
		}
	}
	for _, d := range file.Decls {
		if imports, ok := d.(*ast.GenDecl); ok && imports.Tok == token.IMPORT {
			continue
		}
		b.WriteByte('\n')
		if err := printer.Fprint(&b, fset, d); err != nil {
			t.Fatal(err)
		}
		b.WriteByte('\n')
		if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Test") {
			tests = append(tests, fn.Name.Name)
		}
	}
	return b.Bytes(), tests
}

// overlay writes the files for go's -overlay, as if they lay in package r3labs.
func overlay(t *testing.T, files map[string][]byte) string {
	t.Helper()
	into, err := filepath.Abs("r3labs")
	if err != nil {
		t.Fatal(err)
	}
	dir, replace := t.TempDir(), map[string]string{}
	for name, source := range files {
		replace[filepath.Join(into, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), source, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// failed returns those of the tests that did not pass.
func failed(names []string, out []byte) (left []string) {
	for _, name := range names {
		passed := regexp.MustCompile(`"Action":"pass",[^}]*"Test":"` + name + `"`)
		if !passed.Match(out) {
			left = append(left, name)
		}
	}
	return left
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
