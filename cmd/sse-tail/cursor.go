package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// A lazyCursor opens its files when the sources ask for positions, so that a
// command line that makes no sense leaves none behind. What was printed is flushed
// before a position is kept: a kill must not lose an event that only a buffer has
// seen.
type lazyCursor struct {
	path  func(target string) (string, error) // of the file for a target
	flush func() error

	mu    sync.Mutex
	files map[string]*client.FileCursor // by path
}

func (c *lazyCursor) file(target string) (*client.FileCursor, error) {
	path, err := c.path(target)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.files[path]; f != nil {
		return f, nil
	}
	f, err := client.OpenFileCursor(path)
	if err != nil {
		return nil, err
	}
	if c.files == nil {
		c.files = map[string]*client.FileCursor{}
	}
	c.files[path] = f
	return f, nil
}

func (c *lazyCursor) Load(ctx context.Context, target string) (client.Position, bool, error) {
	f, err := c.file(target)
	if err != nil {
		return client.Position{}, false, err
	}
	return f.Load(ctx, target)
}

func (c *lazyCursor) Save(ctx context.Context, target string, p client.Position) error {
	if err := c.flush(); err != nil {
		return err
	}
	f, err := c.file(target)
	if err != nil {
		return err
	}
	return f.Save(ctx, target, p)
}

func (c *lazyCursor) close() {
	for _, f := range c.files {
		f.Close()
	}
}

// newCursor returns the cursor that the flags ask for; nil if they ask for none.
func (f *flags) newCursor(env func(string) string, flush func() error) *lazyCursor {
	switch {
	case f.cursor != "":
		return &lazyCursor{path: func(string) (string, error) { return f.cursor, nil }, flush: flush}
	case f.cont:
		return &lazyCursor{path: func(target string) (string, error) { return statePath(env, target) }, flush: flush}
	}
	return nil
}

// statePath returns the file of --continue for a target, in a folder that exists:
// one for each, so that each may be followed by a process of its own.
func statePath(env func(string) string, target string) (string, error) {
	dir, err := stateDir(env)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(target))
	return filepath.Join(dir, hex.EncodeToString(sum[:8])+".json"), os.MkdirAll(dir, 0o700)
}

// stateDir is where positions are kept: $XDG_STATE_HOME, or what stands for it.
func stateDir(env func(string) string) (string, error) {
	if dir := env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sse-tail"), nil
	}
	if runtime.GOOS == "windows" {
		dir, err := os.UserCacheDir()
		return filepath.Join(dir, "sse-tail"), err
	}
	if home := env("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "sse-tail"), nil
	}
	return "", errors.New("no home directory to keep positions in; use --cursor FILE")
}
