package main

import (
	"errors"
	"net/http"
	"syscall"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/action"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/tail"
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
	if err == nil || errors.Is(err, tail.ErrDone) || errors.Is(err, syscall.EPIPE) {
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
	case errors.Is(err, tail.ErrTimeout):
		return exitTimeout
	case is[*action.Error](err):
		return exitExec
	case is[*tail.FailOnError](err):
		return exitFailOn
	case is[*client.GiveUpError](err), is[*tail.LostError](err):
		return exitGaveUp
	case is[*client.GapError](err):
		return exitGap
	case is[*sse.LimitError](err):
		return exitNotStream
	case is[*client.RedirectError](err), errors.Is(err, http.ErrSchemeMismatch), explain.TalksTLS(err):
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
	if e, ok := errors.AsType[*session.ListError](err); ok {
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
