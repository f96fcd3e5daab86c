// Package embed runs NATS servers with JetStream inside this process: one that only
// the process itself reaches, or a cluster on loopback ports, for the demo and for
// tests.
package embed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// readyTimeout is how long a server may take to be ready. One that finds much in its
// folder reads it first.
const readyTimeout = 60 * time.Second

// A Server is one NATS server of this process.
type Server struct {
	ns   *server.Server
	held *os.File // the lock of its folder
}

// Options of a server. Zero fields mean the value that stands beside them.
type Options struct {
	Dir      string // of what is stored
	MaxStore int64  // no limit but the disk's, in bytes
	Log      string // file of what the server says; none

	// SyncAlways makes an acknowledged event safe over a loss of power: each is
	// written through to the disk, which costs much of the speed. Without it an
	// acknowledged event is safe over a crash of the process.
	SyncAlways bool

	// Of a cluster's node: its name, the port of its routes, and all nodes' routes.
	// A server without a name is no node, and listens on no port.
	Name   string
	Port   int // of its clients; -1: any
	Route  int
	Routes []string
}

// Start runs a server, and returns when it is ready for JetStream's clients, or for
// a node of a cluster: for clients.
func Start(o Options) (*Server, error) {
	so := &server.Options{
		ServerName: "sse-relay", DontListen: true,
		JetStream: true, StoreDir: o.Dir, JetStreamMaxStore: -1, SyncAlways: o.SyncAlways,
		NoSigs: true, NoLog: true, MaxPayload: maxPayload, MaxPending: maxPending,
	}
	if o.MaxStore > 0 {
		so.JetStreamMaxStore = o.MaxStore
	}
	if o.Log != "" {
		so.NoLog, so.LogFile, so.Logtime = false, o.Log, true
	}
	if o.Name != "" {
		so.ServerName, so.DontListen = o.Name, false
		so.Host, so.Port = "127.0.0.1", o.Port
		so.Cluster = server.ClusterOpts{Name: "sse-relay", Host: "127.0.0.1", Port: o.Route, PoolSize: -1, NoAdvertise: true}
		for _, r := range o.Routes {
			u, err := url.Parse(r)
			if err != nil {
				return nil, err
			}
			so.Routes = append(so.Routes, u)
		}
	}
	held, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	ns, err := server.NewServer(so)
	if err != nil {
		held.Close()
		return nil, fmt.Errorf("relay: embedded NATS server: %w", err)
	}
	if o.Log != "" {
		ns.ConfigureLogger()
	}
	go ns.Start()
	if !ns.ReadyForConnections(readyTimeout) {
		ns.Shutdown()
		held.Close()
		return nil, fmt.Errorf("relay: embedded NATS server was not ready within %v: is %s writable, and used by no other process?", readyTimeout, o.Dir)
	}
	if !ns.JetStreamEnabled() {
		ns.Shutdown()
		held.Close()
		return nil, fmt.Errorf("relay: embedded NATS server could not use %s: is it writable, and used by no other process?", o.Dir)
	}
	return &Server{ns, held}, nil
}

// An event may be as large as the client's limit lets it be.
const (
	maxPayload = 20 << 20
	maxPending = 64 << 20
)

// URL returns the address of a cluster's node.
func (s *Server) URL() string { return s.ns.ClientURL() }

// Leads tells whether the server leads a JetStream stream.
func (s *Server) Leads(stream string) bool {
	return s.ns.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream)
}

// Connect returns a connection that touches no network.
func (s *Server) Connect(opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect("", append(opts, nats.InProcessServer(s.ns))...)
}

// Stop shuts the server down and waits until it is. What was acknowledged is stored.
func (s *Server) Stop() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
	s.held.Close()
}

// A Cluster is a number of servers, each with a folder below one, that replicate
// among themselves. Its nodes can be stopped and started again.
type Cluster struct {
	opts  []Options
	nodes []*Server // nil where one is stopped
}

// Nodes returns the options of a cluster's n nodes, each with a folder below one, on
// loopback ports that are free now.
func Nodes(dir string, n int) (nodes []Options, err error) {
	ports, err := FreePorts(2 * n)
	if err != nil {
		return nil, err
	}
	var routes []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[2*i]))
	}
	for i := range n {
		name := fmt.Sprintf("node%d", i+1)
		nodes = append(nodes, Options{Dir: filepath.Join(dir, name), Name: name, Route: ports[2*i], Port: ports[2*i+1], Routes: routes})
	}
	return nodes, nil
}

// StartCluster runs n nodes, and returns when they have a leader.
func StartCluster(ctx context.Context, dir string, n int) (*Cluster, error) {
	nodes, err := Nodes(dir, n)
	if err != nil {
		return nil, err
	}
	c := &Cluster{opts: nodes, nodes: make([]*Server, n)}
	for i := range n {
		if err := c.Start(i); err != nil {
			c.Stop()
			return nil, err
		}
	}
	if err := c.settle(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// settle waits for a leader of JetStream's own.
func (c *Cluster) settle(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, s := range c.nodes {
			if s != nil && s.ns.JetStreamIsLeader() && len(s.ns.JetStreamClusterPeers()) == len(c.nodes) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("relay: embedded cluster found no leader: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Start runs a node that is stopped.
func (c *Cluster) Start(i int) (err error) {
	if c.nodes[i] != nil {
		return errors.New("relay: node is running already")
	}
	c.nodes[i], err = Start(c.opts[i])
	return err
}

// StopNode shuts a node down, without a word to the others first.
func (c *Cluster) StopNode(i int) {
	if s := c.nodes[i]; s != nil {
		c.nodes[i] = nil
		s.Stop()
	}
}

// Node returns a node; nil if it is stopped.
func (c *Cluster) Node(i int) *Server { return c.nodes[i] }

// URLs returns the addresses of all nodes, also of those that are stopped.
func (c *Cluster) URLs() (urls []string) {
	for _, o := range c.opts {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	return urls
}

// Leader returns the node that leads a stream; -1 if none does now.
func (c *Cluster) Leader(stream string) int {
	for i, s := range c.nodes {
		if s != nil && s.Leads(stream) {
			return i
		}
	}
	return -1
}

// Stop shuts all nodes down.
func (c *Cluster) Stop() {
	for i := range c.nodes {
		c.StopNode(i)
	}
}

// FreePorts returns loopback ports that nobody listens on. They are below those that
// systems give out by themselves, so that they stay free while a node is away.
func FreePorts(n int) (ports []int, err error) {
	const low, high, tries = 20000, 32000, 100
	for range tries {
		port := low + rand.IntN(high-low)
		l, listenErr := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if listenErr != nil {
			err = listenErr
			continue
		}
		defer l.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("relay: no free ports on loopback: %w", err)
}
