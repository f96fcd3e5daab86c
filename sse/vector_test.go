package sse_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/internal/vectors"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/sse/testdata"
)

// outcome is what a decoder makes of a stream.
type outcome struct {
	Comments []string
	Events   []sse.Event
	End      string
	LastID   string
	Retry    time.Duration
}

func want(v *vectors.Vector) outcome {
	return outcome{Comments: v.Comments, Events: v.Events, End: v.End, LastID: v.LastID, Retry: v.Retry}
}

// decode decodes a stream to its end.
func decode(r io.Reader, opts sse.DecoderOptions) outcome {
	var got outcome
	opts.Comment = func(text string) { got.Comments = append(got.Comments, text) }
	dec := sse.NewDecoder(r, &opts)
	for {
		ev, err := dec.Next()
		if err != nil {
			got.End, got.LastID, got.Retry = endOf(err), dec.LastEventID(), dec.Retry()
			return got
		}
		got.Events = append(got.Events, ev)
	}
}

// endOf names an error as the vectors do. An error that is none of ours is named
// by its text, which is no vector's end.
func endOf(err error) string {
	_, limit := errors.AsType[*sse.LimitError](err)
	switch {
	case err == io.EOF:
		return vectors.Clean
	case errors.Is(err, sse.ErrIncomplete):
		return vectors.Incomplete
	case limit:
		return vectors.Limit
	}
	return err.Error()
}

func TestVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.File+"/"+v.Name, func(t *testing.T) {
			opts := sse.DecoderOptions{LastEventID: v.Seed, MaxEventSize: v.Limit}
			check := func(how string, r io.Reader) {
				t.Helper()
				if diff := cmp.Diff(want(v), decode(r, opts)); diff != "" {
					t.Fatalf("%q %s (-want +got):\n%s", v.Stream, how, diff)
				}
			}
			check("whole", strings.NewReader(v.Stream))
			check("in reads of one byte", oneByte{strings.NewReader(v.Stream)})
			for seed := range uint64(32) {
				check(fmt.Sprintf("split by seed %d", seed), newSplit(v.Stream, seed))
			}
			checkPromptness(t, v, opts)
		})
	}
}

// checkPromptness decodes in reads of one byte and looks how many it took.
func checkPromptness(t *testing.T, v *vectors.Vector, opts sse.DecoderOptions) {
	left := strings.NewReader(v.Stream)
	dec := sse.NewDecoder(oneByte{left}, &opts)
	for _, want := range v.After {
		ev, err := dec.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := len(v.Stream) - left.Len(); want != 0 && got != want {
			t.Errorf("%q: event %q came after %d bytes, want %d", v.Stream, ev.Data, got, want)
		}
	}
}

// readVectors reads all of testdata.
func readVectors(t testing.TB) []*vectors.Vector {
	t.Helper()
	all, err := vectors.Read(testdata.Files)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
