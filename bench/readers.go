package main

import (
	"bytes"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// An audience is raw connections to a stream, which cost as little as reading
// can: they count bytes that each event has just once.
type audience struct {
	want    int // events for each
	conns   []net.Conn
	reading sync.WaitGroup
	probed  atomic.Int64  // connections that have seen a probe
	done    atomic.Int64  // connections that have all events
	got     atomic.Int64  // events of all connections, once they end
	changed chan struct{} // a connection was probed, or is done
}

// Bytes that say what an event is. No server adds them by itself.
const (
	probeMark = '\x06'
	eventMark = '\x07'
)

// attend opens n connections that each want so many events.
func attend(stream string, n, want int) (*audience, error) {
	u, err := url.Parse(stream)
	if err != nil {
		return nil, err
	}
	a := &audience{want: want, changed: make(chan struct{}, 1)}
	for range n {
		conn, err := dial(u)
		if err != nil {
			a.leave()
			return nil, err
		}
		a.conns = append(a.conns, conn)
		a.reading.Go(func() { a.read(conn) })
	}
	return a, nil
}

// dial opens a connection and asks for the stream.
func dial(u *url.URL) (net.Conn, error) {
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", u.RequestURI(), u.Host)
	return conn, err
}

func (a *audience) read(conn net.Conn) {
	buf := make([]byte, 32<<10)
	got, probed := 0, false
	defer func() { a.got.Add(int64(got)) }()
	for {
		n, err := conn.Read(buf)
		if !probed && bytes.IndexByte(buf[:n], probeMark) >= 0 {
			probed = true
			a.probed.Add(1)
			a.wake()
		}
		before := got
		if got += bytes.Count(buf[:n], []byte{eventMark}); got >= a.want && before < a.want {
			a.done.Add(1)
			a.wake()
		}
		if err != nil {
			return
		}
	}
}

func (a *audience) wake() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// await waits until a count is that of the connections; false if it was not
// within the limit.
func (a *audience) await(count *atomic.Int64, limit time.Duration) bool {
	timeout := time.After(limit)
	for count.Load() < int64(len(a.conns)) {
		select {
		case <-a.changed:
		case <-timeout:
			return false
		}
	}
	return true
}

// leave closes the connections. It returns how many events they had.
func (a *audience) leave() int64 {
	for _, c := range a.conns {
		c.Close()
	}
	a.reading.Wait()
	return a.got.Load()
}
