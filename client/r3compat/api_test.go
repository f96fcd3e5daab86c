package sse_test

import (
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	r3labs "github.com/r3labs/sse/v2"

	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
)

var (
	ours   = reflect.TypeFor[sse.Client]().PkgPath()
	theirs = reflect.TypeFor[r3labs.Client]().PkgPath()
)

// TestAPI compares the two packages as the compiler sees them: what r3labs
// exports is here, and is the same down to the names of parameters.
func TestAPI(t *testing.T) {
	load := loader(t)
	r3labs, compat := load(theirs), load(ours)
	compared := 0
	for _, name := range r3labs.Scope().Names() {
		want := r3labs.Scope().Lookup(name)
		if !want.Exported() {
			continue
		}
		got := compat.Scope().Lookup(name)
		if got == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		have := map[string]bool{}
		for _, line := range describe(got) {
			have[line] = true
		}
		for _, line := range describe(want) {
			if compared++; !have[line] {
				t.Errorf("%s is missing from\n%s", line, strings.Join(describe(got), "\n"))
			}
		}
	}
	if compared < 70 {
		t.Errorf("compared %d declarations, fields and methods; r3labs has 70", compared)
	}
}

// describe returns a line for an exported object and for each of its exported
// fields and methods.
func describe(obj types.Object) (lines []string) {
	// Both packages are called sse, so their types read the same.
	name := (*types.Package).Name
	typeName, ok := obj.(*types.TypeName)
	if !ok {
		return []string{types.ObjectString(obj, name)}
	}
	t := types.Unalias(typeName.Type())
	lines = append(lines, "type "+obj.Name())
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for f := range u.Fields() {
			if f.Exported() {
				lines = append(lines, fmt.Sprintf("field %s.%s %s", obj.Name(), f.Name(), types.TypeString(f.Type(), name)))
			}
		}
	default:
		lines = append(lines, "underlying "+types.TypeString(u, name))
	}
	for m := range types.NewMethodSet(types.NewPointer(t)).Methods() {
		if m.Obj().Exported() {
			lines = append(lines, fmt.Sprintf("method %s.%s %s", obj.Name(), m.Obj().Name(), types.TypeString(m.Type(), name)))
		}
	}
	return lines
}

// loader returns what loads a package from what the compiler has exported of it.
func loader(t *testing.T) func(path string) *types.Package {
	list := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", theirs, ours)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	im := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(files[path]) })
	return func(path string) *types.Package {
		p, err := im.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}
