package memnet

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// BufferSize is how many bytes a dialled connection holds in each direction.
const BufferSize = 64 << 10

// backlog is how many connections wait to be accepted before a dial waits.
const backlog = 128

// A Listener accepts what [Listener.Dial] makes. Its methods are safe for
// concurrent use.
type Listener struct {
	addr   addr
	queue  chan *Conn
	closed chan struct{}
	once   sync.Once
	dials  atomic.Int64
}

// Listen returns a listener with the given address, which is only a name.
func Listen(address string) *Listener {
	return &Listener{addr: addr(address), queue: make(chan *Conn, backlog), closed: make(chan struct{})}
}

// Dial returns the client's end of a new connection; the other one is for
// Accept. A closed listener refuses it.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	// Addresses look like TCP's, which is what servers expect of them.
	client := addr(fmt.Sprintf("127.0.0.1:%d", 1024+(l.dials.Add(1)-1)%64000))
	ours, theirs := pipeBetween(BufferSize, client, l.addr)
	select {
	case <-l.closed: // not left to chance below
		return nil, l.refused()
	default:
	}
	select {
	case l.queue <- theirs:
		select {
		case <-l.closed: // perhaps after Close looked through the queue
			theirs.Reset()
		default:
		}
		return ours, nil
	case <-l.closed:
		return nil, l.refused()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *Listener) refused() error {
	return &net.OpError{Op: "dial", Net: network, Addr: l.addr, Err: syscall.ECONNREFUSED}
}

// Accept waits for the next connection. After Close it fails with
// [net.ErrClosed].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close refuses further connections and resets those that nobody has accepted.
func (l *Listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		for {
			select {
			case c := <-l.queue:
				c.Reset()
			default:
				return
			}
		}
	})
	return nil
}

// Addr returns the listener's name.
func (l *Listener) Addr() net.Addr { return l.addr }
