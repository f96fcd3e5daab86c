//go:build unix

package embed

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock that the file's descriptor holds until it is closed.
func lockFile(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
