package testserver

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// A port is a listener that can be closed for a while: the server goes on, and
// who dials is refused.
type port struct {
	listen       func() (net.Listener, error) // at the same address each time
	writeTimeout time.Duration

	mu       sync.Mutex
	changed  sync.Cond
	inner    net.Listener // nil while the port is shut
	shutters int          // who wants it to be shut
	done     bool
	addr     net.Addr
	conns    map[*netConn]struct{}
	strike   func(*netConn) bool // a fault takes the connection; nil: none can
}

func openPort(listen func() (net.Listener, error), writeTimeout time.Duration, strike func(*netConn) bool) (*port, error) {
	p := &port{listen: listen, writeTimeout: writeTimeout, strike: strike, conns: make(map[*netConn]struct{})}
	p.changed.L = &p.mu
	inner, err := listen()
	if err != nil {
		return nil, err
	}
	p.inner, p.addr = inner, inner.Addr()
	return p, nil
}

// Accept waits for the next connection, also while the port is shut.
func (p *port) Accept() (net.Conn, error) {
	for {
		p.mu.Lock()
		for p.inner == nil && !p.done {
			p.changed.Wait()
		}
		inner, done := p.inner, p.done
		p.mu.Unlock()
		if done {
			return nil, net.ErrClosed
		}
		c, err := inner.Accept()
		if err != nil {
			p.mu.Lock()
			shut := p.inner != inner
			p.mu.Unlock()
			if shut {
				continue
			}
			return nil, err // of the moment, such as too many open files: net/http waits and comes back
		}
		if nc := p.take(c); nc != nil {
			return nc, nil
		}
	}
}

// take puts a connection in the books, unless a fault takes it.
func (p *port) take(c net.Conn) *netConn {
	nc := &netConn{Conn: c, port: p}
	if p.strike != nil && p.strike(nc) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done || p.inner == nil { // shut meanwhile, perhaps cut
		c.Close()
		return nil
	}
	p.conns[nc] = struct{}{}
	return nc
}

// shut refuses connections, until open was called as often as shut.
func (p *port) shut() {
	p.mu.Lock()
	p.shutters++
	inner := p.inner
	p.inner = nil
	p.mu.Unlock()
	if inner != nil {
		inner.Close()
	}
}

// reopenPause is between two trials to get a port back that someone else has
// taken meanwhile.
const reopenPause = 20 * time.Millisecond

// open undoes one shut.
func (p *port) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shutters--
	p.reopen()
}

// reopen takes connections again if nobody wants the port to be shut. The caller
// holds the lock.
func (p *port) reopen() {
	if p.inner != nil || p.done || p.shutters > 0 {
		return
	}
	inner, err := p.listen()
	if err != nil {
		time.AfterFunc(reopenPause, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.reopen()
		})
		return
	}
	p.inner = inner
	p.changed.Broadcast()
}

// Close shuts the port for good.
func (p *port) Close() error {
	p.mu.Lock()
	p.done = true
	p.changed.Broadcast()
	p.mu.Unlock()
	p.shut()
	return nil
}

// awaitOpen waits until connections are taken again.
func (p *port) awaitOpen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.inner == nil && !p.done {
		p.changed.Wait()
	}
}

// cut closes all TCP connections but the spared ones.
func (p *port) cut() {
	p.mu.Lock()
	conns := make([]*netConn, 0, len(p.conns))
	for c := range p.conns {
		if !c.spared || p.done {
			conns = append(conns, c)
		}
	}
	p.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

// Addr returns the address, also while the port is shut.
func (p *port) Addr() net.Addr { return p.addr }

// url returns an address to ask for; a port on all interfaces is asked for on the
// loopback one.
func (p *port) url() string {
	host, number, _ := net.SplitHostPort(p.addr.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, number)
}

// A netConn is an accepted connection that the port knows until it is closed.
type netConn struct {
	net.Conn
	port   *port
	once   sync.Once
	spared bool // it is not cut before the end; guarded by the port's lock
}

// spare keeps the connection when the others are cut, or not any more.
func (c *netConn) spare(spared bool) {
	c.port.mu.Lock()
	defer c.port.mu.Unlock()
	c.spared = spared
}

// Write gives up after the write timeout, for whoever writes: an answer, or frames
// of HTTP/2. A stream of HTTP/1.1 writes to what is below and has its own deadlines.
func (c *netConn) Write(b []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(c.port.writeTimeout))
	return c.Conn.Write(b)
}

func (c *netConn) Close() error {
	c.forget()
	return c.Conn.Close()
}

func (c *netConn) forget() {
	c.once.Do(func() {
		c.port.mu.Lock()
		delete(c.port.conns, c)
		c.port.mu.Unlock()
	})
}

type connKey struct{}

// connOf returns the TCP connection of a request.
func connOf(r *http.Request) net.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	return c
}
