package testserver

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"
)

// A wire carries the body of one response. Only the goroutine that delivers uses
// it, but for kill.
type wire interface {
	// write sends body bytes. It fails when the client takes longer than the write
	// timeout for what is at most a piece of them.
	write(b []byte) error
	// end ends the body as HTTP has it; the reader sees a clean end.
	end() error
	// abort ends the connection (on HTTP/2: the stream) without the body's end.
	abort()
	// reset ends the TCP connection with a reset.
	reset()
	// halfLength sends the first half of the length of a chunk of n bytes, where
	// the body has chunks.
	halfLength(n int) error
	// kill makes a write that hangs fail, if hard with a reset where that is
	// possible at once. Any goroutine may call it.
	kill(hard bool)
}

// A chunkedWire is HTTP/1.1 on a connection taken from net/http: it costs one
// system call for what net/http does with two copies, and lets faults reach the
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

func (w *chunkedWire) write(b []byte) error {
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

func (w *chunkedWire) halfLength(n int) error {
	if !w.chunked {
		return nil
	}
	length := strconv.AppendInt(nil, int64(n), 16)
	return w.raw(length[:max(1, len(length)/2)])
}

func (w *chunkedWire) end() error {
	var err error
	if w.chunked {
		err = w.raw([]byte("0\r\n\r\n"))
	}
	w.conn.Close()
	return err
}

func (w *chunkedWire) abort() { w.conn.Close() }

func (w *chunkedWire) reset() { resetConn(w.conn) }

func (w *chunkedWire) kill(hard bool) {
	if hard {
		w.reset()
		return
	}
	w.abort()
}

// A muxedWire is a stream of an HTTP/2 connection, or a recorder in a test.
type muxedWire struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	conn    net.Conn // the connection below; nil if unknown
	timeout time.Duration
}

func (w *muxedWire) write(b []byte) error {
	for part := range slices.Chunk(b, piece) {
		if err := w.writePiece(part); err != nil {
			return err
		}
	}
	return nil
}

func (w *muxedWire) writePiece(b []byte) error {
	until := time.Now().Add(w.timeout)
	w.rc.SetWriteDeadline(until)
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
	w.rc.SetWriteDeadline(time.Time{})
	return nil
}

func (w *muxedWire) halfLength(int) error { return nil }

func (w *muxedWire) end() error { return nil } // the handler's return is the end

func (w *muxedWire) abort() { panic(http.ErrAbortHandler) }

func (w *muxedWire) reset() {
	if w.conn != nil {
		resetConn(w.conn)
	}
	panic(http.ErrAbortHandler)
}

func (w *muxedWire) kill(bool) { w.rc.SetWriteDeadline(time.Unix(1, 0)) }

// resetConn closes a connection with a TCP reset.
func resetConn(c net.Conn) {
	type resetter interface{ Reset() }
	for {
		switch conn := c.(type) {
		case *netConn:
			c = conn.Conn
			continue
		case *net.TCPConn:
			conn.SetLinger(0)
		case resetter:
			conn.Reset()
			return
		}
		c.Close()
		return
	}
}

// hijack takes a connection from net/http.
func hijack(w http.ResponseWriter, chunked bool, timeout time.Duration) (*chunkedWire, *bufio.Reader, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	out := conn
	if c, ok := conn.(*netConn); ok {
		out = c.Conn
	}
	return &chunkedWire{conn: conn, out: out, timeout: timeout, chunked: chunked}, buffered.Reader, nil
}
