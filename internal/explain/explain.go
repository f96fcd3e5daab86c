// Package explain says in a person's words what went wrong with a stream, and
// what to do about it where that is known.
package explain

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// What says what an error means, on one line that is safe to show.
func What(err error) string { return termsafe.Line(what(err)) }

func what(err error) string {
	if e, ok := errors.AsType[*client.GiveUpError](err); ok {
		s := fmt.Sprintf("gave up after %v and %s", Duration(e.Outage), Count(e.Attempts, "failed attempt"))
		if e.RetryAfter > 0 {
			s += fmt.Sprintf(" (server asked to wait for %v)", Duration(e.RetryAfter))
		}
		return s + ": " + what(e.Err)
	}
	if e, ok := errors.AsType[*client.ResponseError](err); ok {
		return response(e)
	}
	if e, ok := errors.AsType[*client.InterruptedError](err); ok {
		return e.Method + " stream interrupted, and not repeated: " + what(e.Err)
	}
	if e, ok := errors.AsType[*session.TokenError](err); ok {
		return strings.TrimPrefix(e.Error(), "session: ")
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsNotFound {
			return "no such host: " + e.Name
		}
		return "can't look up " + e.Name + ": " + e.Err
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
			return known.text
		}
	}
	return strings.TrimPrefix(err.Error(), "client: ")
}

// response is a refusal, with what the server says about it.
func response(e *client.ResponseError) string {
	if e.Reason != "" {
		return e.Reason
	}
	s := fmt.Sprintf("server answered %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	if said := message(e); said != "" {
		s += ": " + said
	}
	return s
}

// message is the part of a refusal's body that a person wants: the error of a
// JSON object, or the first line of a text. A page of HTML says nothing here.
func message(e *client.ResponseError) string {
	var body struct {
		Error   any    `json:"error"`
		Message string `json:"message"`
	}
	if json.Unmarshal(e.Body, &body) == nil {
		if text, ok := body.Error.(string); ok && text != "" {
			return text
		}
		return body.Message
	}
	if !strings.HasPrefix(e.Header.Get("Content-Type"), "text/plain") {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(e.Body)), "\n")
	if strings.EqualFold(line, http.StatusText(e.StatusCode)) {
		return ""
	}
	return termsafe.Cut(line, 200)
}

// Hint says what to do about an error; empty if nothing is known.
func Hint(err error) string {
	if e, ok := errors.AsType[*client.ResponseError](err); ok {
		return responseHint(e)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return "is the host's name right?"
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && e.Conn != nil {
		return "the server does not speak TLS: is it http:// instead of https://?"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "for a private authority use --cacert FILE"
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "is the server running? one to try: sse-tail serve --demo"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another server is there already; any free port: --listen 127.0.0.1:0"
	case errors.Is(err, client.ErrLocked):
		return "another sse-tail is following with this cursor; give each its own --cursor FILE"
	case errors.Is(err, client.ErrIdle), errors.Is(err, client.ErrHeaderTimeout):
		return "does a proxy hold the stream back? ask: sse-tail doctor URL"
	case isPermission(err):
		return "may this user read and write there?"
	case strings.Contains(err.Error(), "malformed HTTP response"):
		return "is it https:// instead of http://?"
	}
	return ""
}

func responseHint(e *client.ResponseError) string {
	switch {
	case e.Reason != "":
		return "is the path right? this URL has something else than a stream; ask: sse-tail doctor URL"
	case e.StatusCode == http.StatusUnauthorized:
		return "set SSE_TAIL_TOKEN, or use --token-file, --token-cmd or --sse-token"
	case e.StatusCode == http.StatusForbidden:
		return "the server knows this token, and does not let it follow this stream"
	case session.NotFound(e.StatusCode, e.Body):
		return "is the id right? all sessions of a server: sse-tail --all"
	case e.StatusCode == http.StatusNotFound:
		return "is the address right? nothing is at this path; ask: sse-tail doctor URL"
	case e.StatusCode == http.StatusMethodNotAllowed:
		return "another method: -X"
	}
	return ""
}

func isPermission(err error) bool { return errors.Is(err, os.ErrPermission) }

// Duration is a duration for a person: to the tenth of a second when it is short,
// to the second when it is not.
func Duration(d time.Duration) string {
	switch {
	case d > 0 && d < time.Millisecond:
		return "<1ms"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Minute:
		return d.Round(time.Second).String()
	}
	s := d.Round(time.Second).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Bytes is an amount of data for a person.
func Bytes(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/1000, 0
	for f >= 999.95 && unit < len(units)-1 {
		f, unit = f/1000, unit+1
	}
	return fmt.Sprintf("%.1f %cB", f, units[unit])
}

// Count is a number and its noun.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
