// Package readme_test runs what the README shows.
package readme_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestReadmeRuns compiles each program of the README, and runs each test, as they
// stand: an overlay puts them into a folder of this module.
func TestReadmeRuns(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(package .*?)```").FindAllSubmatch(b, -1)
	if len(blocks) < 2 {
		t.Fatalf("the README has %d programs", len(blocks))
	}
	for _, block := range blocks {
		code := block[1]
		name, isTest := "main.go", bytes.Contains(code, []byte("func Test"))
		if isTest {
			name = "snippet_test.go"
		}
		file, overlay := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), "overlay.json")
		virtual := filepath.Join(root, "internal", "readme", "snippet", name)
		replace, err := json.Marshal(map[string]map[string]string{"Replace": {virtual: file}})
		if err != nil {
			t.Fatal(err)
		}
		for path, content := range map[string][]byte{file: code, overlay: replace} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		program := filepath.Join(t.TempDir(), "program")
		args := []string{"build", "-o", program, "-overlay=" + overlay, "./internal/readme/snippet"}
		if isTest {
			args = append([]string{"test", "-c", "-vet=off"}, args[1:]...)
		}
		run(t, root, code, "go", args...)
		if isTest {
			run(t, t.TempDir(), code, program, "-test.v")
		}
	}
}

func run(t *testing.T, dir string, code []byte, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s\n%s", args[0], err, out, code)
	}
}
