package tail

import (
	"errors"
	"net/http"

	"github.com/OneStepAt4time/resilient-sse/internal/explain"
)

// Causes of the end that are not failures of a stream.
var (
	ErrDone    = errors.New("done") // Options.Count, or the filter's Until
	ErrTimeout = errors.New("--timeout is over")
)

// A LostError is a failure that would be retried, were it not for
// Options.NoReconnect.
type LostError struct{ Err error }

func (e *LostError) Error() string { return e.Err.Error() }

func (e *LostError) Unwrap() error { return e.Err }

// A WriteError is a failure to write what was shown.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return "what was shown can't be written: " + e.Err.Error() }

func (e *WriteError) Unwrap() error { return e.Err }

// A FailOnError is an event that the filter's FailOn matched.
type FailOnError struct{ Stream, ID string }

func (e *FailOnError) Error() string {
	if e.ID == "" {
		return "--fail-on matched an event of " + e.Stream
	}
	return "--fail-on matched event " + e.ID + " of " + e.Stream
}

// mistaken tells whether an address is wrong in a way that waiting does not mend:
// TLS where none is spoken, or none where it is.
func mistaken(err error, opened bool) bool {
	return !opened && (errors.Is(err, http.ErrSchemeMismatch) || explain.TalksTLS(err))
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
