package sse_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// What is no event costs no memory, however much of it comes.
func TestMemoryOfLinesWithoutEvents(t *testing.T) {
	const lines = 100_000
	for name, line := range map[string]string{
		"comments":           ": keep-alive, and some more text\n",
		"comments and blank": ": keep-alive\n\n",
		"CRLF":               ": keep-alive\r\n\r\n",
		"unknown fields":     "unknown: field with a value\n",
		"bad UTF-8":          "unknown: \xFF\xFE\xC0\n",
		"blank lines":        "\n",
		"ids":                "id: 12345\n\n",
		"types":              "event: update\n\n",
		"retry":              "retry: 1500\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			stream := strings.Repeat(line, lines)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ev, err := sse.NewDecoder(strings.NewReader(stream), &sse.DecoderOptions{MaxEventSize: 1 << 10}).Next()
			runtime.ReadMemStats(&after)
			if err != io.EOF {
				t.Errorf("got %+v, %v; want io.EOF", ev, err)
			}
			if cost := after.TotalAlloc - before.TotalAlloc; cost > 256<<10 {
				t.Errorf("%d lines cost %d bytes, want no more than the buffer", lines, cost)
			}
		})
	}
}

// A decoded event is one allocation, which its data and its id share.
func TestAllocationsPerEvent(t *testing.T) {
	for _, s := range streams {
		if len(s.block) > 64<<10 {
			continue // larger than the buffer that is kept
		}
		t.Run(s.name, func(t *testing.T) {
			dec := sse.NewDecoder(&endless{stretch: []byte(s.block)}, nil)
			got := testing.AllocsPerRun(1000, func() {
				if _, err := dec.Next(); err != nil {
					t.Fatal(err)
				}
			})
			if got != 1 {
				t.Errorf("%v allocations an event, want 1", got)
			}
		})
	}
}

// Types are remembered, but not for ever: a server that invents one for each
// event must not fill the memory.
func TestMemoryOfTypes(t *testing.T) {
	var stream strings.Builder
	for i := range 100_000 {
		stream.WriteString("event: type-")
		for n := i; n > 0; n /= 26 {
			stream.WriteByte(byte('a' + n%26))
		}
		stream.WriteString("\ndata\n\n")
	}
	dec := sse.NewDecoder(strings.NewReader(stream.String()), nil)
	if _, err := dec.Next(); err != nil {
		t.Fatal(err)
	}
	before := heap()
	for range 99_998 {
		if _, err := dec.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 256<<10 {
		t.Errorf("the heap has grown by %d bytes over 100,000 types", grown)
	}
	if _, err := dec.Next(); err != nil { // the decoder was alive until here
		t.Fatal(err)
	}
}

// One huge event leaves no memory behind, in whichever field it was huge.
func TestMemoryAfterAHugeEvent(t *testing.T) {
	huge := strings.Repeat("x", 4<<20)
	for name, block := range map[string]string{
		"one line": "data: " + huge + "\n\n",
		"lines":    "data: " + huge + "\ndata: b\n\n",
		"id":       "id: " + huge + "\n\nid\n\ndata\n\n",
		"type":     "event: " + huge + "\n\ndata\n\n",
		"comment":  ":" + huge + "\n\ndata\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			stream := io.MultiReader(strings.NewReader(block), &endless{stretch: []byte("data: b\n\n")})
			dec := sse.NewDecoder(stream, nil)
			before := heap()
			for range 10_000 {
				if _, err := dec.Next(); err != nil {
					t.Fatal(err)
				}
			}
			if grown := int64(heap()) - int64(before); grown > 1<<20 {
				t.Errorf("%d bytes are kept", grown)
			}
			runtime.KeepAlive(dec)
			runtime.KeepAlive(block)
		})
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
