package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// eventData is the data of the events of most measurements: 1 KiB.
var eventData = strings.Repeat("0123456789abcdef", 64)

// frame is one such event on the wire. Its id is the same each time: what a
// decoder does with it is not.
var frame = fmt.Appendf(nil, "id: 1234567\ndata: %s\n\n", eventData)

// stretch is a piece of stream large enough to be copied in few steps, and small
// enough to stay in the processor's cache.
var stretch = bytes.Repeat(frame, stretchFrames)

const stretchFrames = 64

// talk is a piece of a session's stream: events of 200 bytes.
var talk = bytes.Repeat([]byte("id: 5370\ndata: "+`{"event":"message","sessionId":"5e38af8b","timestamp":"2026-11-24T14:40:50.467Z",`+
	`"data":{"role":"user","text":"Please mend main.go, and run the tests","contentType":"text"},"emittedAt":1795531250467,"id":5370}`+"\n\n"), talkFrames)

const talkFrames = 256

// events is a stream of n frames, without a copy of it anywhere.
func events(n int) io.Reader {
	return io.LimitReader(&loop{stretch: stretch}, int64(n)*int64(len(frame)))
}

// loop repeats a stretch for ever.
type loop struct {
	stretch []byte
	pos     int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.stretch[l.pos:])
	l.pos = (l.pos + n) % len(l.stretch)
	return n, nil
}
