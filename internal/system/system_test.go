//go:build unix

package system_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

// TestSignals: the first one is the cause, and its exit code that of shells.
func TestSignals(t *testing.T) {
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, stop := system.WithSignals(context.Background())
		syscall.Kill(os.Getpid(), sig)
		<-ctx.Done()
		stop()
		e, ok := errors.AsType[*system.SignalError](context.Cause(ctx))
		if !ok || e.Signal != sig || e.Code() != code {
			t.Errorf("%v: got %v", sig, context.Cause(ctx))
		}
	}
	ctx, stop := system.WithSignals(context.Background())
	syscall.Kill(os.Getpid(), syscall.SIGPIPE) // or the process would be gone
	stop()
	if err := context.Cause(ctx); errors.As(err, new(*system.SignalError)) {
		t.Errorf("SIGPIPE: got %v", err)
	}
}

func TestPaints(t *testing.T) {
	for _, test := range []struct {
		when     string
		env      map[string]string
		out, err bool
	}{
		{"auto", nil, true, false},
		{"auto", map[string]string{"NO_COLOR": "1"}, false, false},
		{"auto", map[string]string{"FORCE_COLOR": "1"}, true, true},
		{"always", map[string]string{"NO_COLOR": "1"}, true, true},
		{"never", map[string]string{"FORCE_COLOR": "1"}, false, false},
	} {
		s := &system.System{OutTTY: true, Env: func(name string) string { return test.env[name] }}
		out, err := s.Paints(test.when)
		if out != console.Paint(test.out) || err != console.Paint(test.err) {
			t.Errorf("%s, %v: got %v, %v", test.when, test.env, out, err)
		}
	}
}

func TestNobodyToAsk(t *testing.T) {
	var said bytes.Buffer
	for _, in := range []*system.System{{In: strings.NewReader("secret\n"), Err: &said}, {Err: &said}} {
		if _, err := in.AskPassword("? "); err != system.ErrNoTerminal || said.Len() > 0 {
			t.Errorf("got %v, %q", err, said.String())
		}
	}
}
