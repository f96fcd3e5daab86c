package system

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// A SignalError is the end that a signal asked for.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string { return e.Signal.String() }

// Code is the exit code, as shells give it: 128 and the signal's number.
func (e *SignalError) Code() int {
	if n, ok := e.Signal.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return 1
}

// WithSignals ends the context at the first interrupt or termination, with a
// [*SignalError] as its cause; a second one ends the process, in case the first
// is not enough. The function that is returned gives signals back.
//
// SIGPIPE is taken and dropped, so that a closed pipe is an error of a write. It
// is not ignored: commands that are started would inherit that.
func WithSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	sigs := make(chan os.Signal, 2)
	signal.Notify(sigs, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		end := func(err *SignalError) { cancel(err) }
		for {
			select {
			case sig := <-sigs:
				end(&SignalError{sig})
				end = func(err *SignalError) { os.Exit(err.Code()) }
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(sigs)
		signal.Stop(pipes)
		close(done)
		cancel(nil)
	}
}
