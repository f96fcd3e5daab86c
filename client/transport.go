package client

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// defaultTransport is shared by all sources that bring none of their own.
var defaultTransport = sync.OnceValue(NewTransport)

// transportFor returns the shared transport, or one of the source's own if that
// one's limits are too short for it. A connect of 0 is no limit.
func transportFor(connect time.Duration) *http.Transport {
	if 0 < connect && connect <= connectTimeout {
		return defaultTransport()
	}
	t := NewTransport()
	t.DialContext = dialer(connect).DialContext
	t.TLSHandshakeTimeout = connect
	return t
}

// connectTimeout bounds dialling, and then the TLS handshake.
const connectTimeout = 15 * time.Second

// What a transport of ours holds for its connections. A request for a stream is
// short and events are small: larger buffers would be the most of an idle stream.
const (
	readBuffer  = 2 << 10   // holds a line of a response's header, up to where it allocates
	writeBuffer = 1 << 10   // is flushed with each request
	streamBytes = 128 << 10 // on HTTP/2, that one stream may leave unread
	perConn     = 250       // streams on one HTTP/2 connection, as servers of net/http have it
)

func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second}
}

// NewTransport returns a transport like the one that sources share unless they
// are given one, to be changed before its first use: other roots, a proxy, a
// Unix socket. Its own limits are 15 s for dialling and 15 s for the TLS
// handshake, whatever Timeouts.Connect says.
//
// On HTTP/2 many streams share a connection. Pings (every 15 s without a frame,
// answered within 15 s) find out that it is dead. What one stream that nobody
// reads may hold is bounded to 128 KiB, and 250 of them do not use up what the
// connection may hold: a slow body takes nothing from its neighbours. Sources put
// no more of their streams than that on one connection (see Options.HTTPClient).
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer(connectTimeout).DialContext,
		TLSHandshakeTimeout:   connectTimeout,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       90 * time.Second,
		ReadBufferSize:        readBuffer,
		WriteBufferSize:       writeBuffer,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:               15 * time.Second,
			PingTimeout:                   15 * time.Second,
			MaxReceiveBufferPerStream:     streamBytes,
			MaxReceiveBufferPerConnection: perConn * streamBytes,
		},
	}
}
