package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// A command is what --exec runs for each event. No shell is between: the event is
// on standard input and in the environment, never in the arguments.
type command struct {
	argv  []string
	limit time.Duration // 0: none
	env   []string
}

// command returns what --exec says; nil if it is not given.
func (f *flags) command() *command {
	if f.exec == "" {
		return nil
	}
	return &command{argv: f.commandLine("--exec", f.exec), limit: f.execTimeout, env: childEnv()}
}

// commandLine splits a command and finds its program.
func (f *flags) commandLine(flag, s string) []string {
	argv, err := splitWords(s)
	if err == nil {
		argv[0], err = exec.LookPath(argv[0])
	}
	if err != nil {
		f.problems.add("%s: %v", flag, err)
		return []string{""}
	}
	return argv
}

// childEnv is the environment for commands: ours, without the token.
func childEnv() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SSE_TAIL_TOKEN=") {
			env = append(env, v)
		}
	}
	return env
}

// killDelay is how long a command has to end after it was asked to.
const killDelay = 2 * time.Second

// errTooLong ends a command at its time limit.
var errTooLong = errors.New("time limit")

// run runs the command on one event, and ends when it does. The error is a
// [*execError], or the context's cause.
func (c *command) run(ctx context.Context, ev render.Event, stdout, stderr io.Writer) error {
	limited := ctx
	if c.limit > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeoutCause(ctx, c.limit, errTooLong)
		defer cancel()
	}
	cmd := exec.CommandContext(limited, c.argv[0], c.argv[1:]...)
	cmd.Stdin = strings.NewReader(ev.Data)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = append(c.env[:len(c.env):len(c.env)],
		"SSE_ID="+envValue(ev.ID), "SSE_EVENT="+envValue(ev.Type), "SSE_KIND="+envValue(ev.Kind), "SSE_STREAM="+envValue(ev.Stream))
	ownGroup(cmd) // Ctrl-C is for us; and what the command has started ends with it
	cmd.WaitDelay = killDelay
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case context.Cause(limited) == errTooLong:
		err = fmt.Errorf("not done within %v", c.limit)
	}
	return &execError{id: ev.ID, err: err}
}

// envValue is text that the environment can hold.
func envValue(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// childOutput takes a command's output, so that it keeps its place among our own
// lines, and is made safe where it goes to a terminal: what a command repeats of
// a stream is not to be trusted more than the stream.
type childOutput struct {
	tty   bool
	write func([]byte)

	mu  sync.Mutex
	buf []byte // of an unfinished line, on a terminal
}

// maxChildLine is how long a line may grow before it is shown in pieces.
const maxChildLine = 64 << 10

func (o *childOutput) Write(b []byte) (int, error) {
	if !o.tty {
		o.write(b)
		return len(b), nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = append(o.buf, b...)
	end := bytes.LastIndexByte(o.buf, '\n') + 1
	if len(o.buf) > maxChildLine {
		end = len(o.buf)
	}
	if end > 0 {
		o.write(termsafe.AppendText(nil, string(o.buf[:end])))
		o.buf = append(o.buf[:0], o.buf[end:]...)
	}
	return len(b), nil
}

// flush writes what has no line end yet.
func (o *childOutput) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.buf) > 0 {
		o.write(termsafe.AppendText(nil, string(append(o.buf, '\n'))))
		o.buf = o.buf[:0]
	}
}

// exec runs --exec on an event. The output of commands goes to ours.
func (w *follower) exec(ctx context.Context, ev render.Event) error {
	out := &childOutput{tty: w.sys.outTTY, write: func(b []byte) { w.console.Print(b); w.console.Flush() }}
	errs := &childOutput{tty: true, write: func(b []byte) { // lines, beside our own
		for line := range bytes.Lines(b) {
			w.console.Say(string(bytes.TrimSuffix(line, []byte("\n"))))
		}
	}}
	defer out.flush()
	defer errs.flush()
	return w.command.run(ctx, ev, out, errs)
}
