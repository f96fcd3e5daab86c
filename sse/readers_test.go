package sse_test

import (
	"io"
	"math/rand/v2"
)

// oneByte gives one byte a read.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

// split gives reads of random length, some of them empty, and the error of the
// stream now with its last bytes and now after them.
type split struct {
	rest []byte
	rnd  *rand.Rand
	err  error // at the end; nil means io.EOF
}

func newSplit(stream string, seed uint64) *split {
	return &split{rest: []byte(stream), rnd: rand.New(rand.NewPCG(seed, 0))}
}

func (s *split) Read(p []byte) (int, error) {
	most := 1 << s.rnd.IntN(12)
	n := copy(p[:min(s.rnd.IntN(most+1), len(p))], s.rest)
	s.rest = s.rest[n:]
	if len(s.rest) == 0 && (n == 0 || s.rnd.IntN(2) == 0) {
		if s.err != nil {
			return n, s.err
		}
		return n, io.EOF
	}
	return n, nil
}
