package explain

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Facts are what is known of a stream beside its error. The zero value is a stream
// of which nothing is known.
type Facts struct {
	Server string // of a session, or of all of a server's; else empty
	Sent   string // what was sent as credentials: "token", "password", "header", "URL"; empty for nothing
	Opened bool   // it has been open
	POST   bool   // the request has a body
}

// A Hinted is an error of which it is known what to do about it.
type Hinted struct {
	Err  error
	Text string
}

func (e *Hinted) Error() string { return e.Err.Error() }

func (e *Hinted) Unwrap() error { return e.Err }

// WithHint is the error with what the facts make of it.
func (f Facts) WithHint(err error) error {
	if err == nil || errors.As(err, new(*Hinted)) {
		return err
	}
	return &Hinted{err, f.Hint(err)}
}

// Hint says what to do about an error of a stream of which no facts are known;
// empty if nothing is.
func Hint(err error) string { return Facts{}.Hint(err) }

// Hint says what to do about an error; empty if nothing is known.
func (f Facts) Hint(err error) string {
	if e, ok := errors.AsType[*Hinted](err); ok {
		return e.Text
	}
	if e, ok := errors.AsType[*session.TokenError](err); ok {
		return f.tokenHint(e)
	}
	if _, ok := errors.AsType[*client.SessionGoneError](err); ok {
		f.Opened = true
	}
	if e, ok := errors.AsType[*client.ResponseError](err); ok {
		return f.responseHint(e)
	}
	if e, ok := errors.AsType[*session.ListError](err); ok && e.StatusCode != 0 {
		return f.listHint(e)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return "is the host's name right?"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "for a private authority use --cacert FILE"
	}
	if e, ok := errors.AsType[*sse.LimitError](err); ok {
		return fmt.Sprintf("if events may be larger than %s: --max-event", Bytes(int64(e.Limit)))
	}
	if _, ok := errors.AsType[*client.GapError](err); ok {
		return "to go on in spite of it: --accept-gap"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		return "a proxy is set, by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or --proxy; --noproxy HOST goes without"
	}
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return "is it http:// instead of https://?"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "is the server running? one to try: sse-tail serve --demo"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another server is there already; any free port: --listen 127.0.0.1:0"
	case errors.Is(err, client.ErrLocked):
		return "another sse-tail is following with this cursor; give each its own --cursor FILE"
	case errors.Is(err, client.ErrIdle), errors.Is(err, client.ErrHeaderTimeout):
		return "does a proxy hold the stream back? ask: sse-tail doctor URL"
	case errors.Is(err, os.ErrPermission):
		return "may this user read and write there?"
	case TalksTLS(err):
		return "is it https:// instead of http://?"
	}
	return ""
}

// TalksTLS tells of a failed request of plain HTTP whether the server answered with
// TLS.
func TalksTLS(err error) bool { return strings.Contains(err.Error(), "malformed HTTP response") }

const (
	giveToken = "set SSE_TAIL_TOKEN, or use --token-file or --token-cmd"
	askDoctor = "ask: sse-tail doctor URL"
)

func (f Facts) responseHint(e *client.ResponseError) string {
	body := string(e.Body)
	switch {
	case strings.HasPrefix(e.Reason, "content encoding"):
		return "the server compresses, although it was asked not to; --compressed accepts gzip"
	case strings.HasPrefix(e.Reason, "content type is \"application/json") && f.POST:
		return "does the request ask for a stream? servers of language models want \"stream\": true"
	case e.Reason != "":
		return "is the path right? this URL has something else than a stream; " + askDoctor
	case e.StatusCode == http.StatusBadRequest && (strings.Contains(body, "to an HTTPS server") || strings.Contains(body, "to HTTPS port")):
		return "is it https:// instead of http://?"
	case e.StatusCode == http.StatusUnauthorized:
		return f.unauthorized(e.Header)
	case e.StatusCode == http.StatusForbidden:
		return f.forbidden()
	case e.StatusCode == http.StatusProxyAuthRequired:
		return "the proxy wants a user: --proxy http://USER:PASSWORD@HOST:PORT"
	case session.NotFound(e.StatusCode, e.Body) && f.Opened:
		return "the session has ended, or the server was restarted; " + f.sessions("those that there are")
	case session.NotFound(e.StatusCode, e.Body), f.Server != "" && e.StatusCode == http.StatusBadRequest:
		return "is the id right? " + f.sessions("those that there are")
	case e.StatusCode == http.StatusNotFound && f.Opened:
		return "nothing is at this path any more; was the server changed?"
	case e.StatusCode == http.StatusNotFound:
		return "is the address right? nothing is at this path; " + askDoctor
	case e.StatusCode == http.StatusMethodNotAllowed:
		return f.method(termsafe.Cut(termsafe.Line(e.Header.Get("Allow")), 40))
	case e.StatusCode == http.StatusTooManyRequests && f.Server != "":
		return "servers allow some streams an address (Aegis: ten); one stream has all sessions: --all"
	}
	return ""
}

// sessions names the command that lists them.
func (f Facts) sessions(what string) string {
	if f.Server == "" {
		return what + ": sse-tail sessions"
	}
	return what + ": sse-tail sessions -s " + f.Server
}

// method is what to ask with, where the server says what it takes.
func (f Facts) method(allowed string) string {
	switch {
	case allowed == "":
		return "another method: -X"
	case f.POST && !strings.Contains(allowed, http.MethodPost):
		return "the server takes " + allowed + " here, and no body: leave out -d"
	}
	return "the server takes " + allowed + " here: -X"
}

func (f Facts) unauthorized(h http.Header) string {
	scheme, _, _ := strings.Cut(h.Get("WWW-Authenticate"), " ")
	basic := strings.EqualFold(scheme, "Basic")
	switch {
	case basic && f.Sent == "password":
		return "are user and password right?"
	case basic:
		return "the server wants a user and a password: -u USER, or a line in ~/.netrc"
	case f.Sent == "token" && f.Server != "":
		return "is the token right, and still valid? newer servers want one for each connection: --sse-token"
	case f.Sent != "":
		return map[string]string{
			"token":    "is the token right, and still valid?",
			"password": "are user and password right? the server does not say that it wants any",
			"header":   "is what -H sends right, and still valid?",
			"URL":      "is the secret in the URL right, and still valid?",
		}[f.Sent]
	}
	return giveToken
}

func (f Facts) forbidden() string {
	switch f.Sent {
	case "":
		return "nothing was sent that says who asks; " + giveToken + ", or -u USER"
	case "token":
		return "the server knows this token, and does not let it follow this stream"
	}
	return "the server knows who asks, and does not let them follow this stream"
}

// listHint is about a server's list of sessions.
func (f Facts) listHint(e *session.ListError) string {
	if e.StatusCode == http.StatusNotFound || e.Err != nil {
		return "is it a server of sessions? " + f.Server + session.ListPath + " should list them"
	}
	return f.responseHint(&client.ResponseError{StatusCode: e.StatusCode, Header: e.Header, Body: e.Body})
}

// tokenHint is about the exchange of --sse-token.
func (f Facts) tokenHint(e *session.TokenError) string {
	switch e.StatusCode {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "this server exchanges no tokens: leave out --sse-token"
	case http.StatusUnauthorized, http.StatusForbidden:
		return "is the key right that is to be exchanged?"
	case http.StatusTooManyRequests:
		return "the server hands out some tokens at a time; others of this key wait for their connections"
	}
	return ""
}
