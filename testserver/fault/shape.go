package fault

import (
	"bytes"
	"compress/gzip"
)

// An Out takes the bytes of a body.
type Out interface {
	Write(b []byte) error // each call is written at once
	End() error           // ends the body cleanly
}

// Shape puts what shapes the bytes before out, in the order of [Kinds]: a mark is put
// before the body, line ends are changed, then it is compressed, and cut into slices.
func (c *Conn) Shape(out Out) Out {
	for i := len(c.shapes) - 1; i >= 0; i-- {
		out = c.shapes[i].kind.shape(c.shapes[i], out)
	}
	return out
}

// A shaper changes what is written. All but Write is the Out's below.
type shaper struct {
	Out
	write func(b []byte) error
}

func (s *shaper) Write(b []byte) error { return s.write(b) }

func shapeBOM(_ *armed, out Out) Out {
	begun := false
	return &shaper{out, func(b []byte) error {
		if !begun && len(b) > 0 {
			begun = true
			b = append([]byte("\xef\xbb\xbf"), b...)
		}
		return out.Write(b)
	}}
}

// lineEnds is what lines end with. In the mixed one no CR stands before an LF, for
// the two would be one end.
var lineEnds = map[string][]string{
	"cr":    {"\r"},
	"crlf":  {"\r\n"},
	"mixed": {"\n", "\r", "\r\n"},
}

func shapeLineEnds(a *armed, out Out) Out {
	ends, next := lineEnds[*a.fault.spec.Text], 0
	return &shaper{out, func(b []byte) error {
		if a.gone() {
			return out.Write(b)
		}
		var changed []byte
		for line := range bytes.Lines(b) {
			if content, ok := bytes.CutSuffix(line, []byte("\n")); ok {
				changed = append(append(changed, content...), ends[next%len(ends)]...)
				next++
			} else {
				changed = append(changed, line...)
			}
		}
		return out.Write(changed)
	}}
}

// A zipper compresses, and never flushes. It goes on when its fault is removed, for
// the body is compressed as a whole.
type zipper struct {
	Out
	zw *gzip.Writer
}

func shapeGzip(_ *armed, out Out) Out {
	return &zipper{out, gzip.NewWriter(writerFunc(out.Write))}
}

func (z *zipper) Write(b []byte) error {
	_, err := z.zw.Write(b)
	return err
}

func (z *zipper) End() error {
	if err := z.zw.Close(); err != nil {
		return err
	}
	return z.Out.End()
}

type writerFunc func([]byte) error

func (f writerFunc) Write(b []byte) (int, error) {
	if err := f(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func shapeSlice(a *armed, out Out) Out {
	return &shaper{out, func(b []byte) error {
		for len(b) > 0 {
			n := len(b)
			if !a.gone() {
				n = min(1+a.random.IntN(3), len(b))
			}
			if err := out.Write(b[:n]); err != nil {
				return err
			}
			b = b[n:]
		}
		return nil
	}}
}
