package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A FileCursor is a [Cursor] in a file, which holds the positions of any number
// of targets. Each save replaces the file as a whole and returns when it is on
// the disk: a crash, a full disk or a kill leaves the old file or the new one.
// Saves that wait for a write under way go into one write together, so thousands
// of sources can share a file; each write costs the size of the whole file.
//
// The position of a session stream whose session has ended is dropped an hour
// after that; [FileCursor.Forget] drops any at once. An entry that an earlier
// version filed under a target with more of the URL's secrets in it (see
// [EventSource.Target]) is found, and moved by the next save.
//
// The file is private to its owner (mode 0600). A lock of the kernel's on a file
// beside it, with ".lock" appended to the name, keeps a second process out; it
// ends with the process, and that file is never removed, since a lock on a
// removed file would keep nobody out. A new version is written to a file with
// ".tmp" appended. Where the path is a symbolic link, all that happens beside the
// file that it leads to, also if that does not exist yet.
//
// A FileCursor is safe for concurrent use.
type FileCursor struct {
	path string
	turn chan struct{} // held by who writes the file

	mu      sync.Mutex
	lock    *os.File // nil: closed
	saved   positions
	waiting *batch              // what goes into the next write; nil if there is nothing
	old     map[string][]string // by target, the names of entries that earlier versions made
	moved   map[string][]string // those of them to be dropped when the target is saved
}

// A batch is what the saves say that one write takes to the disk.
type batch struct {
	changes map[string]*entry // nil: forget it
	done    chan struct{}     // closed when it is written, or not
	err     error             // why not
}

// ErrLocked is returned by [OpenFileCursor] when another process, or another
// FileCursor of this one, has the file.
var ErrLocked = errors.New("client: cursor file is in use by another process")

var errCursorClosed = errors.New("cursor file is closed")

// OpenFileCursor opens the file, or prepares to create it if there is none; its
// folder must exist. Close releases it. A file that can't be understood is an
// error and is left as it is: starting anew in its place could lose events
// without a word.
func OpenFileCursor(path string) (*FileCursor, error) {
	path, err := followLinks(path)
	if err != nil {
		return nil, fmt.Errorf("client: open cursor file: %w", err)
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
	c := &FileCursor{path: path, lock: lock, turn: make(chan struct{}, 1), moved: map[string][]string{}}
	if c.saved, err = readCursorFile(path); err != nil {
		lock.Close()
		return nil, err
	}
	c.old = c.saved.oldNames()
	return c, nil
}

const maxLinks = 40

// followLinks returns the file's own path. Two names of one file are one file, also
// before it exists; and a link that is replaced would leave its file behind.
func followLinks(path string) (string, error) {
	for range maxLinks {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, filepath.Base(path))
		to, err := os.Readlink(path)
		if err != nil { // it is none, or nothing yet
			return filepath.Abs(path)
		}
		if path = to; !filepath.IsAbs(to) {
			path = filepath.Join(dir, to)
		}
	}
	return "", fmt.Errorf("%s: too many links", path)
}

// Load implements [Cursor].
func (c *FileCursor) Load(_ context.Context, target string) (p Position, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.saved.entries[target]; ok {
		return e.Position, true, nil
	}
	e, ok := c.saved.last(c.old[target])
	if ok {
		c.moved[target] = c.old[target]
	}
	return e.Position, ok, nil
}

// Save implements [Cursor].
func (c *FileCursor) Save(ctx context.Context, target string, p Position) error {
	return c.change(ctx, target, &entry{Position: p})
}

// saveEnded saves the position of a stream that is over.
func (c *FileCursor) saveEnded(ctx context.Context, target string, p Position) error {
	return c.change(ctx, target, &entry{Position: p, Ended: time.Now().Round(0).UTC()})
}

// Forget implements [Forgetter]. A later save keeps a position again.
func (c *FileCursor) Forget(ctx context.Context, target string) error {
	return c.change(ctx, target, nil)
}

// change puts a change into the next write and waits for it, or makes it.
func (c *FileCursor) change(ctx context.Context, target string, e *entry) error {
	c.mu.Lock()
	if c.lock == nil {
		c.mu.Unlock()
		return errCursorClosed
	}
	if c.waiting == nil {
		c.waiting = &batch{changes: map[string]*entry{}, done: make(chan struct{})}
	}
	b := c.waiting
	b.changes[target] = e
	for _, name := range c.moved[target] {
		b.changes[name] = nil
	}
	c.mu.Unlock()

	select {
	case c.turn <- struct{}{}:
		c.write() // b, unless somebody has already
		<-c.turn
	case <-b.done:
	case <-ctx.Done():
		return context.Cause(ctx) // it may be written yet
	}
	return b.err
}

// write writes what waits. The caller has the turn.
func (c *FileCursor) write() {
	c.mu.Lock()
	b := c.waiting
	c.waiting = nil
	if b == nil {
		c.mu.Unlock()
		return
	}
	defer close(b.done)
	if c.lock == nil {
		c.mu.Unlock()
		b.err = errCursorClosed
		return
	}
	next := c.saved.with(b.changes)
	c.mu.Unlock()
	if b.err = replaceFile(c.path, next.encode()); b.err != nil {
		return
	}
	c.mu.Lock()
	c.saved = next
	c.mu.Unlock()
}

// Close releases the file, when a write that is under way has ended. It does not
// wait for sources that still use it: their next Save fails.
func (c *FileCursor) Close() error {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lock == nil {
		return nil
	}
	err := c.lock.Close()
	c.lock = nil
	return err
}
