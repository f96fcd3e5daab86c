package hub

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A chunkedWire is HTTP/1.1 on a connection taken from net/http: it costs one
// system call for what net/http does with two copies, and lets a plan reach the
// framing. A body without chunks (HTTP/1.0) ends with the connection.
type chunkedWire struct {
	conn    net.Conn // to be closed
	out     net.Conn // the same, to be written to: the socket itself, for writev
	timeout time.Duration
	chunked bool
	buf     []byte // a chunk under construction, if it is a small one
}

// smallChunk is up to where a copy is cheaper than a second part of a write.
const smallChunk = 2 << 10

func (w *chunkedWire) Write(b []byte) error {
	if len(b) == 0 {
		return nil // an empty chunk would be the end
	}
	if !w.chunked {
		return w.raw(b)
	}
	w.buf = strconv.AppendInt(w.buf[:0], int64(len(b)), 16)
	w.buf = append(w.buf, "\r\n"...)
	if len(b) <= smallChunk {
		w.buf = append(append(w.buf, b...), "\r\n"...)
		return w.raw(w.buf)
	}
	if len(b) > piece {
		return w.rawAll(w.buf, b, crlf)
	}
	w.out.SetWriteDeadline(time.Now().Add(w.timeout))
	parts := net.Buffers{w.buf, b, crlf}
	_, err := parts.WriteTo(w.out)
	return err
}

var crlf = []byte("\r\n")

// piece is how many bytes have the write timeout for themselves.
const piece = 64 << 10

func (w *chunkedWire) raw(b []byte) error {
	for part := range slices.Chunk(b, piece) {
		w.out.SetWriteDeadline(time.Now().Add(w.timeout))
		if _, err := w.out.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func (w *chunkedWire) rawAll(parts ...[]byte) error {
	for _, b := range parts {
		if err := w.raw(b); err != nil {
			return err
		}
	}
	return nil
}

func (w *chunkedWire) HalfChunk(n int) error {
	if !w.chunked {
		return nil
	}
	length := strconv.AppendInt(nil, int64(n), 16)
	return w.raw(length[:max(1, len(length)/2)])
}

func (w *chunkedWire) End() error {
	var err error
	if w.chunked {
		err = w.raw([]byte("0\r\n\r\n"))
	}
	w.conn.Close()
	return err
}

func (w *chunkedWire) Abort() {
	closeBelow(w.conn)
	w.conn.Close()
}

func (w *chunkedWire) Reset() {
	w.Kill(true)
	w.conn.Close()
}

func (w *chunkedWire) Kill(hard bool) {
	if hard {
		resetConn(w.conn)
	}
	closeBelow(w.conn)
}

// A netWire writes through net/http: a stream of HTTP/2, or HTTP/1.1 where the
// connection is not to be had.
type netWire struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	conn    net.Conn // the connection below; nil if unknown
	timeout time.Duration

	mu     sync.Mutex // between a kill and the deadline of the next write
	killed bool
}

func (w *netWire) Write(b []byte) error {
	for part := range slices.Chunk(b, piece) {
		if err := w.writePiece(part); err != nil {
			return err
		}
	}
	return nil
}

func (w *netWire) writePiece(b []byte) error {
	until := time.Now().Add(w.timeout)
	if !w.setDeadline(until) {
		return net.ErrClosed
	}
	_, err := w.w.Write(b)
	if err == nil {
		err = w.rc.Flush()
	}
	if err != nil {
		if !time.Now().Before(until) {
			err = os.ErrDeadlineExceeded // net/http says only that the stream is closed
		}
		return err
	}
	// One that passes later would reset the stream although nobody writes.
	w.setDeadline(time.Time{})
	return nil
}

// setDeadline bounds writes; false if the wire was killed. A writer that knows no
// deadlines is not bounded.
func (w *netWire) setDeadline(t time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.killed {
		return false
	}
	w.rc.SetWriteDeadline(t)
	return true
}

func (w *netWire) HalfChunk(int) error { return nil }

func (w *netWire) End() error { return nil } // the handler's return is the end

func (w *netWire) Abort() { panic(http.ErrAbortHandler) }

func (w *netWire) Reset() {
	if w.conn != nil {
		resetConn(w.conn)
		w.conn.Close()
	}
	panic(http.ErrAbortHandler)
}

func (w *netWire) Kill(bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.killed = true
	w.rc.SetWriteDeadline(time.Unix(1, 0))
}

// A conn may be around another one. What implements Direct adds nothing to the bytes,
// so they can be written to the inner one; what implements NetConn, as TLS does, adds
// something.
type (
	directConn interface{ Direct() net.Conn }
	outerConn  interface{ NetConn() net.Conn }
)

// closeBelow closes the connection that carries the others, and waits for nothing: TLS
// would say good-bye first, for as long as the client leaves no room for it.
func closeBelow(c net.Conn) {
	for {
		outer, ok := c.(outerConn)
		if !ok {
			break
		}
		c = outer.NetConn()
	}
	c.Close()
}

// resetConn closes a connection with a TCP reset, if it is one that can be reset.
func resetConn(c net.Conn) {
	for c != nil {
		switch conn := c.(type) {
		case *net.TCPConn:
			conn.SetLinger(0)
			conn.Close()
			return
		case interface{ Reset() }:
			conn.Reset()
			return
		case directConn:
			c = conn.Direct()
		case outerConn:
			c = conn.NetConn()
		default:
			return
		}
	}
}

// hijack takes a connection from net/http.
func hijack(w http.ResponseWriter, chunked bool, timeout time.Duration) (*chunkedWire, *bufio.Reader, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	out := conn
	if c, ok := conn.(directConn); ok {
		out = c.Direct()
	}
	return &chunkedWire{conn: conn, out: out, timeout: timeout, chunked: chunked}, buffered.Reader, nil
}

type connKey struct{}

// WithConn is for [http.Server.ConnContext]: the connection below a request can then
// be reset also where it is not taken from net/http.
func WithConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connBelow returns the connection of a request; nil if it is not known.
func connBelow(r *http.Request) net.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	return c
}
