package proof

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// newDisk returns the disk of a node's folder: a file system of its own, which takes the
// right to mount, or else one whose files can't grow.
func newDisk(dir string, fileSystem bool) (disk, error) {
	if !fileSystem {
		return limit{}, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+diskSize); err != nil {
		return nil, fmt.Errorf("file system in %s: %w", dir, err)
	}
	return mount{dir}, nil
}

const diskSize = "1g"

// A mount is a file system in memory. It is filled by a file.
type mount struct{ dir string }

func (m mount) ballast() string { return filepath.Join(m.dir, "ballast") }

func (m mount) fill(*process) error {
	f, err := os.Create(m.ballast())
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return err
	}
	// A node that writes meanwhile takes a part of it: the rest is filled page by page.
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*st.Bsize); err == nil {
		return nil
	}
	page := make([]byte, 4096)
	for {
		if _, err := f.Write(page); err != nil {
			return nil
		}
	}
}

func (m mount) room(*process) error { return os.Remove(m.ballast()) }

func (m mount) remove() { _ = unix.Unmount(m.dir, unix.MNT_DETACH) }

// A limit is on the size that a file of the process may have.
type limit struct{}

func (limit) fill(p *process) error { return p.limit(1) }
func (limit) room(p *process) error { return p.limit(unix.RLIM_INFINITY) }
func (limit) remove()               {}

func (p *process) limit(n uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	// The hard limit stays as it is, or the process could not have room again.
	return unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: unix.RLIM_INFINITY}, nil)
}
