package client

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"testing"
)

// LanesInUse is how many lanes have streams.
func LanesInUse() (n int) {
	lanes.mu.Lock()
	defer lanes.mu.Unlock()
	for _, all := range lanes.on {
		n += len(all)
	}
	return n
}

func TestLaneCapacity(t *testing.T) {
	conf := func(stream, conn int) *http.HTTP2Config {
		return &http.HTTP2Config{MaxReceiveBufferPerStream: stream, MaxReceiveBufferPerConnection: conn}
	}
	for _, tt := range []struct {
		http2 *http.HTTP2Config
		want  int
	}{
		{nil, 256}, {conf(0, 0), 256}, {conf(-1, 1), 256}, // net/http's defaults: 1 GiB and 4 MiB
		{NewTransport().HTTP2, 250}, {conf(1<<20, 10<<20), 10}, {conf(1<<20, 1<<20-1), 1}, {conf(300<<10, 1<<20), 3},
	} {
		if got := capacity(&http.Transport{HTTP2: tt.http2}); got != tt.want {
			t.Errorf("%+v: %d streams, want %d", tt.http2, got, tt.want)
		}
	}
}

func TestLanesAreSharedUntilFullOrClosed(t *testing.T) {
	base := NewTransport()
	base.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 1 << 20, MaxReceiveBufferPerConnection: 2 << 20}
	to := func(raw string) *url.URL { u, _ := url.Parse(raw); return u }
	a, b := enter(base, to("https://a.test/x"), true), enter(base, to("https://A.test:443/y"), true)
	if a != b || a.transport != base {
		t.Error("the second stream has a lane of its own")
	}
	c, d := enter(base, to("https://a.test"), true), enter(base, to("https://b.test"), true)
	if c == a || c.transport == base {
		t.Error("the third stream is on the lane that is full")
	}
	if d == c || d.transport != base {
		t.Error("a stream to another origin is counted too")
	}
	a.leave(false)
	if e := enter(base, to("https://a.test"), true); e != b {
		t.Error("room on a lane is not used")
	}
	c.leave(true)
	if f := enter(base, to("https://a.test"), false); f == b || f == c {
		t.Error("a stream is on a lane that it must not be on")
	} else {
		f.leave(false)
	}
	b.leave(true)
	if g := enter(base, to("https://a.test"), true); g == b {
		t.Error("a stream is on a lane where one has timed out")
	} else {
		g.leave(false)
	}
	b.leave(false)
	d.leave(false)
	if n := LanesInUse(); n != 0 {
		t.Errorf("%d lanes are left behind", n)
	}
}

// A transport that x/net/http2 has configured puts the connections of its clones
// into one pool. Ours does not.
func TestCloneHasItsOwnHTTP2(t *testing.T) {
	shared := func(string, *tls.Conn) http.RoundTripper { return nil }
	base := &http.Transport{TLSClientConfig: &tls.Config{NextProtos: []string{"h2"}},
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{"h2": shared}}
	if c := clone(base); c.TLSNextProto != nil || !c.ForceAttemptHTTP2 || c.IdleConnTimeout == 0 {
		t.Errorf("clone %+v", c)
	}
	off := &http.Transport{TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	if c := clone(off); c.TLSNextProto == nil {
		t.Error("HTTP/2 was off, and is on in the clone")
	}
}
