package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Retryable is what Options.Retryable is unless it is set. It lets pass:
//
//   - whatever happens below HTTP: dialling, a TLS handshake cut short, a
//     connection reset, a timeout, the end of the stream, clean or not;
//   - 408, 425, 429 and every 5xx but 501 and 505;
//   - once the stream has been open, 404 and a response that is not an event
//     stream, as a deploy behind a balancer gives; but not a session stream's own
//     "session not found".
//
// The statuses hold for an exchange of a [session.TokenSource] as well.
//
// Everything else is permanent: other statuses, redirects that can't be
// followed, an event over the limit, a gap where that is an error, a certificate
// that does not verify, and what is marked with [backoff.Permanent].
func Retryable(err error, opened bool) bool {
	if backoff.IsPermanent(err) {
		return false
	}
	if refused, ok := errors.AsType[*ResponseError](err); ok {
		return retryableResponse(refused, opened)
	}
	if status, _ := answered(err); status != 0 { // of the exchange for a token
		return retryableStatus(status)
	}
	return !is[*RedirectError](err) && !is[*GapError](err) &&
		!is[*sse.LimitError](err) && !badCertificate(err)
}

func retryableResponse(e *ResponseError, opened bool) bool {
	switch code := e.StatusCode; code {
	case http.StatusOK: // not an event stream
		return opened
	case http.StatusNotFound:
		return opened && !session.NotFound(code, e.Body)
	default:
		return retryableStatus(code)
	}
}

// gone says more of a session that is not known any more, although this source has
// followed it, or an earlier process whose cursor it has.
func (r *run) gone(err error) error {
	refused, ok := err.(*ResponseError)
	if !ok || r.kind != sessionStream || !r.opened && !r.followed || !session.NotFound(refused.StatusCode, refused.Body) {
		return err
	}
	id, _ := session.IDOf(r.url.EscapedPath())
	return &SessionGoneError{Session: id, Err: refused}
}

func retryableStatus(code int) bool {
	switch {
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests:
		return true
	case code == http.StatusNotImplemented, code == http.StatusHTTPVersionNotSupported:
		return false
	default:
		return code >= 500
	}
}

func badCertificate(err error) bool {
	return is[*tls.CertificateVerificationError](err) || is[x509.UnknownAuthorityError](err) ||
		is[x509.HostnameError](err) || is[x509.CertificateInvalidError](err)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// answered returns status and header of the response over which an attempt
// failed: the stream's own, or that of the exchange for its token. The status is 0
// if there was none.
func answered(err error) (status int, h http.Header) {
	if e, ok := errors.AsType[*ResponseError](err); ok {
		return e.StatusCode, e.Header
	}
	if e, ok := errors.AsType[*session.TokenError](err); ok {
		return e.StatusCode, e.Header
	}
	return 0, nil
}

// retryAfter returns how long a refused response asks to wait, in seconds or
// until a date (RFC 9110, section 10.2.3); 0 if it does not ask.
func retryAfter(err error) time.Duration {
	_, header := answered(err)
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(date), 0), maxRetryAfter)
	}
	return 0
}

// maxRetryAfter keeps a wait that a server asks for a duration.
const maxRetryAfter = 365 * 24 * time.Hour
