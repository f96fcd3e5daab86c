package main

import (
	"fmt"
	"io"
	"strings"

	launchdarkly "github.com/launchdarkly/eventsource"
	gosse "github.com/tmaxmax/go-sse"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A decoder reads a stream to its end and returns how many events of the right
// size it had. Each event is the caller's to keep.
type decoder struct {
	name   string
	decode func(r io.Reader, f feed) (int, error)
}

// decoders has ours first.
var decoders = []decoder{
	{"resilient-sse", decodeOurs},
	{"go-sse Read", decodeGoSSE},
	{"launchdarkly", decodeLaunchDarkly},
}

// copying is no decoder: it knows how long each event is, and where its data lies. It is
// what is left of decoding where each event is the caller's to keep.
const copying = "copying"

func copyAlone(r io.Reader, f feed) (int, error) {
	got, frame := f.count(), len(f.piece)/f.frames
	buf, have := make([]byte, max(32<<10, 2*frame)), 0
	var slab strings.Builder
	for {
		n, err := r.Read(buf[have:])
		have += n
		pos := 0
		for ; have-pos >= frame; pos += frame {
			data := buf[pos+frame-len("\n\n")-f.size : pos+frame-len("\n\n")]
			if slab.Cap()-slab.Len() < f.size {
				slab.Reset()
				slab.Grow(max(f.size, 4<<10))
			}
			from := slab.Len()
			slab.Write(data)
			got.see(len(slab.String()[from:]))
		}
		have = copy(buf, buf[pos:have])
		if err == io.EOF {
			return got.n, nil
		} else if err != nil {
			return got.n, err
		}
	}
}

func decodeOurs(r io.Reader, f feed) (int, error) {
	got := f.count()
	dec := sse.NewDecoder(r, nil)
	for {
		ev, err := dec.Next()
		if err == io.EOF {
			return got.n, nil
		} else if err != nil {
			return got.n, err
		}
		got.see(len(ev.Data))
	}
}

func decodeGoSSE(r io.Reader, f feed) (int, error) {
	got := f.count()
	for ev, err := range gosse.Read(r, nil) {
		if err != nil {
			return got.n, err
		}
		got.see(len(ev.Data))
	}
	return got.n, nil
}

func decodeLaunchDarkly(r io.Reader, f feed) (int, error) {
	got := f.count()
	dec := launchdarkly.NewDecoder(r)
	for {
		ev, err := dec.Decode()
		if err == io.EOF {
			return got.n, nil
		} else if err != nil {
			return got.n, err
		}
		got.see(len(ev.Data()))
	}
}

// allOf says whether all of the events came.
func allOf(got, want int, err error) error {
	if got == want {
		return nil // some end with an error where the stream does
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%d of %d events came", got, want)
}
