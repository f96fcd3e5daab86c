package memnet

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// A Conn is one end of a connection. It is a [net.Conn], with the half-closing
// and the resetting of a TCP connection.
type Conn struct {
	in, out       *pipe
	local, remote net.Addr
	closing       sync.Once
}

// Pipe returns the two ends of a connection that holds up to size bytes in each
// direction.
func Pipe(size int) (*Conn, *Conn) { return pipeBetween(size, addr("a"), addr("b")) }

func pipeBetween(size int, a, b net.Addr) (*Conn, *Conn) {
	ab, ba := newPipe(size), newPipe(size)
	return &Conn{in: ba, out: ab, local: a, remote: b}, &Conn{in: ab, out: ba, local: b, remote: a}
}

// Read reads what has arrived, and waits while nothing has.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	return n, c.opError("read", err)
}

// Write returns when all of b is in the buffer: it waits while that is full.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	return n, c.opError("write", err)
}

// Close closes both directions. The peer still reads what was written before.
func (c *Conn) Close() error {
	c.closing.Do(func() {
		c.out.closeWrite(io.EOF)
		c.in.closeRead(syscall.EPIPE)
	})
	return nil
}

// CloseWrite ends the outgoing direction alone.
func (c *Conn) CloseWrite() error {
	c.out.closeWrite(io.EOF)
	return nil
}

// Reset closes the connection as a TCP reset does: the peer loses what it has
// not read and gets ECONNRESET from its reads and writes.
func (c *Conn) Reset() {
	c.closing.Do(func() {
		c.out.reset()
		c.in.closeRead(syscall.ECONNRESET)
	})
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines; the zero time takes them away.
func (c *Conn) SetDeadline(t time.Time) error {
	c.in.readBy.set(t)
	c.out.writeBy.set(t)
	return nil
}

// SetReadDeadline bounds reads, also one that is waiting.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.readBy.set(t)
	return nil
}

// SetWriteDeadline bounds writes, also one that is waiting.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.writeBy.set(t)
	return nil
}

func (c *Conn) opError(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: network, Source: c.local, Addr: c.remote, Err: err}
}

const network = "mem"

type addr string

func (addr) Network() string  { return network }
func (a addr) String() string { return string(a) }
