package testserver

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// A shaped wire changes how body bytes get to the wire below it. All but write
// is the wire's own, if it doesn't say otherwise.
type shaped struct {
	wire
	how func(b []byte) error
}

func (w *shaped) write(b []byte) error { return w.how(b) }

// A gzipWire compresses, and never flushes.
type gzipWire struct {
	wire
	zw *gzip.Writer
}

func shapeGzip(w wire, _ *armed) wire {
	return &gzipWire{wire: w, zw: gzip.NewWriter(writerFunc(w.write))}
}

func (w *gzipWire) write(b []byte) error {
	_, err := w.zw.Write(b)
	return err
}

func (w *gzipWire) end() error {
	if err := w.zw.Close(); err != nil {
		w.wire.abort()
		return err
	}
	return w.wire.end()
}

type writerFunc func([]byte) error

func (f writerFunc) Write(b []byte) (int, error) {
	if err := f(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func shapeSlice(w wire, a *armed) wire {
	return &shaped{w, func(b []byte) error { return slice(w, a.random, b) }}
}

func slice(w wire, random *rand.Rand, b []byte) error {
	for len(b) > 0 {
		n := min(1+random.IntN(3), len(b))
		if err := w.write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// A dripWire pauses after each piece.
type dripWire struct {
	wire
	size  int
	pause time.Duration
	left  int // until the next pause
	dead  chan struct{}
	once  sync.Once
}

func shapeDrip(w wire, a *armed) wire {
	s := &a.fault.spec
	return &dripWire{wire: w, size: s.Bytes, pause: time.Duration(s.Every), left: s.Bytes, dead: make(chan struct{})}
}

func (w *dripWire) write(b []byte) error {
	for len(b) > 0 {
		if w.left == 0 {
			select {
			case <-time.After(w.pause):
				w.left = w.size
			case <-w.dead:
				return net.ErrClosed
			}
		}
		n := min(w.left, len(b))
		if err := w.wire.write(b[:n]); err != nil {
			return err
		}
		b, w.left = b[n:], w.left-n
	}
	return nil
}

func (w *dripWire) kill(hard bool) {
	w.once.Do(func() { close(w.dead) })
	w.wire.kill(hard)
}

// lineEnds is what lines end with. In the mixed one no CR stands before an LF,
// for the two would be one end.
var lineEnds = map[string][]string{
	"cr":    {"\r"},
	"crlf":  {"\r\n"},
	"mixed": {"\n", "\r", "\r\n"},
}

func shapeLineEnds(w wire, a *armed) wire {
	ends, next := lineEnds[a.fault.spec.Text], 0
	return &shaped{w, func(b []byte) error {
		var out []byte
		for line := range bytes.Lines(b) {
			if content, ok := bytes.CutSuffix(line, []byte("\n")); ok {
				out = append(append(out, content...), ends[next%len(ends)]...)
				next++
			} else {
				out = append(out, line...)
			}
		}
		return w.write(out)
	}}
}

func shapeBOM(w wire, _ *armed) wire {
	begun := false
	return &shaped{w, func(b []byte) error {
		if !begun {
			begun = true
			b = append([]byte("\xef\xbb\xbf"), b...)
		}
		return w.write(b)
	}}
}
