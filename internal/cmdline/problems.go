package cmdline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Problems collects what is wrong with a command line, so that all of it can be
// named in one message. A flag's parser stops at the first error; so the values of
// this package never return one and make a note of it here.
type Problems struct {
	list []string
	stop error
}

// Add notes a problem; one that is there already is not noted twice.
func (p *Problems) Add(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(p.list, s) {
		p.list = append(p.list, s)
	}
}

// AddError notes an error, or each of those that [errors.Join] has joined; nil is
// none.
func (p *Problems) AddError(err error) {
	if err == nil {
		return
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		p.Add("%v", err)
		return
	}
	for _, err := range joined.Unwrap() {
		p.AddError(err)
	}
}

// Stop notes an error that ends all reading of the command line, such as a signal
// while something was asked for. It is Err from then on.
func (p *Problems) Stop(err error) { p.stop = err }

// Any tells whether there are problems.
func (p *Problems) Any() bool { return len(p.list) > 0 || p.stop != nil }

// List returns them in the order in which they were found.
func (p *Problems) List() []string { return p.list }

// Err returns a [*UsageError] of them all; nil if there are none.
func (p *Problems) Err() error {
	if p.stop != nil {
		return p.stop
	}
	if len(p.list) == 0 {
		return nil
	}
	return &UsageError{Problems: p.list}
}

// A UsageError is a command line that makes no sense. It names all that is wrong
// with it.
type UsageError struct{ Problems []string }

func (e *UsageError) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0]
	}
	head := fmt.Sprintf("%d things are wrong with the command line:\n", len(e.Problems))
	return strings.ReplaceAll(head+strings.Join(e.Problems, "\n"), "\n", "\n  ")
}

// Said ends a command with a code, after all was said.
type Said struct{ Code int }

func (e *Said) Error() string { return fmt.Sprintf("exit %d", e.Code) }

// NoArgs refuses arguments, and what is wrong with the flags.
func NoArgs(p *Problems) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			p.Add("%s takes no arguments, and %q is one", cmd.Name(), args[0])
		}
		return p.Err()
	}
}
