//go:build unix && !linux

package main

import (
	"errors"
	"os"
)

func openTerminal() (screen, tty *os.File, err error) {
	return nil, nil, errors.ErrUnsupported
}
