package embed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errLocked says that another process has the lock.
var errLocked = errors.New("locked")

// lock takes a folder for this process, and makes it if there is none. Two servers in
// one folder would write over each other. The lock is the file's that is returned.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("relay: folder of the store: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("relay: folder of the store: %w", err)
	}
	if err := lockFile(f); err != nil {
		f.Close()
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("relay: %s is the store of another process that is running: give each a folder of its own, or have them share a NATS server", dir)
		}
		return nil, fmt.Errorf("relay: folder of the store: %w", err)
	}
	return f, nil
}
