package sse_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// An event of exactly the limit passes and one of a byte more does not, also
// where the limit falls together with the size of a buffer.
func TestLimitBoundary(t *testing.T) {
	for _, limit := range []int{6, 100, 2<<10 - 1, 2 << 10, 2<<10 + 1, 64 << 10, 1 << 20, 0} {
		size := limit
		if limit == 0 {
			size = sse.DefaultMaxEventSize
		}
		line := func(n int) string { return "data:" + strings.Repeat("x", n-len("data:\n")) + "\n" }
		lines := strings.Repeat("data\n", size/len("data\n"))
		for name, tt := range map[string]struct {
			block string
			fits  bool
		}{
			"one line that fits":        {line(size), true},
			"one line that does not":    {line(size + 1), false},
			"empty lines that fit":      {lines, true},
			"empty lines that do not":   {lines + "data\n", false},
			"a line without an end":     {strings.Repeat("x", 2*size), false},
			"a comment that is too big": {":" + strings.Repeat("x", size), false},
		} {
			if limit == 0 && strings.HasPrefix(name, "empty lines") {
				continue // three million lines show no more than the sizes before
			}
			t.Run(fmt.Sprintf("%d/%s", limit, name), func(t *testing.T) {
				dec := sse.NewDecoder(strings.NewReader(tt.block+"\n"), &sse.DecoderOptions{MaxEventSize: limit})
				_, err := dec.Next()
				tooLong, ok := errors.AsType[*sse.LimitError](err)
				switch {
				case tt.fits && err != nil:
					t.Errorf("got %v, want an event", err)
				case !tt.fits && !ok:
					t.Errorf("got %v, want a *LimitError", err)
				case !tt.fits && tooLong.Limit != size:
					t.Errorf("got limit %d, want %d", tooLong.Limit, size)
				}
			})
		}
	}
}

func TestLimitErrorNamesTheLimit(t *testing.T) {
	dec := sse.NewDecoder(strings.NewReader("data: 0123456789\n\ndata: a\n\n"), &sse.DecoderOptions{MaxEventSize: 12})
	_, err := dec.Next()
	if want := "sse: event is longer than the limit of 12 bytes"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	if _, again := dec.Next(); again != err {
		t.Errorf("a second call gave %v, want the same error", again)
	}
}

// A stream that never ends its line is left at the limit, and no later.
func TestLimitStopsReading(t *testing.T) {
	const limit = 100 << 10
	src := &counted{r: &endless{stretch: []byte("data: x")}}
	dec := sse.NewDecoder(src, &sse.DecoderOptions{MaxEventSize: limit})
	if _, err := dec.Next(); err == nil {
		t.Fatal("an endless line gave an event")
	}
	if src.n > 2*limit {
		t.Errorf("%d bytes were read, with a limit of %d", src.n, limit)
	}
}

// counted counts what is read.
type counted struct {
	r     io.Reader
	n     int
	reads int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	c.reads++
	return n, err
}
