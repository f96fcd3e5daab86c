//go:build !unix

package child

import "os/exec"

// Where there are no process groups a client ends because its standard input does.
func ownGroup(*exec.Cmd) {}

func terminate(*exec.Cmd) {}

func kill(cmd *exec.Cmd) { cmd.Process.Kill() }
