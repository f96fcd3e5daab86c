package main

import (
	"fmt"
	"io"

	launchdarkly "github.com/launchdarkly/eventsource"
	gosse "github.com/tmaxmax/go-sse"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A decoder reads a stream to its end and returns how many events of the right
// size it had. Each event is the caller's to keep.
type decoder struct {
	name   string
	decode func(io.Reader) (int, error)
}

// decoders has ours first.
var decoders = []decoder{
	{"resilient-sse", decodeOurs},
	{"go-sse Read", decodeGoSSE},
	{"launchdarkly", decodeLaunchDarkly},
}

func decodeOurs(r io.Reader) (n int, err error) {
	dec := sse.NewDecoder(r, nil)
	for {
		ev, err := dec.Next()
		if err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n += whole(ev.Data)
	}
}

func decodeGoSSE(r io.Reader) (n int, err error) {
	for ev, err := range gosse.Read(r, nil) {
		if err != nil {
			return n, err
		}
		n += whole(ev.Data)
	}
	return n, nil
}

func decodeLaunchDarkly(r io.Reader) (n int, err error) {
	dec := launchdarkly.NewDecoder(r)
	for {
		ev, err := dec.Decode()
		if err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n += whole(ev.Data())
	}
}

// whole is 1 for an event that came as it was sent.
func whole[T ~string | ~[]byte](data T) int {
	if len(data) == len(eventData) {
		return 1
	}
	return 0
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
