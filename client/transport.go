package client

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// defaultTransport is shared by all sources that bring none of their own.
//
// On HTTP/2 many streams share a connection. Pings find out that it is dead, so
// that the next attempts are not sent down the same hole, and the receive buffers
// bound what a stream that nobody reads may hold.
var defaultTransport = sync.OnceValue(func() *http.Transport {
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
})
