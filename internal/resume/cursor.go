package resume

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

// A Cursor opens its files when the sources ask for positions, so that a
// command line that makes no sense leaves none behind.
type Cursor struct {
	path func(target string) (string, error) // of the file for a target

	mu    sync.Mutex
	files map[string]*client.FileCursor // by path
}

func (c *Cursor) file(target string) (*client.FileCursor, error) {
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

// Load implements [client.Cursor].
func (c *Cursor) Load(ctx context.Context, target string) (client.Position, bool, error) {
	f, err := c.file(target)
	if err != nil {
		return client.Position{}, false, err
	}
	return f.Load(ctx, target)
}

// Save implements [client.Cursor].
func (c *Cursor) Save(ctx context.Context, target string, p client.Position) error {
	f, err := c.file(target)
	if err != nil {
		return err
	}
	return f.Save(ctx, target, p)
}

// Close closes the files.
func (c *Cursor) Close() {
	for _, f := range c.files {
		f.Close()
	}
}

// InFile is a cursor that keeps all positions in one file.
func InFile(path string) *Cursor {
	return &Cursor{path: func(string) (string, error) { return path, nil }}
}

// InState is a cursor that keeps each target's position in a file of the state
// directory.
func InState(env func(string) string) *Cursor {
	return &Cursor{path: func(target string) (string, error) { return statePath(env, target) }}
}

// statePath returns the file for a target, in a folder that exists:
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

// Forget implements [client.Forgetter].
func (c *Cursor) Forget(ctx context.Context, target string) error {
	f, err := c.file(target)
	if err != nil {
		return err
	}
	if f, ok := any(f).(client.Forgetter); ok {
		return f.Forget(ctx, target)
	}
	return nil
}
