package port

import (
	"net"
	"sync"
	"time"
)

// A Conn is an accepted connection that its port knows until it is closed or reset.
type Conn struct {
	net.Conn
	port   *Port
	once   sync.Once
	spared int // who wants it not to be cut; guarded by the port's lock
}

// Port returns the port that has accepted the connection.
func (c *Conn) Port() *Port { return c.port }

// Direct returns the connection below, for whoever has deadlines of his own.
func (c *Conn) Direct() net.Conn { return c.Conn }

// Spare keeps the connection when the others are cut, until what it returns is called.
// Several requests of one HTTP/2 connection may want that.
func (c *Conn) Spare() (done func()) {
	c.spare(1)
	return func() { c.spare(-1) }
}

func (c *Conn) spare(n int) {
	c.port.mu.Lock()
	defer c.port.mu.Unlock()
	c.spared += n
}

// Write gives up after the port's write timeout.
func (c *Conn) Write(b []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(c.port.writeTimeout))
	return c.Conn.Write(b)
}

// Close closes the connection.
func (c *Conn) Close() error {
	c.forget()
	return c.Conn.Close()
}

// Reset closes the connection with a TCP reset.
func (c *Conn) Reset() {
	c.forget()
	switch conn := c.Conn.(type) {
	case *net.TCPConn:
		conn.SetLinger(0)
	case interface{ Reset() }:
		conn.Reset()
	}
	c.Conn.Close()
}

func (c *Conn) forget() {
	c.once.Do(func() {
		c.port.mu.Lock()
		delete(c.port.conns, c)
		c.port.mu.Unlock()
	})
}
