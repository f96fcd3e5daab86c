package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// payload is the text of an event: 300 B with its envelope. It has the mark once.
var payload = mark + strings.Repeat("the test splits the input at a random byte. ", 4)

const mark = "~"

// A jet is JetStream with file storage in a folder that goes away: one server inside
// this process, or three over loopback.
type jet struct {
	js       jetstream.JetStream
	replicas int
	dir      string
	connect  func() (*nats.Conn, error)
	close    func()
}

func newJet(ctx context.Context, replicas int) (*jet, error) {
	dir, err := os.MkdirTemp("", "sse-relay-bench-")
	if err != nil {
		return nil, err
	}
	j := &jet{replicas: replicas, dir: dir}
	var stop func()
	if replicas == 1 {
		s, err := embed.Start(embed.Options{Dir: dir})
		if err != nil {
			return nil, err
		}
		j.connect, stop = func() (*nats.Conn, error) { return s.Connect() }, s.Stop
	} else {
		c, err := embed.StartCluster(ctx, dir, replicas)
		if err != nil {
			return nil, err
		}
		j.connect, stop = func() (*nats.Conn, error) { return nats.Connect(strings.Join(c.URLs(), ",")) }, c.Stop
	}
	nc, err := j.connect()
	if err != nil {
		return nil, err
	}
	j.close = func() {
		nc.Close()
		stop()
		os.RemoveAll(dir)
	}
	j.js, err = jetstream.New(nc)
	return j, err
}

// open makes the relay's streams; a cluster that is new may need more than one try.
func (j *jet) open(ctx context.Context) (*store.Store, error) {
	for tries := 0; ; tries++ {
		s, err := store.Open(ctx, j.js, store.Options{Replicas: j.replicas})
		if err == nil || tries == 20 {
			return s, err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// A served relay is one with a port.
type served struct {
	*relay.Relay
	base string
	stop func()
}

func serveRelay(ctx context.Context, j *jet, upstream string, streams int) (*served, error) {
	nc, err := j.connect() // each relay has a connection of its own
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	r, err := relay.New(ctx, relay.Options{
		Upstream: upstream, All: true, JetStream: js, Replicas: j.replicas, UpstreamStreams: streams,
		Client: func(string) client.Options { return quick() },
	})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	hs := &http.Server{Handler: r}
	go hs.Serve(l)
	run, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		r.Run(run)
		close(done)
	}()
	return &served{r, "http://" + l.Addr().String(), func() {
		gone, now := context.WithCancel(ctx)
		now()
		r.Shutdown(gone)
		hs.Close()
		cancel()
		<-done
		nc.Close()
	}}, nil
}

func quick() client.Options {
	return client.Options{Backoff: backoff.Policy{Initial: 50 * time.Millisecond, Max: time.Second, GiveUp: backoff.Off}}
}

func until(ctx context.Context, what string, so func() bool) error {
	for deadline := time.Now().Add(3 * time.Minute); !so(); {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited three minutes for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}
