package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/OneStepAt4time/resilient-sse/"

// never are the arrows that must not be: package, and what it must not come to, whatever
// lies between. "" is anything of this module.
var never = map[string][]string{
	"sse":              {""},
	"backoff":          {""},
	"session":          {"client", "server", "testserver", "internal/hub", "backoff"},
	"internal/hub":     {"testserver", "testserver/fault", "internal/control", "client", "backoff", "server"},
	"server":           {"testserver", "testserver/fault", "internal/control", "client", "backoff"},
	"testserver/fault": {"testserver", "internal/control", "server", "client", "backoff"},
	"internal/control": {"testserver", "server", "client", "backoff"},
	"testserver":       {"client", "backoff"},
	"client":           {"server", "testserver", "internal/hub"},
	"client/r3compat":  {"server", "testserver", "internal/hub"},
}

// TestArrows holds the direction in which packages may know each other.
func TestArrows(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Deps", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := make(map[string][]string)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Deps       []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, dep := range p.Deps {
			if name, ours := strings.CutPrefix(dep, module); ours {
				from := strings.TrimPrefix(p.ImportPath, module)
				deps[from] = append(deps[from], name)
			}
		}
	}
	if !slices.Contains(deps["server"], "internal/hub") {
		t.Fatalf("server does not come to internal/hub: the list is wrong: %v", deps["server"])
	}
	for from, forbidden := range never {
		for _, to := range deps[from] {
			if slices.Contains(forbidden, to) || slices.Contains(forbidden, "") {
				t.Errorf("%s must not come to %s", from, to)
			}
		}
	}
}

// No public type is another name of an internal one: nobody could read its
// documentation.
func TestNoAliases(t *testing.T) {
	for _, dir := range []string{".", "../testserver", "../testserver/fault", "../client", "../session", "../sse"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok && spec.Assign.IsValid() && spec.Name.IsExported() {
					t.Errorf("%s: %s is an alias", name, spec.Name)
				}
				return true
			})
		}
	}
}
