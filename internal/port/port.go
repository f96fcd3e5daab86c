package port

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// A Port is a listener at one address. It is an [net.Listener] for a server, and stays
// one while it is shut. Its methods are safe for concurrent use.
type Port struct {
	listen       func() (net.Listener, error) // at the same address each time
	writeTimeout time.Duration
	take         func(*Conn) bool

	mu       sync.Mutex
	changed  sync.Cond
	inner    net.Listener // nil while the port is shut
	shutters int          // who wants it to be shut
	failed   error        // why it could not be opened again
	done     bool
	addr     net.Addr
	conns    map[*Conn]struct{}
}

// Open listens. Listen is called again whenever the port was shut. A write to a
// connection that takes longer than the timeout fails. Take, unless it is nil, is asked
// for each connection that comes: true says that it has taken it.
func Open(listen func() (net.Listener, error), writeTimeout time.Duration, take func(*Conn) bool) (*Port, error) {
	p := &Port{listen: listen, writeTimeout: writeTimeout, take: take, conns: make(map[*Conn]struct{})}
	p.changed.L = &p.mu
	inner, err := listen()
	if err != nil {
		return nil, err
	}
	p.inner, p.addr = inner, inner.Addr()
	return p, nil
}

// Addr returns the address, also while the port is shut.
func (p *Port) Addr() net.Addr { return p.addr }

// Inner returns the listener of the moment; nil while the port is shut.
func (p *Port) Inner() net.Listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inner
}

// Accept waits for the next connection, also while the port is shut.
func (p *Port) Accept() (net.Conn, error) {
	for {
		inner, err := p.awaitInner()
		if err != nil {
			return nil, err
		}
		c, err := inner.Accept()
		if err != nil {
			if p.Inner() != inner {
				continue
			}
			return nil, err // of the moment, such as too many open files: net/http waits and comes back
		}
		if conn := p.admit(c); conn != nil {
			return conn, nil
		}
	}
}

func (p *Port) awaitInner() (net.Listener, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.inner == nil && !p.done {
		p.changed.Wait()
	}
	if p.done {
		return nil, net.ErrClosed
	}
	return p.inner, nil
}

// admit puts a connection in the books, unless it is taken.
func (p *Port) admit(c net.Conn) *Conn {
	conn := &Conn{Conn: c, port: p}
	if p.take != nil && p.take(conn) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done || p.inner == nil { // shut meanwhile, perhaps cut
		c.Close()
		return nil
	}
	p.conns[conn] = struct{}{}
	return conn
}

// Shut refuses connections until what it returns is called, which is harmless the
// second time. Of several shutters the last one opens.
func (p *Port) Shut() (open func()) {
	p.mu.Lock()
	p.shutters++
	inner := p.inner
	p.inner = nil
	p.mu.Unlock()
	if inner != nil {
		inner.Close()
	}
	var once sync.Once
	return func() {
		once.Do(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.shutters--
			p.reopen()
		})
	}
}

// reopenPause is between two trials to get an address back that someone else has taken
// meanwhile.
const reopenPause = 20 * time.Millisecond

// reopen takes connections again if nobody wants the port to be shut. The caller holds
// the lock.
func (p *Port) reopen() {
	if p.inner != nil || p.done || p.shutters > 0 {
		return
	}
	inner, err := p.listen()
	p.failed = err
	p.changed.Broadcast()
	if err == nil {
		p.inner = inner
		return
	}
	time.AfterFunc(reopenPause, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.reopen()
	})
}

// AwaitOpen waits until connections are taken again, or until somebody else wants the
// port to be shut. It fails when the address cannot be had until the context is done;
// the port still opens once it can.
func (p *Port) AwaitOpen(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.inner == nil && p.shutters == 0 && !p.done {
		if p.failed != nil && ctx.Err() != nil {
			return fmt.Errorf("listening at %v again: %w", p.addr, p.failed)
		}
		p.changed.Wait()
	}
	return nil
}

// Close shuts the port for good.
func (p *Port) Close() error {
	p.mu.Lock()
	p.done = true
	inner := p.inner
	p.inner = nil
	p.changed.Broadcast()
	p.mu.Unlock()
	if inner != nil {
		inner.Close()
	}
	return nil
}

// Cut closes all connections but the spared ones.
func (p *Port) Cut() {
	p.mu.Lock()
	var conns []*Conn
	for c := range p.conns {
		if c.spared == 0 || p.done {
			conns = append(conns, c)
		}
	}
	p.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

// Conns is how many connections there are.
func (p *Port) Conns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}
