package action

import (
	"bytes"
	"sync"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Output takes a command's output, so that it keeps its place among our own
// lines, and is made safe where it goes to a terminal: what a command repeats of
// a stream is not to be trusted more than the stream.
type Output struct {
	TTY   bool         // it goes to a terminal
	Print func([]byte) // gets what was written: whole lines, on a terminal

	mu  sync.Mutex
	buf []byte // of an unfinished line, on a terminal
}

// maxChildLine is how long a line may grow before it is shown in pieces.
const maxChildLine = 64 << 10

func (o *Output) Write(b []byte) (int, error) {
	if !o.TTY {
		o.Print(b)
		return len(b), nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = append(o.buf, b...)
	end := bytes.LastIndexByte(o.buf, '\n') + 1
	if len(o.buf) > maxChildLine {
		end = len(o.buf)
	}
	if end > 0 {
		o.Print(termsafe.AppendText(nil, string(o.buf[:end])))
		o.buf = append(o.buf[:0], o.buf[end:]...)
	}
	return len(b), nil
}

// Flush writes what has no line end yet.
func (o *Output) Flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.buf) > 0 {
		o.Print(termsafe.AppendText(nil, string(append(o.buf, '\n'))))
		o.buf = o.buf[:0]
	}
}
