package testserver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// A rawConn is a client that sees the bytes as they are on the wire.
type rawConn struct {
	net.Conn
	in *bufio.Reader
}

// dialRaw opens a connection that the test's end closes.
func dialRaw(t *testing.T, srv *testserver.Server) *rawConn {
	t.Helper()
	c, err := srv.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &rawConn{Conn: c, in: bufio.NewReader(c)}
}

// getRaw sends a request for a URL of the server, with headers such as "A: b".
func getRaw(t *testing.T, srv *testserver.Server, url string, header ...string) *rawConn {
	t.Helper()
	c := dialRaw(t, srv)
	header = append([]string{"Host: " + strings.TrimPrefix(srv.URL, "http://")}, header...)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\n%s\r\n\r\n", strings.TrimPrefix(url, srv.URL), strings.Join(header, "\r\n"))
	return c
}

// head reads the response's head, and leaves its body on the wire.
func (c *rawConn) head(t *testing.T) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatalf("no response: %v", err)
	}
	return resp
}

// rest reads what comes until the connection ends, and says how that was.
func (c *rawConn) rest() (got, end string) {
	b, err := io.ReadAll(c.in)
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		return string(b), "reset"
	case err != nil:
		return string(b), err.Error()
	case strings.HasSuffix(string(b), lastChunk):
		return strings.TrimSuffix(string(b), lastChunk), "clean"
	}
	return string(b), "cut"
}

const lastChunk = "0\r\n\r\n"

// chunk is a part of a body as HTTP/1.1 frames it.
func chunk(parts ...string) string {
	s := strings.Join(parts, "")
	return fmt.Sprintf("%x\r\n%s\r\n", len(s), s)
}

// Events of a plain stream, as they are on the wire.
const (
	one   = "id: 1\ndata: one\n\n"
	two   = "id: 2\ndata: two\n\n"
	three = "id: 3\ndata: fünf\n\n"
	four  = "id: 4\ndata: four\n\n"
	all   = one + two + three + four
)

// sendAll publishes these events.
func sendAll(t *testing.T, st *server.Stream) {
	t.Helper()
	sendText(t, st, all)
}

// sendText publishes events in their wire form.
func sendText(t *testing.T, st *server.Stream, text string) {
	t.Helper()
	for ev := range sse.Read(strings.NewReader(text)) {
		if err := st.Send(ev); err != nil {
			t.Error(err)
		}
	}
}
