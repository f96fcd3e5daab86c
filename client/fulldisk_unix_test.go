//go:build unix

package client_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
	"golang.org/x/sys/unix"
)

// A save that fails on its way leaves the old file, and no litter beside it.
func TestFileCursorSurvivesAFailedSave(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cursor")
	c := openCursor(t, path)
	if err := c.Save(t.Context(), "x", client.Position{LastEventID: "1"}); err != nil {
		t.Fatal(err)
	}
	fill := fullDisk(t, dir)
	err := c.Save(t.Context(), "x", client.Position{LastEventID: strings.Repeat("2", 4<<20)})
	if err == nil {
		t.Fatal("save on a full disk: no error")
	}
	fill.undo()
	c.Close()
	c = openCursor(t, path)
	if p, _, _ := c.Load(t.Context(), "x"); p.LastEventID != "1" {
		t.Errorf("after the failed save: got %q, want the old position", p)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
	if err := c.Save(t.Context(), "x", client.Position{LastEventID: "3"}); err != nil {
		t.Errorf("save with room again: %v", err)
	}
}

// full is a disk without room.
type full struct{ undo func() }

// fullDisk makes writes to files of this process fail as they do on a full disk,
// by a limit on the size of a file, which what go test itself writes stays below.
// The signal that comes with it is ignored by
// the Go runtime's default for SIGXFSZ.
func fullDisk(t *testing.T, dir string) full {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	f := full{undo: func() { unix.Setrlimit(unix.RLIMIT_FSIZE, &old) }}
	t.Cleanup(f.undo)
	// It must bite, or the test proves nothing.
	probe := filepath.Join(dir, "probe")
	if os.WriteFile(probe, make([]byte, 2<<20), 0o600) == nil {
		t.Fatal("the limit on file size has no effect")
	}
	os.Remove(probe)
	return f
}
