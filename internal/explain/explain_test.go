package explain_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

func refused(status int, contentType, body string) error {
	return &client.ResponseError{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
}

func TestWords(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, test := range []struct {
		err  error
		what string
		hint string // its beginning; empty: none
	}{
		{dial, "connection refused", "is the server running?"},
		{&client.GiveUpError{Outage: 5 * time.Minute, Attempts: 1, Err: dial}, "gave up after 5m and 1 failed attempt: connection refused", "is the server running?"},
		{&client.GiveUpError{Outage: time.Second, Attempts: 2, RetryAfter: time.Hour, Err: io.EOF},
			"gave up after 1s and 2 failed attempts (server asked to wait for 1h): connection closed without a response", ""},
		{&net.DNSError{Name: "nowhere", IsNotFound: true}, "no such host: nowhere", "is the host's name right?"},
		{refused(401, "", ""), "server answered 401 Unauthorized", "set SSE_TAIL_TOKEN"},
		{refused(404, "application/json", `{"error":"Session not found"}`), "server answered 404 Not Found: Session not found", "is the id right?"},
		{refused(404, "text/plain", "404 page\nmore"), "server answered 404 Not Found: 404 page", "is the address right?"},
		{refused(404, "text/plain", "Not Found\n"), "server answered 404 Not Found", "is the address right?"},
		{refused(502, "text/html", "<html>\x1b"), "server answered 502 Bad Gateway", ""},
		{refused(503, "application/json", `{"message":"a\u001b[2Jb"}`), `server answered 503 Service Unavailable: a\x1b[2Jb`, ""},
		{&client.ResponseError{StatusCode: 200, Reason: "content type is x"}, "content type is x", "is the path right?"},
		{&session.TokenError{StatusCode: 401, Reason: "was refused"}, "token was refused: server answered 401 Unauthorized", ""},
		{&client.InterruptedError{Method: "POST", Err: io.ErrUnexpectedEOF}, "POST stream interrupted, and not repeated: connection cut", ""},
		{sse.ErrIncomplete, "connection cut inside an event", ""},
		{client.ErrIdle, "no byte within the idle timeout", "does a proxy hold the stream back?"},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), "timed out", ""},
		{fmt.Errorf("%w: x", client.ErrLocked), "cursor file is in use by another process: x", "another sse-tail is following"},
		{errors.New("odd\r\x1b[2J"), `odd\r\x1b[2J`, ""},
	} {
		if got := explain.What(test.err); got != test.what {
			t.Errorf("What(%v): got %q, want %q", test.err, got, test.what)
		}
		if got := explain.Hint(test.err); !strings.HasPrefix(got, test.hint) || test.hint == "" && got != "" {
			t.Errorf("Hint(%v): got %q, want %q", test.err, got, test.hint)
		}
	}
}

func TestNumbers(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 300 * time.Microsecond: "<1ms", 12345 * time.Microsecond: "12ms", 1234 * time.Millisecond: "1.2s",
		12345 * time.Millisecond: "12s", 5 * time.Minute: "5m", 90 * time.Second: "1m30s", time.Hour: "1h", 90 * time.Minute: "1h30m",
	} {
		if got := explain.Duration(d); got != want {
			t.Errorf("Duration(%d): got %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_234_567: "1.2 MB", 999_960: "1.0 MB", 1 << 62: "4.6 EB"} {
		if got := explain.Bytes(n); got != want {
			t.Errorf("Bytes(%d): got %s, want %s", n, got, want)
		}
	}
	if one, two := explain.Count(1, "event"), explain.Count(0, "event"); one != "1 event" || two != "0 events" {
		t.Errorf("got %s, %s", one, two)
	}
}
