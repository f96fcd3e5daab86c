package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
)

// A system is what the command touches of the world. Tests bring their own.
type system struct {
	args           []string
	in             io.Reader
	out, err       io.Writer
	outTTY, errTTY bool
	columns        func() int
	env            func(string) string
}

func newSystem(args []string) *system {
	return &system{
		args: args,
		in:   os.Stdin, out: os.Stdout, err: os.Stderr,
		outTTY: term.IsTerminal(int(os.Stdout.Fd())), errTTY: term.IsTerminal(int(os.Stderr.Fd())),
		columns: columns,
		env:     os.Getenv,
	}
}

// columns asks the terminal each time, since windows are resized. 0 means that
// there is none.
func columns() int {
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return w
		}
	}
	return 0
}

// paints returns whether to colour standard output and standard error.
func (s *system) paints(flag string) (out, err console.Paint) {
	return console.WantColour(flag, s.env, s.outTTY), console.WantColour(flag, s.env, s.errTTY)
}
