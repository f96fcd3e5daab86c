package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

// hostile is text that a terminal would obey: clear the screen, set the title,
// answer back, move the cursor, C1, delete, bidi, line separator, a stray byte.
const hostile = "a\x1b[2J\x1b]0;title\x07\x1b[5n\b\b\r\u009b31m\x7f\u202e\u2066\u2028\x9bz"

// hostileServer speaks HTTP by hand, since net/http would not let it say this.
func hostileServer(t *testing.T, response string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.WriteString(c, response)
			}
			c.Close()
		}
	})
	return "http://" + l.Addr().String()
}

func streamOf(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Note: " + hostileHeader + "\r\nConnection: close\r\n\r\n" + body
}

// hostileHeader is what of it a header can hold and a client lets pass.
const hostileHeader = "a\u009b31m\u202e\x9bz"

// wireData is hostile data in an event: a CR would end the line.
var wireData = strings.ReplaceAll(hostile, "\r", "")

// hostileJSON is the inside of a JSON string that says it: the controls below
// U+0020 escaped, as they must be, and the others as they are.
var hostileJSON = strings.NewReplacer("\x1b", `\u001b`, "\x07", `\u0007`, "\b", `\b`, "\r", `\r`).Replace(hostile)

// ours are the only sequences that may come Out: colours, and the live line's.
var ours = regexp.MustCompile("\x1b\\[[0-9;]*m|\r\x1b\\[2K")

// acts finds the first character that a terminal would obey.
func acts(out string) (rune, bool) {
	for _, r := range ours.ReplaceAllString(out, "") {
		bad := unicode.Is(unicode.Cc, r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028
		if bad {
			return r, true
		}
	}
	return unicode.ReplacementChar, !utf8.ValidString(out)
}

// TestNothingHostileReachesATerminal goes through every way to the screen.
func TestNothingHostileReachesATerminal(t *testing.T) {
	envelope := func(member string) string {
		return fmt.Sprintf("id: 1\ndata: "+member+"\n\n", hostileJSON)
	}
	plain := fmt.Sprintf("id: %[1]s\nevent: %[1]s\ndata: %[1]s\ndata: x\n\n", wireData)
	for _, body := range []struct{ name, response string }{
		{"event", streamOf(plain)},
		{"message", streamOf(envelope(`{"event":"message","sessionId":"%[1]s","data":{"role":"%[1]s","text":"%[1]s"}}`))},
		{"status", streamOf(envelope(`{"event":"status","data":{"status":"%[1]s","detail":"%[1]s"}}`))},
		{"kind", streamOf(envelope(`{"event":"%[1]s","data":{"%[1]s":"%[1]s"}}`))},
		{"approval", streamOf(envelope(`{"event":"approval","data":{"prompt":"%[1]s"}}`))},
		{"ended", streamOf(envelope(`{"event":"ended","data":{"reason":"%[1]s"}}`))},
		{"endless event", streamOf("data: " + strings.Repeat(hostile, 100))},
		{"refusal", "HTTP/1.1 418 " + hostileHeader + "\r\nContent-Type: text/plain\r\nX-Note: " + hostileHeader + "\r\n\r\n" + hostile},
		{"refusal in JSON", "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n" + `{"error":"` + hostileJSON + `"}`},
		{"content type", "HTTP/1.1 200 OK\r\nContent-Type: text/" + hostileHeader + "\r\n\r\nx"},
		{"encoding", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: " + hostileHeader + "\r\n\r\nx"},
		{"redirect", "HTTP/1.1 307 X\r\nLocation: gopher://" + hostileHeader + "\r\n\r\n"},
		{"gap", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nLast-Event-ID: " + hostileHeader + "\r\n\r\n" + plain},
		{"no HTTP", hostile + "\r\n\r\n"},
	} {
		for _, args := range []string{
			"-o text", "-o data", "-o json", "-o sse", "-o template={{.Data}}{{.Event}}{{.ID}}{{.Kind}}{{.Stream}}{{json`.JSON`}}",
			"-o text --timestamps", "-o data --timestamps", "-o sse --timestamps", "-o json --status json", "-v", "-o text -v",
			"--jq . -o text", "--jq [$id,$event,.] -o data", "--jq error -o text", "--filter .x.y", "--fail-on true", "--exec cat", "--fail-on-gap",
			"TWO", "TWO -o data", "TWO -o sse", "TWO -o json --status json",
		} {
			url := hostileServer(t, body.response)
			targets := []string{url + "/%1b%5b2J%9b"}
			words := strings.Fields(args)
			if words[0] == "TWO" {
				words = words[1:]
				targets = append(targets, url+"/%1b%5d0;%07")
			}
			var screen lockedBuffer
			run(&system.System{
				Args: append(append(words, "--last-event-id", "0", "--no-reconnect", "--color", "always"), targets...),
				In:   strings.NewReader(""), Out: &screen, Err: &screen, OutTTY: true, ErrTTY: true,
				Columns: func() int { return 80 }, Env: func(string) string { return "" },
			})
			if r, bad := acts(screen.String()); bad {
				t.Errorf("%s, %q: %U reaches the terminal:\n%q", body.name, args, r, screen.String())
			}
			if screen.String() == "" {
				t.Errorf("%s, %q: nothing was said", body.name, args)
			}
		}
	}
}

// TestDoctorIsSafe shows a hostile server's words on a terminal.
func TestDoctorIsSafe(t *testing.T) {
	for _, response := range []string{
		streamOf(fmt.Sprintf("%[1]s\n\nid: %[1]s\ndata: 1\n\nid: %[1]s\ndata: 2\n\n", wireData)),
		"HTTP/1.1 500 X\r\n\r\n" + hostile,
		"HTTP/1.1 503 X\r\nRetry-After: " + hostileHeader + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: " + hostileHeader + "\r\n\r\n",
		"HTTP/1.1 302 OK\r\nLocation: http://127.0.0.1:1/%1b\u009b\r\n\r\n",
		hostile,
	} {
		for _, format := range []string{"text", "json"} {
			var screen lockedBuffer
			run(&system.System{
				Args: []string{"doctor", "-o", format, "--for", "50ms", hostileServer(t, response) + "/%1b%9b"},
				Out:  &screen, Err: &screen, OutTTY: true, ErrTTY: true,
				Columns: func() int { return 80 }, Env: func(string) string { return "" },
			})
			if r, bad := acts(screen.String()); bad || screen.String() == "" {
				t.Errorf("%q, %s: %U reaches the terminal:\n%q", response, format, r, screen.String())
			}
		}
	}
}

// lockedBuffer is a screen that several write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
