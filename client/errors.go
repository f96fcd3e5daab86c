package client

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Causes of a failed attempt that have nothing more to say. They come in
// [Transition.Cause] and inside a [*GiveUpError].
var (
	ErrEnded          = errors.New("client: server ended the stream")
	ErrShutdown       = errors.New("client: server is shutting down")
	ErrIdle           = errors.New("client: no byte within the idle timeout")
	ErrNoEvent        = errors.New("client: no event within the event timeout")
	ErrPrepareTimeout = errors.New("client: request not prepared within the prepare timeout")
	ErrConnectTimeout = errors.New("client: not connected within the connect timeout")
	ErrHeaderTimeout  = errors.New("client: no response within the header timeout")
)

// ErrBusy is yielded by a loop over a source that has a loop under way, and
// returned by what must not happen during one.
var ErrBusy = errors.New("client: another loop over this event source is under way")

// errNotMade is what a zero EventSource has to say.
var errNotMade = errors.New("client: event source was not made by New, Session or Global")

// bodyExcerpt is how much of a refused response's body is kept, in bytes.
const bodyExcerpt = 1 << 10

// A ResponseError is a response that is not the stream: a status other than 200,
// or a body that is not text/event-stream.
type ResponseError struct {
	StatusCode int
	Header     http.Header
	Body       []byte // its first KiB
	Reason     string // what is wrong with a response of status 200; else empty
}

func (e *ResponseError) Error() string {
	if e.Reason != "" {
		return "client: " + e.Reason
	}
	return fmt.Sprintf("client: server answered %d %s", e.StatusCode, http.StatusText(e.StatusCode))
}

// A RedirectError is a redirect that was not followed. It is permanent.
type RedirectError struct {
	StatusCode int
	Reason     string // "no Location", "more than 10 redirects"
	Err        error  // of Options.HTTPClient.CheckRedirect, or nil
}

func (e *RedirectError) Error() string {
	return fmt.Sprintf("client: redirect (%d) not followed: %s", e.StatusCode, e.Reason)
}

func (e *RedirectError) Unwrap() error { return e.Err }

// A GiveUpError ends a loop whose outage has lasted too long.
type GiveUpError struct {
	Outage     time.Duration // since the first failure
	Attempts   int           // how many failed
	RetryAfter time.Duration // what the server asked to wait for, if that was past the give-up; else 0
	Err        error         // of the last attempt
}

func (e *GiveUpError) Error() string {
	s := fmt.Sprintf("client: gave up after %v and %d failed attempts", e.Outage.Round(time.Millisecond), e.Attempts)
	if e.RetryAfter > 0 {
		s += fmt.Sprintf(" (server asked to wait for %v)", e.RetryAfter)
	}
	return s + ": " + trimPrefix(e.Err)
}

func (e *GiveUpError) Unwrap() error { return e.Err }

// A GapError says that the server can't continue where the stream left off:
// events between Asked and Given are lost, or may be. It is a report to the
// observer, or, with Options.FailOnGap, the error that ends the loop; then the next
// loop meets the same gap, until [EventSource.Accept] accepts it.
type GapError struct {
	Asked   string // the last event ID of the request
	Given   string // where the server's replay starts; empty if it did not say
	Reason  string // "replay starts later", "server's counter has a new run", "ids have jumped", …
	Certain bool   // events are lost, as far as the server is to be believed; else they may be
	NewRun  bool   // the server counts anew: ids behind the gap say nothing of those before it

	run string // of the counter that the response came from, if it names it
}

func (e *GapError) Error() string {
	what := "gap"
	if !e.Certain {
		what = "possible gap"
	}
	s := fmt.Sprintf("client: %s after event %q: %s", what, e.Asked, e.Reason)
	if e.Given != "" {
		s += fmt.Sprintf(" (at %q)", e.Given)
	}
	return s
}

// A CursorError is a failure of Options.Cursor.
type CursorError struct {
	Op  string // "load", "save" or "forget"
	Err error
}

func (e *CursorError) Error() string { return "client: " + e.Op + " cursor: " + e.Err.Error() }

func (e *CursorError) Unwrap() error { return e.Err }

// A BeforeWaitError is a failure of Options.BeforeWait. No position is saved until
// it succeeds.
type BeforeWaitError struct{ Err error }

func (e *BeforeWaitError) Error() string { return "client: before wait: " + e.Err.Error() }

func (e *BeforeWaitError) Unwrap() error { return e.Err }

// A SessionGoneError says that a session which this source has followed is not known
// to its server any more (404): it has ended and was forgotten, or the server was
// restarted. It is permanent.
type SessionGoneError struct {
	Session string         // its id
	Err     *ResponseError // what the server answered
}

func (e *SessionGoneError) Error() string {
	return fmt.Sprintf("client: session %q is gone: it has ended, or the server was restarted", e.Session)
}

func (e *SessionGoneError) Unwrap() error { return e.Err }

// An InterruptedError ends the loop over a request that must not be repeated
// (see Request.Repeat) and whose stream broke.
type InterruptedError struct {
	Method string
	Err    error
}

func (e *InterruptedError) Error() string {
	return fmt.Sprintf("client: %s stream interrupted, and not repeated: %s", e.Method, trimPrefix(e.Err))
}

func (e *InterruptedError) Unwrap() error { return e.Err }

// trimPrefix is the error's text without this package's prefix, for use behind
// another one.
func trimPrefix(err error) string {
	const prefix = "client: "
	s := err.Error()
	if len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):]
	}
	return s
}
