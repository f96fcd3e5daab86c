package testserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/control"
	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
	"github.com/OneStepAt4time/resilient-sse/internal/port"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A Server serves session streams and plain ones. Its methods are safe for
// concurrent use.
type Server struct {
	URL string // of the server, without a slash at the end

	opts   Options
	hub    *hub.Hub
	on     *server.Server // the hub, as package server shows it
	faults *fault.Set
	book   *book
	shut   shutters
	quotas quotas // of a profile that has them

	ctx    context.Context // until Close
	quit   context.CancelFunc
	http   *http.Server
	tls    *tls.Config
	port   *port.Port
	apart  *port.Port // for the control API alone; nil if it has no address of its own
	memory bool
	client *http.Client
	close  sync.Once
	served sync.WaitGroup // goroutines that accept
	gate   gate           // requests under way

	control  http.Handler
	upstream *relay      // nil: it is no proxy
	restarts sync.Mutex  // one at a time
	down     atomic.Bool // no stream is served

	second struct { // a second port, for redirects to it
		sync.Mutex
		port *port.Port
		name string
	}
}

// Start serves on a socket, at [Options.Addr]. The caller closes the server.
func Start(opts *Options) (*Server, error) {
	s, err := newServer(opts)
	if err != nil {
		return nil, err
	}
	return s.listenAndBegin()
}

// listenAndBegin serves on sockets.
func (s *Server) listenAndBegin() (_ *Server, err error) {
	if s.port, err = s.listen(s.opts.Addr, s.resetOnAccept); err != nil {
		return nil, err
	}
	if s.opts.ControlAddr != "" {
		if s.apart, err = s.listen(s.opts.ControlAddr, nil); err != nil {
			s.port.Close()
			return nil, err
		}
	}
	transport := &http.Transport{DisableCompression: true, TLSClientConfig: s.clientTLS(), ForceAttemptHTTP2: s.tls != nil}
	s.client = &http.Client{Transport: transport}
	s.begin(s.schemed(s.port))
	return s, nil
}

// New starts a server on a loopback socket for one test, whose end closes it. Nil and
// no options are the defaults; more than one is a mistake that ends the test.
func New(tb TB, opts ...*Options) *Server {
	tb.Helper()
	s, err := Start(only(tb, opts))
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	s.belongTo(tb)
	return s
}

// NewInMemory starts a server without sockets for one test, whose end closes it.
// It works in a testing/synctest bubble, where its heartbeats, write timeouts and
// retirements follow the bubble's clock. Only [Server.Client] reaches it, or what
// dials with [Server.Dial].
func NewInMemory(tb TB, opts ...*Options) *Server {
	tb.Helper()
	s, err := newServer(only(tb, opts))
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	s.memory = true
	s.client = &http.Client{Transport: &http.Transport{
		DisableCompression: true, TLSClientConfig: s.clientTLS(), ForceAttemptHTTP2: s.tls != nil,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.Dial(ctx) },
	}}
	s.port, _ = s.listen(memoryHost+":80", s.resetOnAccept) // nothing can fail in memory
	s.begin(s.scheme() + memoryHost)
	s.belongTo(tb)
	return s
}

// memoryHost is the name of a server in memory.
const memoryHost = "sse.test"

func only(tb TB, opts []*Options) *Options {
	tb.Helper()
	switch len(opts) {
	case 0:
		return nil
	case 1:
		return opts[0]
	}
	tb.Fatalf("testserver: there are %d Options, and a server has one", len(opts))
	return nil
}

// belongTo makes the server one of a test: the test's end closes it and fails it for a
// handler that has panicked, and its failure shows what the server saw.
func (s *Server) belongTo(tb TB) {
	tb.Cleanup(func() {
		tb.Helper()
		s.showIfFailed(tb)
		s.Close()
		for _, p := range s.book.panicked() {
			tb.Errorf("testserver: a handler has panicked: %s", p)
		}
	})
}

// How long a client may take for what is not a stream.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

func newServer(opts *Options) (*Server, error) {
	o, err := opts.defaults()
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o, book: newBook(o.Journal, o.Record)}
	s.faults = fault.NewSet(o.Seed, s.book.struck)
	cfg := o.config()
	o.profile(&cfg)
	cfg.Seam, cfg.Watcher = seam{s}, s.book
	if s.hub, err = hub.New(cfg); err != nil {
		return nil, optionError(err)
	}
	s.on = server.Over(s.hub)
	if s.tls, err = serverTLS(o.TLS); err != nil {
		return nil, err
	}
	s.ctx, s.quit = context.WithCancel(context.Background())
	s.gate.idle.L = &s.gate.mu
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ConnContext:       withConn,
		Protocols:         new(http.Protocols),
		TLSConfig:         s.tls,
		ErrorLog:          quiet,
	}
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetHTTP2(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
	return s, nil
}

// begin serves on the ports that are open.
func (s *Server) begin(url string) {
	s.URL = url
	s.hub.SetBase(url)
	s.control = control.New(&driver{s}, control.Options{
		Token: s.opts.ControlToken, Hosts: s.opts.ControlHosts, Any: s.opts.ControlAny || s.memory, Shared: s.apart == nil,
	})
	for _, p := range s.allPorts() {
		s.serve(p)
	}
}

// scheme returns the beginning of the server's URL.
func (s *Server) scheme() string {
	if s.tls != nil {
		return "https://"
	}
	return "http://"
}

// schemed returns the URL of a port.
func (s *Server) schemed(p *port.Port) string {
	scheme := s.scheme()
	if p == s.apart {
		scheme = "http://"
	}
	return urlOf(scheme, p.Addr().String())
}

// urlOf returns an address to ask for; a port on all interfaces is asked for on the
// loopback one.
func urlOf(scheme, addr string) string {
	host, number, _ := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + net.JoinHostPort(host, number)
}

func (s *Server) serve(p *port.Port) {
	s.served.Go(func() {
		if s.tls != nil && p != s.apart {
			s.http.ServeTLS(p, "", "")
			return
		}
		s.http.Serve(p)
	})
}

// listen opens a port, whose number stays the same when it is shut and opened again.
func (s *Server) listen(addr string, take func(*port.Conn) bool) (*port.Port, error) {
	return port.Open(func() (l net.Listener, err error) {
		if s.memory {
			return memnet.Listen(addr), nil
		}
		if l, err = net.Listen("tcp", addr); err == nil {
			addr = l.Addr().String()
		}
		return l, err
	}, s.opts.WriteTimeout, take)
}

// Dial opens a connection to the server.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) {
	if !s.memory {
		return new(net.Dialer).DialContext(ctx, "tcp", s.port.Addr().String())
	}
	inner, _ := s.port.Inner().(*memnet.Listener)
	if inner == nil || s.faults.Strike(fault.KindRefuse, 0) {
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: s.port.Addr(), Err: syscall.ECONNREFUSED}
	}
	return inner.Dial(ctx)
}

// Client returns an HTTP client for the server, the only one for a server in memory.
// It has no timeout, trusts the server's certificate, and its connections end with the
// server.
func (s *Server) Client() *http.Client { return s.client }

// ControlURL returns the address of the control API, with a slash at the end; "" if
// there is none.
func (s *Server) ControlURL() string {
	switch {
	case s.opts.NoControl:
		return ""
	case s.apart != nil:
		return s.schemed(s.apart) + control.Path
	}
	return s.URL + control.Path
}

// SessionURL returns the address of a session's stream.
func (s *Server) SessionURL(id string) string { return s.URL + session.EventsPath(id) }

// GlobalURL returns the address of the stream of all sessions.
func (s *Server) GlobalURL() string { return s.URL + session.GlobalPath }

// StreamURL returns the address of a plain stream.
func (s *Server) StreamURL(name string) string {
	return s.URL + hub.PlainPath + "?stream=" + url.QueryEscape(name)
}

// Drop cuts all connections, in the middle of whatever they carry, and returns how
// many of them were streams.
func (s *Server) Drop() int {
	n := s.endAll(whyDropped)
	s.cut()
	return n
}

// endAll cuts all streams, with their reason, and returns how many these were.
func (s *Server) endAll(why string) int {
	return s.hub.CommandAll(nil, hub.Abort, why) + s.book.endPassing(&order{fault.EndCut, why})
}

// cut closes all TCP connections.
func (s *Server) cut() {
	for _, p := range s.allPorts() {
		p.Cut()
	}
}

// allPorts returns the ports, that of the control API included.
func (s *Server) allPorts() []*port.Port {
	s.second.Lock()
	defer s.second.Unlock()
	ports := []*port.Port{s.port}
	if s.apart != nil {
		ports = append(ports, s.apart)
	}
	if s.second.port != nil {
		ports = append(ports, s.second.port)
	}
	return ports
}

// Close cuts all connections and frees the port. It waits for nobody's reading, returns
// when no handler runs any more, and is harmless the second time.
func (s *Server) Close() {
	s.close.Do(func() {
		s.gate.shut()
		s.endAll(whyClosed)
		s.quit()
		s.book.close()
		s.faults.RemoveAll() // what waits without an answer goes on, and is cut
		s.shut.openAll()
		for _, p := range s.allPorts() {
			p.Close()
		}
		s.cut()
		s.hub.Close()
		s.http.Close()
		s.cut()
		s.client.CloseIdleConnections()
		if s.upstream != nil {
			s.upstream.transport.CloseIdleConnections()
		}
		s.gate.wait()
		s.served.Wait()
	})
}

// Shutdown ends gracefully: it refuses new streams, sends shutdown on the global
// stream, lets each connection end behind the last event, and then closes the server.
// When the context ends before, what is left is cut, and the error is the context's
// cause.
func (s *Server) Shutdown(ctx context.Context) error {
	if v, ok := s.opts.Profile.version(); ok {
		return s.shutdownAegis(ctx, v)
	}
	err := s.hub.Shutdown(ctx)
	s.Close()
	if err != nil {
		return fmt.Errorf("testserver: waiting for connections to end: %w", err)
	}
	return nil
}

var errClosed = errors.New("testserver: server is closed")

// A gate counts the requests under way, and lets none in once it is shut.
type gate struct {
	mu     sync.Mutex
	idle   sync.Cond
	inside int
	closed bool
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.inside++
	}
	return !g.closed
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 {
		g.idle.Broadcast()
	}
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

func (g *gate) wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.inside > 0 {
		g.idle.Wait()
	}
}
