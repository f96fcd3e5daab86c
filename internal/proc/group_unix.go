//go:build unix

package proc

import (
	"os/exec"
	"syscall"
)

// ownGroup starts a command in a process group of its own, and asks all of that
// to end when the command's context is done.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}
