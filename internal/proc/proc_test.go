package proc_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/proc"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	program := filepath.Join(dir, "tool.exe") // what both kinds of systems can run
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := proc.Find(`tool.exe 'a b' c\ d ""`)
	if want := []string{program, "a b", "c d", ""}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	for _, bad := range []string{"", "nothing-there", "tool.exe 'open"} {
		if got, err := proc.Find(bad); err == nil {
			t.Errorf("%q: got %q", bad, got)
		}
	}
}

// TestEnv: the token is ours and not for others.
func TestEnv(t *testing.T) {
	t.Setenv("SSE_TAIL_TOKEN", "secret")
	t.Setenv("SSE_TAIL_SERVER", "http://h")
	env := proc.Env()
	if slices.Contains(env, "SSE_TAIL_TOKEN=secret") || !slices.Contains(env, "SSE_TAIL_SERVER=http://h") {
		t.Errorf("got %q", env)
	}
}
