package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A feed is a stream without an end: a piece of it, again and again. All of its events
// have data of one size.
type feed struct {
	name   string
	piece  []byte
	frames int // in the piece
	size   int // of an event's data
}

// Pieces are large enough to be copied in few steps, and small enough to stay in the
// processor's cache.
var (
	small  = feedOf("200 B", 200, 256)
	medium = feedOf("1 KiB", 1<<10, 64)
	large  = feedOf("16 KiB", 16<<10, 4)

	plainFeeds = []feed{small, medium, large}
)

// feedOf makes a feed whose events have so much data. Their id is the same each time:
// what a decoder does with it is not.
func feedOf(name string, size, frames int) feed {
	frame := fmt.Appendf(nil, "id: 1234567\ndata: %s\n\n", strings.Repeat("01234567", size/8))
	return feed{name, bytes.Repeat(frame, frames), frames, size}
}

// talk is a session's stream: events of some 200 bytes, each with an id of its own, or
// they would be repeats of each other. There are more than a client remembers.
var talk = func() feed {
	const frames = 1024
	var piece bytes.Buffer
	size := 0
	for id := 5000; id < 5000+frames; id++ {
		data := fmt.Sprintf(`{"event":"message","sessionId":"5e38af8b","timestamp":"2026-11-24T14:40:50.467Z",`+
			`"data":{"role":"user","text":"Please mend main.go, and run the tests","contentType":"text"},"emittedAt":1795531250467,"id":%d}`, id)
		fmt.Fprintf(&piece, "id: %d\ndata: %s\n\n", id, data)
		size = len(data)
	}
	return feed{"session", piece.Bytes(), frames, size}
}()

// events is a stream of n events, without a copy of it anywhere. All frames of a feed
// have one length.
func (f feed) events(n int) io.Reader {
	return io.LimitReader(&loop{piece: f.piece}, int64(n)*int64(len(f.piece)/f.frames))
}

// loop repeats a piece for ever.
type loop struct {
	piece []byte
	pos   int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.piece[l.pos:])
	l.pos = (l.pos + n) % len(l.piece)
	return n, nil
}

// client is one whose every response is a stream of n events, without a network.
func (f feed) client(n int) *http.Client { return &http.Client{Transport: inMemory{f, n}} }

type inMemory struct {
	feed feed
	n    int
}

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"text/event-stream"}}, ContentLength: -1,
		Body: io.NopCloser(m.feed.events(m.n)), Request: r,
	}, nil
}

// A count is of a feed's events that came as they were sent.
type count struct{ size, n int }

func (f feed) count() count { return count{size: f.size} }

func (c *count) see(size int) {
	if size == c.size {
		c.n++
	}
}
