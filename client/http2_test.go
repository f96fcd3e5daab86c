package client_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
)

// A blackHole is a connection whose peer can be made to vanish without a word:
// from then on what is written goes nowhere.
type blackHole struct {
	net.Conn
	vanished atomic.Bool
}

func (c *blackHole) Write(p []byte) (int, error) {
	if c.vanished.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// On HTTP/2 the streams to a server share a connection. When that goes dead,
// pings find it out, long before the idle timeout would, and the next attempt is
// made on a new connection: not on the dead one, once more and once more.
func TestHTTP2DeadConnectionIsNotReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen("stream.test:80")
		requests := make(chan string, 10)
		srv := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			requests <- r.Proto
			stream(rw)("data: x\n\n")
			untilGone(r)
		})}
		srv.Protocols.SetUnencryptedHTTP2(true)
		go srv.Serve(l)

		var conns []*blackHole
		tr := client.NewTransport()
		tr.Protocols = new(http.Protocols)
		tr.Protocols.SetUnencryptedHTTP2(true)
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := l.Dial(ctx)
			if err != nil {
				return nil, err
			}
			conns = append(conns, &blackHole{Conn: c})
			return conns[len(conns)-1], nil
		}
		defer srv.Close()
		defer tr.CloseIdleConnections()

		start := time.Now()
		es := mustNew(t, streamURL, client.Options{HTTPClient: &http.Client{Transport: tr}, Backoff: exact})
		for _, err := range es.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if len(conns) == 2 {
				break
			}
			conns[0].vanished.Store(true)
		}
		// 15 s without a frame, 15 s for the answer to a ping, 1 s of delay.
		if got, want := time.Since(start), 31*time.Second; got != want {
			t.Errorf("the second event came after %v, want %v", got, want)
		}
		if stats := es.Stats(); stats.Attempts != 2 || len(conns) != 2 {
			t.Errorf("%d attempts on %d connections, want 2 on 2", stats.Attempts, len(conns))
		}
		for range 2 {
			if proto := <-requests; proto != "HTTP/2.0" {
				t.Errorf("the request was made with %s", proto)
			}
		}
	})
}
