package client

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/origin"
)

// A lane is a transport for some streams to one origin: the caller's, or a clone
// of it with connections of its own. Streams that share an HTTP/2 connection are
// on one lane, so that two promises hold with any *http.Transport:
//
//   - what the streams of a connection may leave unread is never more than what
//     the connection may: a full lane takes no more streams;
//   - after a timeout the next attempt is not sent down the same hole: a lane on
//     which an attempt has timed out takes no more streams either.
//
// A clone lives as long as it has streams.
type lane struct {
	transport *http.Transport
	road      road
	capacity  int

	// Under lanes.mu:
	streams int
	closed  bool // an attempt has timed out on it
}

// A road is where the lanes of one transport lead.
type road struct {
	base   *http.Transport
	origin string
}

// lanes are all that have streams.
var lanes = struct {
	mu sync.Mutex
	on map[road][]*lane
}{on: map[road][]*lane{}}

// enter finds a lane for a stream to the URL's origin. Without base only a clone
// will do.
func enter(base *http.Transport, u *url.URL, withBase bool) *lane {
	to := road{base, origin.Of(u)}
	lanes.mu.Lock()
	defer lanes.mu.Unlock()
	all := lanes.on[to]
	isBase := func(l *lane) bool { return l.transport == base }
	i := slices.IndexFunc(all, func(l *lane) bool {
		return !l.closed && l.streams < l.capacity && (withBase || !isBase(l))
	})
	if i < 0 {
		l := &lane{transport: base, road: to, capacity: capacity(base)}
		if !withBase || slices.ContainsFunc(all, isBase) {
			l.transport = clone(base)
		}
		all, i = append(all, l), len(all)
		lanes.on[to] = all
	}
	all[i].streams++
	return all[i]
}

// leave takes a stream off the lane. What is left behind by the last one is
// closed, unless it is the caller's and there is nothing wrong with it.
func (l *lane) leave(timedOut bool) {
	lanes.mu.Lock()
	l.closed = l.closed || timedOut
	l.streams--
	empty := l.streams == 0
	if empty {
		all := slices.DeleteFunc(lanes.on[l.road], func(other *lane) bool { return other == l })
		if lanes.on[l.road] = all; len(all) == 0 {
			delete(lanes.on, l.road)
		}
	}
	discard := empty && (l.closed || l.transport != l.road.base)
	lanes.mu.Unlock()
	if discard {
		l.transport.CloseIdleConnections()
	}
}

// capacity is how many streams a connection of the transport may have, for their
// buffers to be within its own. Defaults are those of net/http.
func capacity(t *http.Transport) int {
	stream, conn := 0, 0
	if t.HTTP2 != nil {
		stream, conn = t.HTTP2.MaxReceiveBufferPerStream, t.HTTP2.MaxReceiveBufferPerConnection
	}
	if stream <= 0 {
		stream = 4 << 20
	}
	if conn < 64<<10-1 { // less is taken for the default
		conn = 1 << 30
	}
	return max(conn/stream, 1)
}

// clone returns a transport that is like t and shares no connection with it.
func clone(t *http.Transport) *http.Transport {
	c := t.Clone()
	// A connection that a cancelled stream is just leaving is not idle yet.
	c.IdleConnTimeout = cmp.Or(c.IdleConnTimeout, 90*time.Second)
	if c.TLSNextProto["h2"] != nil { // from x/net/http2, whose connections would be shared: take net/http's own
		c.TLSNextProto, c.ForceAttemptHTTP2 = nil, true
		c.HTTP2 = cmp.Or(c.HTTP2, NewTransport().HTTP2)
	}
	return c
}

// leaveLane ends what the attempt had to do with its lane. After a timeout the next
// attempt must not share its connection.
func (c *conn) leaveLane(timedOut bool) {
	r := c.run
	if timedOut {
		r.suspect = true
	}
	if c.lane == nil {
		return
	}
	if timedOut && c.lane.transport == c.lane.road.base {
		r.leftBase = true
	}
	c.lane.leave(timedOut)
	c.lane = nil
}

// isTimeout tells whether the cause of an attempt's end lets its connection look
// dead.
func isTimeout(cause error) bool {
	return cause == ErrIdle || cause == ErrHeaderTimeout || cause == ErrConnectTimeout
}
