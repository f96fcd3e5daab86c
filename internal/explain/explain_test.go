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
	dial := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, test := range []struct {
		err  error
		what string
		hint string // its beginning; empty: none
	}{
		{dial, "connection refused by 127.0.0.1:9", "is the server running?"},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial}, "connection refused by the proxy 127.0.0.1:9", "a proxy is set"},
		{&net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: "/s", Net: "unix"}, Err: syscall.ECONNREFUSED}, "connection refused at /s", "is the server running?"},
		{fmt.Errorf("Get: %w", http.ErrSchemeMismatch), "the server does not speak TLS", "is it http:// instead of https://?"},
		{errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15"`), `net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15"`, "is it https:// instead of http://?"},
		{refused(400, "text/plain", "Client sent an HTTP request to an HTTPS server.\n"), "server answered 400 Bad Request: Client sent an HTTP request to an HTTPS server.", "is it https:// instead of http://?"},
		{&client.GiveUpError{Outage: 5 * time.Minute, Attempts: 1, Err: dial}, "gave up after 5m: connection refused by 127.0.0.1:9", "is the server running?"},
		{&client.GiveUpError{Outage: time.Second, Attempts: 2, RetryAfter: time.Hour, Err: io.EOF},
			"gave up after 1s and 1 retry (server asked to wait for 1h): connection closed without a response", ""},
		{&net.DNSError{Name: "nowhere", IsNotFound: true}, "no such host: nowhere", "is the host's name right?"},
		{refused(401, "", ""), "server answered 401 Unauthorized", "set SSE_TAIL_TOKEN"},
		{refused(404, "application/json", `{"error":"Session not found"}`), "server answered 404 Not Found: Session not found", "is the id right?"},
		{refused(404, "text/plain", "404 page\nmore"), "server answered 404 Not Found: 404 page", "is the address right?"},
		{refused(404, "text/plain", "Not Found\n"), "server answered 404 Not Found", "is the address right?"},
		{refused(502, "text/html", "<html>\x1b"), "server answered 502 Bad Gateway", ""},
		{refused(503, "application/json", `{"message":"a\u001b[2Jb"}`), `server answered 503 Service Unavailable: a\x1b[2Jb`, ""},
		{&client.ResponseError{StatusCode: 200, Reason: "content type is x"}, "content type is x", "is the path right?"},
		{&client.ResponseError{StatusCode: 200, Reason: "content encoding is x"}, "content encoding is x", "the server compresses"},
		{&session.TokenError{StatusCode: 401, Reason: "was refused"}, "token was refused: server answered 401 Unauthorized", "is the key right that is to be exchanged?"},
		{&session.TokenError{StatusCode: 404, Reason: "was refused"}, "token was refused: server answered 404 Not Found", "this server exchanges no tokens"},
		{&session.TokenError{StatusCode: 429, Body: []byte(`{"code":"X","message":"Five tokens are outstanding"}`), Reason: "was refused"},
			"token was refused: server answered 429 Too Many Requests: Five tokens are outstanding", "the server hands out some"},
		{&client.CursorError{Op: "save", Err: errors.New("client: disk full")}, "the position can't be saved: disk full", ""},
		{&client.GapError{Certain: true, Asked: "5", Given: "18", Reason: "replay starts later"}, "events are missing behind event 5, up to event 18: replay starts later", "to go on in spite of it: --accept-gap"},
		{&client.SessionGoneError{Session: "abc", Err: refused(404, "application/json", `{"error":"Session not found"}`).(*client.ResponseError)},
			"session abc is gone: server answered 404 Not Found: Session not found", "the session has ended, or the server was restarted; those that there are: sse-tail sessions"},
		{refused(405, "application/json", `{"error":"Method not allowed"}`), "server answered 405 Method Not Allowed", "another method: -X"},
		{&client.ResponseError{StatusCode: 405, Header: http.Header{"Allow": {"GET, HEAD"}}}, "server answered 405 Method Not Allowed", "the server takes GET, HEAD here: -X"},
		{&client.InterruptedError{Method: "POST", Err: refused(503, "", "")}, "POST stream interrupted, and not repeated: server answered 503 Service Unavailable", ""},
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

// TestMessages has what servers send with a refusal.
func TestMessages(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"message":"you must set stream: true","type":"invalid_request"}}`:        ": you must set stream: true",
		`{"error":"invalid_token","error_description":"The token expired"}`:                 ": invalid_token: The token expired",
		`{"error":"Bad Request","message":"id is no UUID"}`:                                 ": id is no UUID",
		`{"code":"VALIDATION_ERROR","message":"no UUID","requestId":"1","error":"no UUID"}`: ": no UUID",
		`{"title":"Bad Request","detail":"stream is missing"}`:                              ": stream is missing",
		`{"errors":[{"message":"one"},{"message":"two"}]}`:                                  ": one",
		`[{"error":{"message":"listed"}}]`:                                                  ": listed",
		`{ "odd": 1 }`:                                                                      `: {"odd":1}`,
		`{"error":{"message":"` + strings.Repeat("long ", 300):                              `: {"error":{"message":"` + strings.Repeat("long ", 35) + "lon…",
		`{"error":"Bad request"}`:                                                           "",
		"plain words\nmore":                                                                 ": plain words",
		"<html><head><title>\n Blocked by\npolicy </title>":                                 ": Blocked by policy",
		"<html><title>400 Bad Request</title>":                                              "",
		"400 Bad Request":                                                                   "",
		"Bad Request.":                                                                      "",
		"\x1f\x8b\x08\x00\xff\xfe\xfd\xfc binary":                                           "",
		"a\x1b[2Jb": `: a\x1b[2Jb`,
		"":          "",
	} {
		if got, want := explain.What(refused(400, "", body)), "server answered 400 Bad Request"+want; got != want {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
}

// TestHintsByFacts: the same answer means something else to someone else.
func TestHintsByFacts(t *testing.T) {
	basic := &client.ResponseError{StatusCode: 401, Header: http.Header{"Www-Authenticate": {`Basic realm="x"`}}}
	gone := refused(404, "application/json", `{"error":"Session not found"}`)
	for _, test := range []struct {
		facts explain.Facts
		err   error
		want  string // is in it
	}{
		{explain.Facts{}, basic, "-u USER"},
		{explain.Facts{Sent: "password"}, basic, "are user and password right?"},
		{explain.Facts{Sent: "token"}, refused(401, "", ""), "is the token right"},
		{explain.Facts{Sent: "token", Server: "http://h"}, refused(401, "", ""), "--sse-token"},
		{explain.Facts{Sent: "URL"}, refused(401, "", ""), "secret in the URL"},
		{explain.Facts{}, refused(403, "", ""), "nothing was sent"},
		{explain.Facts{Sent: "token"}, refused(403, "", ""), "knows this token"},
		{explain.Facts{Sent: "header"}, refused(403, "", ""), "knows who asks"},
		{explain.Facts{Server: "http://h"}, gone, "is the id right? those that there are: sse-tail sessions -s http://h"},
		{explain.Facts{Server: "http://h", Opened: true}, gone, "has ended, or the server was restarted; those that there are: sse-tail sessions -s http://h"},
		{explain.Facts{POST: true}, &client.ResponseError{StatusCode: 405, Header: http.Header{"Allow": {"GET, HEAD"}}}, "the server takes GET, HEAD here, and no body: leave out -d"},
		{explain.Facts{Opened: true}, refused(404, "text/html", ""), "any more"},
		{explain.Facts{Server: "http://h"}, refused(400, "application/json", `{"code":"VALIDATION_ERROR"}`), "is the id right?"},
		{explain.Facts{Server: "http://h"}, refused(429, "", ""), "--all"},
		{explain.Facts{POST: true}, &client.ResponseError{StatusCode: 200, Reason: `content type is "application/json", not text/event-stream`}, `"stream": true`},
	} {
		if got := test.facts.Hint(test.err); !strings.Contains(got, test.want) {
			t.Errorf("%+v, %v: got %q, want %q in it", test.facts, test.err, got, test.want)
		}
		if got := explain.Hint(&client.GiveUpError{Err: test.facts.WithHint(test.err)}); !strings.Contains(got, test.want) {
			t.Errorf("%+v, %v: wrapped: got %q, want %q in it", test.facts, test.err, got, test.want)
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
