package system

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// ErrNoTerminal is why nobody can be asked.
var ErrNoTerminal = errors.New("standard input is no terminal")

// AskPassword asks at the terminal and reads what is typed, which does not show. A
// signal ends it with a [*SignalError], and the terminal is as it was.
func (s *System) AskPassword(question string) (string, error) {
	in, ok := s.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", ErrNoTerminal
	}
	fd := int(in.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer term.Restore(fd, before)
	sigs := make(chan os.Signal, 1)
	signal.Notify(sigs, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(sigs)
	type reply struct {
		text string
		err  error
	}
	typed := make(chan reply, 1)
	go func() { // a read of a terminal can't be ended; at a signal the process is about to
		text, err := term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{in, s.Err}, "").ReadPassword(question)
		typed <- reply{text, err}
	}()
	select {
	case r := <-typed:
		if r.err == io.EOF { // Ctrl-C, which is a character like others now
			r.err = &SignalError{os.Interrupt}
		}
		return r.text, r.err
	case sig := <-sigs:
		io.WriteString(s.Err, "\r\n")
		return "", &SignalError{sig}
	}
}
