package demo

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay"
	"github.com/OneStepAt4time/resilient-sse/server"
)

// A host is a relay with its connection to the cluster and its port, as a process has
// them. It can die and be started again.
type host struct {
	name     string
	urls     []string // of the cluster
	upstream string
	base     string // where readers find it, from the first start on

	mu    sync.Mutex
	relay *relay.Relay // nil: it is dead
	end   func()
}

// startAgain is how long a cluster that does not answer is left alone.
const startAgain = 200 * time.Millisecond

func (h *host) start(ctx context.Context) error {
	nc, err := nats.Connect(strings.Join(h.urls, ","), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		return err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return err
	}
	o := relay.Options{
		Upstream: h.upstream, All: true, JetStream: js, Replicas: nodes, HoleWait: time.Second,
		Client: func(string) client.Options { return quick() },
		Server: server.Options{Heartbeat: heartbeat},
	}
	r, err := relay.New(ctx, o)
	for err != nil && sleep(ctx, startAgain) == nil { // a cluster that is new, or has lost a node, needs a moment
		r, err = relay.New(ctx, o)
	}
	if err != nil {
		nc.Close()
		return err
	}
	addr := "127.0.0.1:0"
	if h.base != "" {
		addr = strings.TrimPrefix(h.base, "http://")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		nc.Close()
		return err
	}
	if h.base == "" { // readers know it from then on
		h.base = "http://" + l.Addr().String()
	}
	run, cancel := context.WithCancel(context.Background())
	hs := &http.Server{Handler: r}
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(run) })
	wg.Go(func() { hs.Serve(l) })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.relay, h.end = r, func() {
		l.Close()
		nc.Close() // nothing is saved any more
		cancel()
		gone, now := context.WithCancel(context.Background())
		now()
		r.Shutdown(gone) // all readers are cut
		hs.Close()
		wg.Wait()
	}
	return nil
}

// die ends the relay without a word to anybody.
func (h *host) die() {
	h.mu.Lock()
	end := h.end
	h.relay, h.end = nil, nil
	h.mu.Unlock()
	if end != nil {
		end()
	}
}

// open returns how many readers the relay has.
func (h *host) open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.relay == nil {
		return 0
	}
	return int(h.relay.Stats().Open)
}
