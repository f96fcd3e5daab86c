//go:build unix

package action_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/action"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

func command(t *testing.T, text string, limit time.Duration) *action.Command {
	t.Helper()
	c, err := action.New(text, limit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var event = render.Event{
	Event: sse.Event{ID: "7", HasID: true, Type: "ty\x00pe", Data: "line; $(rm) 'x'\nnext"}, Kind: "hook", Stream: "abc",
}

// TestRun: the event is on standard input and in the environment, whatever it holds.
func TestRun(t *testing.T) {
	t.Setenv("SSE_TAIL_TOKEN", "secret")
	var out, said bytes.Buffer
	c := command(t, `sh -c 'cat; echo "|$SSE_ID|$SSE_EVENT|$SSE_KIND|$SSE_STREAM|$SSE_TAIL_TOKEN|"; echo said >&2'`, 0)
	if err := c.Run(t.Context(), event, &out, &said); err != nil {
		t.Fatal(err)
	}
	if want := event.Data + "|7|type|hook|abc||\n"; out.String() != want || said.String() != "said\n" {
		t.Errorf("got %q and %q, want %q", out.String(), said.String(), want)
	}
}

func TestFailures(t *testing.T) {
	if _, err := action.New("no-such-program-here", 0); err == nil {
		t.Error("a program that is not there: got nil")
	}
	if _, err := action.New("sh -c 'open", 0); err == nil {
		t.Error("an open quote: got nil")
	}
	err := command(t, "sh -c 'exit 3'", 0).Run(t.Context(), event, nil, nil)
	if e, ok := errors.AsType[*action.Error](err); !ok || e.ID != "7" || err.Error() != `--exec on event "7": exit status 3` {
		t.Errorf("exit status: got %v", err)
	}
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopped)
	if err := command(t, "sleep 60", 0).Run(ctx, event, nil, nil); err != stopped {
		t.Errorf("a context that is done: got %v", err)
	}
}

// TestTimeLimit ends also what the command has started.
func TestTimeLimit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	c := command(t, `sh -c 'sleep 60 & echo $! >"`+file+`"; wait'`, 500*time.Millisecond)
	err := c.Run(t.Context(), event, nil, nil)
	if err == nil || err.Error() != `--exec on event "7": not done within 500ms` {
		t.Errorf("got %v", err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Skip("this machine was too slow for the command to begin")
	}
	var pid int
	for _, digit := range strings.TrimSpace(string(b)) {
		pid = 10*pid + int(digit-'0')
	}
	for syscall.Kill(pid, 0) == nil { // hangs if it goes on
		if stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(b)) + "/stat"); err == nil && strings.Contains(string(stat), ") Z ") {
			return // nobody has asked yet how it ended
		}
		time.Sleep(time.Millisecond)
	}
}

// TestOutput: on a terminal lines are whole and safe, elsewhere bytes are as they are.
func TestOutput(t *testing.T) {
	for _, test := range []struct {
		tty  bool
		want []string
	}{
		{true, []string{"one\n", `t\x1b[2Jwo` + "\n", "rest\n"}},
		{false, []string{"one\nt", "\x1b[2Jwo\n", "rest"}},
	} {
		var got []string
		o := &action.Output{TTY: test.tty, Print: func(b []byte) { got = append(got, string(b)) }}
		for _, text := range []string{"one\nt", "\x1b[2Jwo\n", "rest"} {
			if n, err := o.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("got %d, %v", n, err)
			}
		}
		o.Flush()
		if strings.Join(got, "|") != strings.Join(test.want, "|") {
			t.Errorf("terminal %v: got %q, want %q", test.tty, got, test.want)
		}
	}
}

// TestEndlessLine is shown in pieces, and not kept for ever.
func TestEndlessLine(t *testing.T) {
	n := 0
	o := &action.Output{TTY: true, Print: func(b []byte) { n += len(b) }}
	for range 100 {
		o.Write(bytes.Repeat([]byte("x"), 1<<10))
	}
	if n < 64<<10 {
		t.Errorf("%d bytes were shown of 100 KiB", n)
	}
}
