package client

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// defaultTransport is shared by all sources that bring none of their own.
var defaultTransport = sync.OnceValue(NewTransport)

// NewTransport returns a transport like the one that sources share unless they
// are given one, to be changed before its first use: other roots, a proxy, a
// Unix socket.
//
// On HTTP/2 many streams share a connection. Pings (every 15 s without a frame,
// answered within 15 s) find out that it is dead, so that the next attempts are
// not sent down the same hole; and what one stream that nobody reads may hold is
// bounded to 256 KiB.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       90 * time.Second,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:               15 * time.Second,
			PingTimeout:                   15 * time.Second,
			MaxReceiveBufferPerStream:     256 << 10,
			MaxReceiveBufferPerConnection: 4 << 20,
		},
	}
}
