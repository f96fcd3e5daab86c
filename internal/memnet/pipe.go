package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A pipe is one direction of a connection: a bounded queue of bytes.
//
// Invariant: 0 ≤ len(buf) ≤ max.
type pipe struct {
	mu      sync.Mutex
	changed sync.Cond // bytes, room, an end or a deadline: whoever waits looks again
	buf     []byte
	max     int
	end     error // what a reader gets once buf is empty; nil while the writer may write
	gone    error // what a writer gets; nil while the reader may read

	readBy, writeBy deadline
}

func newPipe(max int) *pipe {
	p := &pipe{max: max}
	p.changed.L = &p.mu
	p.readBy.pipe, p.writeBy.pipe = p, p
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p.buf) > 0:
			n := copy(b, p.buf)
			p.buf = p.buf[n:]
			p.changed.Broadcast()
			return n, nil
		case p.end != nil:
			return 0, p.end
		case len(b) == 0:
			return 0, nil
		}
		p.changed.Wait()
	}
}

func (p *pipe) write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.writeBy.passed():
			return n, os.ErrDeadlineExceeded
		case p.gone != nil:
			return n, p.gone
		case p.end != nil:
			return n, net.ErrClosed
		case len(b) == 0:
			return n, nil
		}
		if room := min(p.max-len(p.buf), len(b)); room > 0 {
			p.buf = append(p.buf, b[:room]...)
			b, n = b[room:], n+room
			p.changed.Broadcast()
			continue
		}
		p.changed.Wait()
	}
}

// closeWrite ends the stream after the bytes that are on their way.
func (p *pipe) closeWrite(end error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end == nil {
		p.end = end
	}
	p.writeBy.stop()
	p.changed.Broadcast()
}

// closeRead drops what is on its way, and makes writers fail.
func (p *pipe) closeRead(gone error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone == nil {
		p.gone = gone
	}
	p.end, p.buf = net.ErrClosed, nil
	p.readBy.stop()
	p.changed.Broadcast()
}

// reset is a TCP reset as the reader sees it: even the bytes that have arrived
// are gone.
func (p *pipe) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end == nil || p.end == io.EOF {
		p.end = syscall.ECONNRESET
	}
	p.buf = nil
	p.writeBy.stop()
	p.changed.Broadcast()
}

// A deadline is guarded by its pipe's lock.
type deadline struct {
	pipe  *pipe
	at    time.Time   // zero: none
	timer *time.Timer // wakes who waits; what it finds is another matter
}

func (d *deadline) set(t time.Time) {
	d.pipe.mu.Lock()
	defer d.pipe.mu.Unlock()
	d.stop()
	d.at = t
	if left := time.Until(t); !t.IsZero() && left > 0 {
		d.timer = time.AfterFunc(left, func() {
			d.pipe.mu.Lock()
			defer d.pipe.mu.Unlock()
			d.pipe.changed.Broadcast()
		})
	}
	d.pipe.changed.Broadcast()
}

// passed tells whether it is too late, also if the timer has not had its turn.
func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// stop ends the timer.
func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
