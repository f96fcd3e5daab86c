package sse_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// endless repeats a stretch of stream for ever.
type endless struct {
	stretch []byte
	pos     int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		k := copy(p[n:], e.stretch[e.pos:])
		n += k
		e.pos = (e.pos + k) % len(e.stretch)
	}
	return n, nil
}

func event(id, size int) string {
	return fmt.Sprintf("id: %d\ndata: %s\n\n", id, strings.Repeat("x", size))
}

// The stream of each benchmark repeats one block, so one operation is one event.
var streams = []struct{ name, block string }{
	{"64B", event(1234567, 64)},
	{"1KiB", event(1234567, 1<<10)},
	{"64KiB", event(1234567, 64<<10)},
	{"1MiB", event(1234567, 1<<20)},
	{"1KiB-type", "event: update\n" + event(1234567, 1<<10)},
	{"1KiB-CRLF", strings.ReplaceAll(event(1234567, 1<<10), "\n", "\r\n")},
	{"1KiB-no-id", "data: " + strings.Repeat("x", 1<<10) + "\n\n"},
	{"1KiB-UTF-8", "id: 1\ndata: " + strings.Repeat("é€", 205) + "\n\n"},
	{"1KiB-in-16-lines", "id: 1\n" + strings.Repeat("data: "+strings.Repeat("x", 64)+"\n", 16) + "\n"},
	{"comments", strings.Repeat(": ping\n\n", 8) + event(1, 64)},
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range streams {
		b.Run(s.name, func(b *testing.B) {
			dec := sse.NewDecoder(&endless{stretch: []byte(s.block)}, nil)
			b.SetBytes(int64(len(s.block)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dec.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The same one byte a read, as a slow sender over TLS may give it.
func BenchmarkDecodeOneByteReads(b *testing.B) {
	block := []byte(event(1234567, 1<<10))
	dec := sse.NewDecoder(oneByte{&endless{stretch: block}}, nil)
	b.SetBytes(int64(len(block)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dec.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	stream := bytes.Repeat([]byte(event(1234567, 1<<10)), 1000)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range sse.Read(bytes.NewReader(stream)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			enc := sse.NewEncoder(io.Discard)
			ev := sse.Event{ID: "1234567", HasID: true, Data: strings.Repeat("x", size)}
			b.SetBytes(int64(len(event(1234567, size))))
			b.ReportAllocs()
			for b.Loop() {
				if err := enc.Encode(ev); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
