package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// A FileCursor is a [Cursor] in a file, which holds the positions of any number
// of targets. Each save replaces the file as a whole and returns when it is on
// the disk: a crash, a full disk or a kill leaves the old file or the new one.
//
// The file is private to its owner (mode 0600). A lock of the kernel's on a file
// beside it, with ".lock" appended to the name, keeps a second process out; it
// ends with the process, and that file is never removed, since a lock on a
// removed file would keep nobody out. A new version is written to a file with
// ".tmp" appended.
//
// A FileCursor is safe for concurrent use.
type FileCursor struct {
	path string
	lock *os.File

	mu    sync.Mutex
	saved map[string]Position // by target; what is on the disk
}

// ErrLocked is returned by [OpenFileCursor] when another process, or another
// FileCursor of this one, has the file.
var ErrLocked = errors.New("client: cursor file is in use by another process")

// fileFormat is what the file holds.
type fileFormat struct {
	Version   int                 `json:"version"`
	Positions map[string]Position `json:"positions"` // by target
}

const fileVersion = 1

// OpenFileCursor opens the file, or prepares to create it if there is none; its
// folder must exist. Close releases it. A file that can't be understood is an
// error and is left as it is: starting anew in its place could lose events
// without a word.
func OpenFileCursor(path string) (*FileCursor, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a replaced link would leave its file behind
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("client: open cursor file: %w", err)
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		if errors.Is(err, ErrLocked) {
			return nil, fmt.Errorf("%w: %s", err, path)
		}
		return nil, fmt.Errorf("client: lock cursor file %s: %w", path, err)
	}
	c := &FileCursor{path: path, lock: lock}
	if c.saved, err = readCursorFile(path); err != nil {
		lock.Close()
		return nil, err
	}
	return c, nil
}

func readCursorFile(path string) (map[string]Position, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]Position{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("client: read cursor file: %w", err)
	}
	var f fileFormat
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("client: cursor file %s is damaged (%w): repair it, or move it away to start anew", path, err)
	}
	if f.Version != fileVersion {
		return nil, fmt.Errorf("client: cursor file %s has version %d, want %d: move it away to start anew", path, f.Version, fileVersion)
	}
	if f.Positions == nil {
		f.Positions = map[string]Position{}
	}
	return f.Positions, nil
}

// Load implements [Cursor].
func (c *FileCursor) Load(_ context.Context, target string) (p Position, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok = c.saved[target]
	return p, ok, nil
}

// Save implements [Cursor].
func (c *FileCursor) Save(_ context.Context, target string, p Position) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lock == nil {
		return errors.New("cursor file is closed")
	}
	positions := maps.Clone(c.saved)
	positions[target] = p
	b, err := json.MarshalIndent(fileFormat{fileVersion, positions}, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(c.path, append(b, '\n')); err != nil {
		return err
	}
	c.saved = positions
	return nil
}

// Close releases the file. It does not wait for sources that still use it: their
// next Save fails.
func (c *FileCursor) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lock == nil {
		return nil
	}
	err := c.lock.Close()
	c.lock = nil
	return err
}

// replaceFile puts a file in the place of another at once, and on the disk
// before it returns: first the file, then its name in the folder. The new file has
// one name until then, so that kills leave no more than one behind.
func replaceFile(path string, b []byte) (err error) {
	name := path + ".tmp"
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	tmp, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(name)
		}
	}()
	if _, err := tmp.Write(b); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(name, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}
