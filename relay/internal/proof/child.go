//go:build unix

package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/daemon"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed"
	"github.com/OneStepAt4time/resilient-sse/server"
)

// childEnv holds what a child process is to be.
const childEnv = "SSE_RELAY_PROOF_CHILD"

// A role is what a child process is: a node or a relay.
type role struct {
	Node  *embed.Options
	Relay *relayRole
}

type relayRole struct {
	Listen   string
	NATS     []string
	Upstream string
	Streams  int // of sessions at once
	HoleWait time.Duration
}

// Child runs what the environment asks for and does not return then. It is called first
// in the program whose children the processes are.
func Child() {
	s := os.Getenv(childEnv)
	if s == "" {
		return
	}
	if err := runChild(s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runChild is a node or a relay until standard input ends: with the parent.
func runChild(s string) error {
	var r role
	if err := json.Unmarshal([]byte(s), &r); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if r.Node != nil {
		n, err := embed.Start(*r.Node)
		if err != nil {
			return err
		}
		<-ctx.Done()
		n.Stop()
		return nil
	}
	d, err := daemon.New(r.Relay.options())
	if err != nil {
		return err
	}
	return d.Run(ctx)
}

func (r *relayRole) options() daemon.Options {
	return daemon.Options{
		Relay: relay.Options{
			Upstream: r.Upstream, Name: "upstream", All: true, Replicas: nodes, UpstreamStreams: r.Streams, HoleWait: r.HoleWait,
			Client: func(string) client.Options { return quick() },
			Server: server.Options{Heartbeat: heartbeat},
		},
		Listen: r.Listen, NATS: daemon.NATS{URLs: r.NATS}, OpenWait: 10 * time.Minute, Drain: time.Second,
		Log:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Hint: func(error) string { return "" },
	}
}

// heartbeat is that of all servers here, and silent how long a connection may be.
const (
	heartbeat = time.Second
	silent    = 5 * time.Second
)

// quick are options of a source that does not give up, and waits shortly.
func quick() client.Options {
	return client.Options{
		Backoff:  backoff.Policy{Initial: 50 * time.Millisecond, Max: time.Second, GiveUp: backoff.Off},
		Timeouts: client.Timeouts{Connect: silent, Header: silent, Idle: silent},
	}
}
