package sse

import (
	"bufio"
	"errors"
	"net/http"

	"github.com/OneStepAt4time/resilient-sse/client"
	wire "github.com/OneStepAt4time/resilient-sse/sse"
)

// A failure is an error of the engine in the words of r3labs, which programs look
// for.
type failure struct {
	text string
	errs []error
}

func (f *failure) Error() string   { return f.text }
func (f *failure) Unwrap() []error { return f.errs }

// inTheirWords returns the error with r3labs' text, if that has one. The engine's
// is inside.
func inTheirWords(err error) error {
	if gaveUp, ok := err.(*client.GiveUpError); ok {
		// r3labs returns the last failure as it was.
		return &failure{inTheirWords(gaveUp.Err).Error(), []error{err}}
	}
	if refused, ok := errors.AsType[*client.ResponseError](err); ok && refused.StatusCode != http.StatusOK {
		return &failure{"could not connect to stream: " + http.StatusText(refused.StatusCode), []error{err}}
	}
	if _, ok := errors.AsType[*wire.LimitError](err); ok {
		return &failure{bufio.ErrTooLong.Error(), []error{err, bufio.ErrTooLong}}
	}
	return err
}
