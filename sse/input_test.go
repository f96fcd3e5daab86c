package sse

import (
	"bytes"
	"strings"
	"testing"
)

// A worker gives a stream in small reads and watches, from inside of them, what
// the decoder did since the last one: that is its work, counted in bytes. A byte
// that was looked at already it turns into a line end: looked at again, it would
// tear its line in two.
type worker struct {
	in     *input
	stream *bytes.Reader
	most   int  // bytes a read
	trap   byte // the line end

	buf     *byte // the buffer at the last read
	current int   // and how far it was filled
	copied  int
	biggest int // buffer
}

func (w *worker) Read(p []byte) (int, error) {
	in := w.in
	// Here the buffer holds the line that is not complete, from its front.
	if now := &in.buf[0]; now != w.buf || in.end < w.current {
		w.copied += in.end
		w.buf = now
	}
	if in.end > len("data: ") { // what stands in front says which field it is
		in.buf[in.end-1] = w.trap
	}
	n, err := w.stream.Read(p[:min(w.most, len(p))])
	w.current = in.end + n
	w.biggest = max(w.biggest, len(in.buf))
	return n, err
}

// Time is linear in the bytes, also for reads of one byte. Work is counted, not
// timed: each byte is looked at once for LF and once for CR, and copied a few
// times at most.
func TestWorkIsLinear(t *testing.T) {
	for name, stream := range map[string]string{
		"one long line":  "data: " + strings.Repeat("x", 1<<18) + "\n\n",
		"long lines":     strings.Repeat("data: "+strings.Repeat("x", 50<<10)+"\n\n", 5),
		"short lines":    strings.Repeat("data: x\n\n", 1<<14),
		"CR":             strings.Repeat("data: x\r\r", 1<<14),
		"empty lines":    strings.Repeat("\n", 1<<18),
		"long and short": strings.Repeat("data: "+strings.Repeat("x", 3000)+"\ndata\n\r\n", 200),
		"data lines":     strings.Repeat("data: x\n", 1<<15) + "\n",
		"no line end":    strings.Repeat("x", 1<<18),
	} {
		want, wantErr := countEvents(NewDecoder(strings.NewReader(stream), nil))
		for i, most := range []int{1, 1, 7, 7, 1000, 1000, 1 << 20} {
			d := NewDecoder(nil, nil)
			w := &worker{in: &d.in, stream: bytes.NewReader([]byte(stream)), most: most, trap: "\n\r"[i%2]}
			d.in.r = w
			if n, err := countEvents(d); n != want || err != wantErr {
				t.Errorf("%s, reads of %d: %d events, %v; want %d, %v: bytes were looked at twice", name, most, n, err, want, wantErr)
			}
			if w.copied > 3*len(stream) {
				t.Errorf("%s, reads of %d: %d bytes moved, want no more than 3 for each of %d", name, most, w.copied, len(stream))
			}
			if w.biggest > 4*max(maxBuffer, len(stream)) {
				t.Errorf("%s, reads of %d: the buffer grew to %d", name, most, w.biggest)
			}
		}
	}
}

func countEvents(d *Decoder) (n int, err error) {
	for ; err == nil; n++ {
		_, err = d.Next()
	}
	return n - 1, err
}

// A buffer that a burst made large is given back when the stream is quiet again.
func TestBufferOfAQuietStream(t *testing.T) {
	pr := &script{}
	d := NewDecoder(pr, nil)
	burst := strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n\n", 500)
	quiet := "data: x\n\n"
	for range 3 {
		for _, part := range []struct {
			give string
			n    int
		}{{burst, 500}, {strings.Repeat(quiet, 2*quietReads), 2 * quietReads}} {
			pr.rest, pr.most = part.give, len(part.give)/part.n
			if part.n == 500 {
				pr.most = maxBuffer
			}
			for range part.n {
				if _, err := d.Next(); err != nil {
					t.Fatal(err)
				}
			}
			if part.n == 500 && len(d.in.buf) < maxBuffer/2 {
				t.Errorf("after a burst the buffer has %d bytes, want a large one", len(d.in.buf))
			}
			if part.n != 500 && len(d.in.buf) != minBuffer {
				t.Errorf("after %d small reads the buffer has %d bytes, want %d", part.n, len(d.in.buf), minBuffer)
			}
		}
	}
}

// script gives what it is told, in reads of at most so many bytes.
type script struct {
	rest string
	most int
}

func (s *script) Read(p []byte) (int, error) {
	n := copy(p[:min(len(p), s.most)], s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
