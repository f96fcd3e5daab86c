package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Exit codes. Scripts depend on them.
const (
	exitOK        = 0 // wanted end: -n, --until, session ended, 204, closed pipe
	exitOther     = 1
	exitUsage     = 2
	exitGaveUp    = 3
	exitAuth      = 4 // 401 or 403
	exitRefused   = 5 // another permanent refusal
	exitNotStream = 6 // not an event stream, or an event over the limit
	exitGap       = 7 // with --fail-on-gap
	exitFailOn    = 8 // --fail-on
	exitExec      = 9 // --exec failed
	exitTimeout   = 124
)

// exitCode is where errors become exit codes.
func exitCode(err error) int {
	if err == nil || errors.Is(err, errDone) || errors.Is(err, syscall.EPIPE) {
		return exitOK
	}
	if e, ok := errors.AsType[*signalError](err); ok {
		return e.code()
	}
	if e, ok := errors.AsType[*saidError](err); ok {
		return e.code
	}
	switch {
	case is[*usageError](err):
		return exitUsage
	case errors.Is(err, errTimeout):
		return exitTimeout
	case is[*execError](err):
		return exitExec
	case is[*failOnError](err):
		return exitFailOn
	case is[*client.GiveUpError](err), is[*lostError](err):
		return exitGaveUp
	case is[*client.GapError](err):
		return exitGap
	case is[*sse.LimitError](err):
		return exitNotStream
	case is[*client.RedirectError](err):
		return exitRefused
	}
	switch status := refusalStatus(err); status {
	case 0:
		return exitOther
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitAuth
	case http.StatusOK:
		return exitNotStream
	}
	return exitRefused
}

// refusalStatus is the status with which a server has refused the stream, or a
// token for it; 0 if it has not.
func refusalStatus(err error) int {
	if e, ok := errors.AsType[*client.ResponseError](err); ok {
		return e.StatusCode
	}
	return tokenStatus(err)
}

func tokenStatus(err error) int {
	if e, ok := errors.AsType[*session.TokenError](err); ok && e.StatusCode >= http.StatusBadRequest {
		return e.StatusCode
	}
	return 0
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// Causes of the end that are not failures of a stream.
var (
	errDone    = errors.New("done") // -n, --until
	errTimeout = errors.New("--timeout is over")
)

// A saidError ends the command with a code, after all was said.
type saidError struct{ code int }

func (e *saidError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// A usageError is a command line that makes no sense. It names all that is wrong
// with it.
type usageError struct{ problems []string }

func (e *usageError) Error() string {
	if len(e.problems) == 1 {
		return e.problems[0]
	}
	head := fmt.Sprintf("%d things are wrong with the command line:\n", len(e.problems))
	return strings.ReplaceAll(head+strings.Join(e.problems, "\n"), "\n", "\n  ")
}

// A signalError is the end that a signal asked for.
type signalError struct{ sig os.Signal }

func (e *signalError) Error() string { return e.sig.String() }

func (e *signalError) code() int {
	if n, ok := e.sig.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return exitOther
}

// A lostError is a failure that would be retried, were it not for --no-reconnect.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }

func (e *lostError) Unwrap() error { return e.err }

// A failOnError is an event that --fail-on matched.
type failOnError struct{ stream, id string }

func (e *failOnError) Error() string {
	if e.id == "" {
		return "--fail-on matched an event of " + e.stream
	}
	return "--fail-on matched event " + e.id + " of " + e.stream
}

// An execError is a command of --exec that did not do its work.
type execError struct {
	id  string
	err error
}

func (e *execError) Error() string { return fmt.Sprintf("--exec on event %q: %v", e.id, e.err) }

func (e *execError) Unwrap() error { return e.err }
