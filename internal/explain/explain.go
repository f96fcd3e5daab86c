package explain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// What says what an error means, on one line that is safe to show.
func What(err error) string { return termsafe.Line(what(err)) }

func what(err error) string {
	if e, ok := errors.AsType[*Unsaved](err); ok {
		return e.what()
	}
	if e, ok := errors.AsType[*client.GiveUpError](err); ok {
		s := "gave up after " + Duration(e.Outage)
		if e.Attempts > 1 { // the first one was no retry
			s += " and " + Count(e.Attempts-1, "retry")
		}
		if e.RetryAfter > 0 {
			s += fmt.Sprintf(" (server asked to wait for %v)", Duration(e.RetryAfter))
		}
		return s + ": " + what(e.Err)
	}
	if e, ok := errors.AsType[*client.BeforeWaitError](err); ok {
		return "what was shown can't be written: " + what(e.Err)
	}
	if e, ok := errors.AsType[*client.SessionGoneError](err); ok {
		return "session " + e.Session + " is gone: " + what(e.Err)
	}
	if e, ok := errors.AsType[*client.GapError](err); ok {
		return gap(e)
	}
	if e, ok := errors.AsType[*client.InterruptedError](err); ok {
		return e.Method + " stream interrupted, and not repeated: " + what(e.Err)
	}
	if e, ok := errors.AsType[*session.TokenError](err); ok {
		return token(e)
	}
	if e, ok := errors.AsType[*client.ResponseError](err); ok { // behind those that hold one
		return response(e)
	}
	if e, ok := errors.AsType[*session.ListError](err); ok && e.StatusCode >= http.StatusMultipleChoices {
		return response(&client.ResponseError{StatusCode: e.StatusCode, Header: e.Header, Body: e.Body})
	}
	if e, ok := errors.AsType[*client.CursorError](err); ok {
		return cursor(e)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsNotFound {
			return "no such host: " + e.Name
		}
		return "can't look up " + e.Name + ": " + e.Err
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return "the server does not speak TLS"
	}
	for _, known := range []struct {
		err  error
		text string
	}{
		{sse.ErrIncomplete, "connection cut inside an event"},
		{io.ErrUnexpectedEOF, "connection cut"},
		{io.EOF, "connection closed without a response"},
		{syscall.ECONNREFUSED, "connection refused"},
		{syscall.ECONNRESET, "connection reset"},
		{syscall.EHOSTUNREACH, "no route to host"},
		{syscall.ENETUNREACH, "network is unreachable"},
		{context.DeadlineExceeded, "timed out"},
	} {
		if errors.Is(err, known.err) {
			return known.text + by(err)
		}
	}
	return withoutPrefix(err.Error())
}

// An Unsaved is the end of a run whose position could not be kept.
type Unsaved struct {
	Err  error
	Told bool // Err was said before
}

func (e *Unsaved) Error() string { return e.Err.Error() }

func (e *Unsaved) Unwrap() error { return e.Err }

func (e *Unsaved) what() string {
	const s = "the position is not kept: the next run begins where this one did"
	if e.Told {
		return s
	}
	return s + "; " + what(e.Err)
}

// withoutPrefix drops the names of packages, which mean nothing to a person.
func withoutPrefix(text string) string {
	for _, prefix := range []string{"client: ", "session: ", "sse: ", "http: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// by names who refused a connection: an address, and a proxy as one.
func by(err error) string {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok {
		return ""
	}
	proxy := op.Op == "proxyconnect"
	for proxy && op.Addr == nil {
		inner, ok := errors.AsType[*net.OpError](op.Err)
		if !ok {
			return " by the proxy"
		}
		op = inner
	}
	switch {
	case op.Op != "dial" || op.Addr == nil:
		return ""
	case proxy:
		return " by the proxy " + op.Addr.String()
	case op.Addr.Network() == "unix":
		return " at " + op.Addr.String()
	}
	return " by " + op.Addr.String()
}

// token is what went wrong with the exchange for a token, with what the server
// says about it.
func token(e *session.TokenError) string {
	s := withoutPrefix(e.Error())
	if said := Message(e.StatusCode, e.Header, e.Body); said != "" {
		s += ": " + said
	}
	return s
}

// cursor is what went wrong with the file of positions, once and without the names
// of packages.
func cursor(e *client.CursorError) string {
	verb := "the position can't be " + map[string]string{"load": "read", "save": "saved"}[e.Op]
	return verb + ": " + withoutPrefix(e.Err.Error())
}

// gap says what is missing, or may be.
func gap(e *client.GapError) string {
	verb := "may be"
	if Certain(e) {
		verb = "are"
	}
	s := "events " + verb + " missing behind event " + termsafe.Cut(termsafe.Line(e.Asked), 40)
	if e.Given != "" && e.Given != "earliest" {
		s += ", up to event " + termsafe.Cut(termsafe.Line(e.Given), 40)
	}
	return s + ": " + e.Reason
}

// Certain tells whether events are missing, and not only may be.
func Certain(e *client.GapError) bool { return e.Certain }
