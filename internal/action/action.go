package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/proc"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
)

// A Command is what --exec runs for each event.
type Command struct {
	argv  []string
	limit time.Duration // 0: none
	env   []string
}

// New finds the program of a command. A limit of 0 is none.
func New(command string, limit time.Duration) (*Command, error) {
	argv, err := proc.Find(command)
	if err != nil {
		return nil, err
	}
	return &Command{argv: argv, limit: limit, env: proc.Env()}, nil
}

// An Error is a command that did not do its work.
type Error struct {
	ID  string // of the event
	Err error
}

func (e *Error) Error() string { return fmt.Sprintf("--exec on event %q: %v", e.ID, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// errTooLong ends a command at its time limit.
var errTooLong = errors.New("time limit")

// Run runs the command on one event, and ends when it does. The error is an
// [*Error], or the context's cause.
func (c *Command) Run(ctx context.Context, ev render.Event, stdout, stderr io.Writer) error {
	limited := ctx
	if c.limit > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeoutCause(ctx, c.limit, errTooLong)
		defer cancel()
	}
	cmd := proc.Command(limited, c.argv)
	cmd.Stdin = strings.NewReader(ev.Data)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = append(c.env[:len(c.env):len(c.env)],
		"SSE_ID="+envValue(ev.ID), "SSE_EVENT="+envValue(ev.Type), "SSE_KIND="+envValue(ev.Kind), "SSE_STREAM="+envValue(ev.Stream))
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case context.Cause(limited) == errTooLong:
		err = fmt.Errorf("not done within %v", c.limit)
	}
	return &Error{ID: ev.ID, Err: err}
}

// envValue is text that the environment can hold.
func envValue(s string) string { return strings.ReplaceAll(s, "\x00", "") }
