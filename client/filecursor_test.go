package client_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

func openCursor(t *testing.T, path string) *client.FileCursor {
	t.Helper()
	c, err := client.OpenFileCursor(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestFileCursorKeepsPositionsByTarget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor")
	c := openCursor(t, path)
	ctx := t.Context()
	positions := map[string]client.Position{"http://a/": {LastEventID: "1"}, "http://b/": {LastEventID: "é\"\\", Run: "r1"}, "http://reset/": {}}
	for target, p := range positions {
		if err := c.Save(ctx, target, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = openCursor(t, path)
	for target, want := range positions {
		if p, ok, err := c.Load(ctx, target); p != want || !ok || err != nil {
			t.Errorf("Load(%q) = %q, %v, %v, want %q, true, nil", target, p, ok, err, want)
		}
	}
	if p, ok, err := c.Load(ctx, "http://other/"); ok || err != nil {
		t.Errorf("Load of a target that was never saved = %q, %v, %v", p, ok, err)
	}
}

func TestFileCursorIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor")
	c := openCursor(t, path)
	if err := c.Save(t.Context(), "x", client.Position{LastEventID: "1"}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + ".lock"} {
		if fi, err := os.Stat(p); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want mode 0600", p, fi.Mode(), err)
		}
	}
}

func TestFileCursorKeepsAsecondWriterOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor")
	c := openCursor(t, path)
	if _, err := client.OpenFileCursor(path); !errors.Is(err, client.ErrLocked) {
		t.Fatalf("second open: got %v, want ErrLocked", err)
	}
	if out, err := child(t, "open-cursor", path).CombinedOutput(); err == nil || !strings.Contains(string(out), client.ErrLocked.Error()) {
		t.Errorf("second process: got %v, %q, want ErrLocked", err, out)
	}
	c.Close()
	if _, err := os.Stat(path + ".lock"); err != nil {
		t.Errorf("the lock file is gone: %v; a lock on a removed file keeps nobody out", err)
	}
	openCursor(t, path)
}

// Two names of one file are one file, also before it exists.
func TestFileCursorFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.Mkdir(at("sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"link": "sub/cursor", "second": at("link"), "folder": "sub"} {
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"link", "second", "sub/cursor", "folder/cursor"}
	for _, first := range names { // with the file missing in the first round, and there in the others
		c := openCursor(t, at(first))
		for _, second := range names {
			if _, err := client.OpenFileCursor(at(second)); !errors.Is(err, client.ErrLocked) {
				t.Errorf("%s is open, and %s: got %v, want ErrLocked", first, second, err)
			}
		}
		if err := c.Save(t.Context(), "x", client.Position{LastEventID: first}); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if fi, err := os.Lstat(at("sub/cursor")); err != nil || !fi.Mode().IsRegular() {
			t.Errorf("%s: the file is not where the link leads: %v", first, err)
		}
	}
	if err := os.Symlink("round", at("round")); err != nil {
		t.Fatal(err)
	}
	if _, err := client.OpenFileCursor(at("round")); err == nil {
		t.Error("a link to itself was opened")
	}
}

// An entry under a target that still had secrets in it is found under today's, and
// moved by the next save, not before.
func TestFileCursorMovesOldEntries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor")
	old := `{"version":1,"positions":{
		"http://h/a?access-token=s3cret1&x=1":{"lastEventId":"9"},
		"http://h/a?access-token=s3cret2&x=1":{"lastEventId":"12","run":"r"},
		"http://h/b?code=s3cret":{"lastEventId":"7"},
		"POST http://h/c?id_token=s3cret sha256:2cf24dba5fb0":{"lastEventId":"5"},
		"http://h/d?key=sha256:4a44dc15364":{"lastEventId":"not ours"},
		"http://h/other":{"lastEventId":"1"}}}`
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	c := openCursor(t, path)
	post := client.Options{Request: client.Request{Method: "POST", Body: []byte("hello")}}
	for _, tt := range []struct {
		url  string
		opts client.Options
		want client.Position
	}{
		{"http://h/a?access-token=s3cret3&x=1", client.Options{}, client.Position{LastEventID: "12", Run: "r"}},
		{"http://h/b?code=s3cret", client.Options{}, client.Position{LastEventID: "7"}},
		{"http://h/c?id_token=s3cret3", post, client.Position{LastEventID: "5"}},
	} {
		target := mustNew(t, tt.url, tt.opts).Target()
		for range 2 {
			if p, ok, err := c.Load(t.Context(), target); p != tt.want || !ok || err != nil {
				t.Errorf("%s: got %+v, %v, %v; want %+v", target, p, ok, err, tt.want)
			}
		}
		if b, _ := os.ReadFile(path); !strings.Contains(string(b), "s3cret") {
			t.Error("an entry was moved before its position was saved")
		}
		if err := c.Save(t.Context(), target, client.Position{LastEventID: "13"}); err != nil {
			t.Fatal(err)
		}
		if p, _, _ := c.Load(t.Context(), target); p.LastEventID != "13" {
			t.Errorf("%s: got %+v after the save", target, p)
		}
	}
	if _, ok, _ := c.Load(t.Context(), mustNew(t, "http://h/b?code=another", client.Options{}).Target()); ok {
		t.Error("another stream has the position")
	}
	b, _ := os.ReadFile(path)
	if got := string(b); strings.Contains(got, "s3cret") || !strings.Contains(got, "http://h/other") {
		t.Errorf("the file is\n%s", got)
	}
}

// TestFileCursorTakesAnEmptyFile: mktemp makes one, and a save never does.
func TestFileCursorTakesAnEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := client.OpenFileCursor(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok, err := c.Load(t.Context(), "http://a/"); ok || err != nil {
		t.Errorf("Load: got %v, %v; want nothing", ok, err)
	}
	if err := c.Save(t.Context(), "http://a/", client.Position{LastEventID: "7"}); err != nil {
		t.Fatal(err)
	}
}

func TestFileCursorRefusesADamagedFile(t *testing.T) {
	for name, content := range map[string]string{
		"cut":     `{"version":1,"positions":{"http://a/":{"las`,
		"version": `{"version":7}`,
	} {
		path := filepath.Join(t.TempDir(), "cursor")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := client.OpenFileCursor(path)
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("%s: got error %v, want one that names the file and says what to do", name, err)
		}
		if b, _ := os.ReadFile(path); string(b) != content {
			t.Errorf("%s: the file was changed to %q", name, b)
		}
	}
}

func TestFileCursorConcurrent(t *testing.T) {
	c := openCursor(t, filepath.Join(t.TempDir(), "cursor"))
	var wg sync.WaitGroup
	for _, target := range []string{"a", "b", "c", "d"} {
		wg.Go(func() {
			for _, id := range []string{"1", "2", "3"} {
				if err := c.Save(context.Background(), target, client.Position{LastEventID: id}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, target := range []string{"a", "b", "c", "d"} {
		if p, _, _ := c.Load(t.Context(), target); p.LastEventID != "3" {
			t.Errorf("target %s: got %q, want 3", target, p)
		}
	}
}

// child returns a command that runs this test binary as another process, see
// TestMain.
func child(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), "RESILIENT_SSE_CHILD=1")
	return cmd
}

// One file serves several sources at once.
func TestFileCursorOfSeveralSources(t *testing.T) {
	srv := testserver.New(t)
	cursor := openCursor(t, t.TempDir()+"/cursor")
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		for range 3 {
			srv.Stream(name).Send(sse.Event{ID: name, HasID: true, Data: "x"})
		}
		srv.Stream(name).Send(sse.Event{ID: name + "-last", HasID: true, Data: "last"})
		es := mustNew(t, srv.StreamURL(name), client.Options{Cursor: cursor, LastEventID: "0"})
		wg.Go(func() {
			for ev, err := range es.Events(t.Context()) {
				if err != nil {
					t.Error(err)
				}
				if ev.Data == "last" {
					es.Commit()
					break
				}
			}
		})
	}
	wg.Wait()
	for _, name := range []string{"a", "b"} {
		if p, _, _ := cursor.Load(t.Context(), srv.StreamURL(name)); p.LastEventID != name+"-last" {
			t.Errorf("stream %s: position %q", name, p.LastEventID)
		}
	}
}
