package proc

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/shell"
)

// killDelay is how long a program has to end after it was asked to.
const killDelay = 2 * time.Second

// Find splits a command into words and finds its program.
func Find(command string) (argv []string, err error) {
	argv, err = shell.Split(command)
	if err == nil {
		argv[0], err = exec.LookPath(argv[0])
	}
	if err != nil {
		return nil, err
	}
	return argv, nil
}

// Command returns a program in a process group of its own: Ctrl-C is for us, and
// when the context is done the whole group is asked to end.
func Command(ctx context.Context, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	ownGroup(cmd)
	cmd.WaitDelay = killDelay
	return cmd
}

// Env is the environment for commands: ours, without the token.
func Env() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SSE_TAIL_TOKEN=") {
			env = append(env, v)
		}
	}
	return env
}
