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

// A decoded event is one allocation at most, which its data and its id share.
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
			if got > 1 {
				t.Errorf("%v allocations an event, want 1 at most", got)
			}
		})
	}
}

// Small events that came with one read share allocations.
func TestSmallEventsShareAllocations(t *testing.T) {
	stream := strings.Repeat(event(1234567, 64), 10_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for _, err := range sse.Read(strings.NewReader(stream)) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	runtime.ReadMemStats(&after)
	if got := after.Mallocs - before.Mallocs; n != 10_000 || got > 10_000/40 {
		t.Errorf("%d allocations for %d events", got, n)
	}
}

// What a kept event keeps beside itself is bounded, however small it is.
func TestKeptEventPinsLittle(t *testing.T) {
	const n = 1000
	for _, size := range []int{1, 200, 1016, 1017, 2000} {
		dec := sse.NewDecoder(&endless{stretch: []byte(event(1234567, size))}, nil)
		kept := make([]string, 0, n)
		before := heap()
		for i := range n * 100 {
			ev, err := dec.Next()
			if err != nil {
				t.Fatal(err)
			}
			if i%100 == 0 { // none of the others around it is kept
				kept = append(kept, ev.ID)
			}
		}
		grown := int64(heap()) - int64(before)
		if grown > n*(4<<10)+128<<10 { // and the decoder's buffer
			t.Errorf("%d events of %d bytes keep %d bytes each, want 4096 at most", n, size, grown/n)
		}
		runtime.KeepAlive(kept)
		runtime.KeepAlive(dec)
	}
}

// An event that comes alone takes what it needs: a stream with an event now and
// then holds no room for others.
func TestLoneEventTakesItsOwnSize(t *testing.T) {
	stream := strings.Repeat(event(1234567, 57), 1000)
	dec := sse.NewDecoder(&pieces{text: stream, size: len(event(1234567, 57))}, nil)
	if _, err := dec.Next(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 999 {
		if _, err := dec.Next(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / 999; got > 96 {
		t.Errorf("an event of 64 bytes takes %d", got)
	}
}

// pieces gives a text in reads of one size.
type pieces struct {
	text string
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	n := copy(b, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
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
