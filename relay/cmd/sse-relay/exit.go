package main

import (
	"errors"
	"syscall"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/daemon"
)

// Exit codes. Scripts depend on them.
const (
	exitOK    = 0 // wanted end: a signal, and readers were ended cleanly; a demo that went well
	exitOther = 1 // it can't go on, or a demo has lost or repeated something
	exitUsage = 2
	exitStore = 3 // the store is not there, or not as it should be
)

// exitCode is where errors become exit codes.
func exitCode(err error) int {
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return exitOK
	}
	if e, ok := errors.AsType[*system.SignalError](err); ok {
		return e.Code()
	}
	if e, ok := errors.AsType[*cmdline.Said](err); ok {
		return e.Code
	}
	switch {
	case is[*cmdline.UsageError](err):
		return exitUsage
	case is[*daemon.OpenError](err):
		return exitStore
	}
	return exitOther
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// reportError says why the command has ended, where that was not said.
func reportError(sys *system.System, err error) {
	if is[*system.SignalError](err) || is[*cmdline.Said](err) {
		return
	}
	_, paint := sys.Paints("auto")
	c := sys.Console(nil)
	c.Say(paint.Text(console.Dim, prefix) + paint.Text(console.Red, termsafe.Text(err.Error())))
	if is[*cmdline.UsageError](err) {
		c.Say(paint.Text(console.Dim, prefix+"usage: sse-relay --upstream URL [--all | SESSION-ID...], and more with --help"))
	}
	if e, ok := errors.AsType[*daemon.OpenError](err); ok && e.Hint() != "" {
		c.Say(paint.Text(console.Dim, prefix) + "hint: " + e.Hint())
	}
}
