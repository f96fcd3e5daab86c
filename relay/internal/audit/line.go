package audit

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// A Line has the connections of one reader, and cuts them.
type Line struct {
	Transport *http.Transport

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// NewLine returns a line without a connection.
func NewLine() *Line {
	l := &Line{conns: make(map[net.Conn]bool)}
	l.Transport = &http.Transport{DialContext: l.dial}
	return l
}

func (l *Line) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[conn] = true
	return &lineConn{conn.(*net.TCPConn), l}, nil
}

// Cut resets all connections of the reader, wherever in an event they are.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.conns {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	clear(l.conns)
}

// A lineConn is forgotten when it is closed.
type lineConn struct {
	*net.TCPConn
	line *Line
}

func (c *lineConn) Close() error {
	c.line.mu.Lock()
	delete(c.line.conns, c.TCPConn)
	c.line.mu.Unlock()
	return c.TCPConn.Close()
}
