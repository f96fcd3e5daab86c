package system

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
)

// A System is one command's world.
type System struct {
	Args           []string // without the program's name
	In             io.Reader
	Out, Err       io.Writer
	OutTTY, ErrTTY bool       // whether they are terminals
	Columns        func() int // of the terminal, 0 if there is none; may be nil
	Env            func(string) string
}

// New returns the process's own.
func New(args []string) *System {
	return &System{
		Args: args,
		In:   os.Stdin, Out: os.Stdout, Err: os.Stderr,
		OutTTY: term.IsTerminal(int(os.Stdout.Fd())), ErrTTY: term.IsTerminal(int(os.Stderr.Fd())),
		Columns: columns,
		Env:     os.Getenv,
	}
}

// columns asks the terminal each time, since windows are resized.
func columns() int {
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return w
		}
	}
	return 0
}

// Paints returns whether to colour standard output and standard error; when is
// auto, always or never.
func (s *System) Paints(when string) (out, err console.Paint) {
	return console.WantColour(when, s.Env, s.OutTTY), console.WantColour(when, s.Env, s.ErrTTY)
}

// Console returns a console on the system's outputs. Failed may be nil; see
// [console.Options].
func (s *System) Console(failed func(error)) *console.Console {
	return console.New(console.Options{
		Out: s.Out, Err: s.Err, OutTTY: s.OutTTY, ErrTTY: s.ErrTTY, Columns: s.Columns, Failed: failed,
	})
}
