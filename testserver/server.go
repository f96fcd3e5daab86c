package testserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// A Server serves session streams and plain ones. Its methods are safe for
// concurrent use.
type Server struct {
	URL string // of the server, without a slash at the end

	hub    *hub
	http   *http.Server
	port   *port
	ports  []*port // also the one for redirects, and apart
	apart  *port   // for the control API alone; nil if it has no address of its own
	memory bool
	client *http.Client
	close  sync.Once
	served sync.WaitGroup // goroutines that accept

	control  http.Handler
	restarts sync.Mutex // one at a time
}

// Start serves on a socket, at [Options.Addr]. The caller closes the server.
func Start(opts *Options) (*Server, error) {
	o, err := opts.defaults()
	if err != nil {
		return nil, err
	}
	s := newServer(o)
	s.client = &http.Client{Transport: &http.Transport{DisableCompression: true}}
	if s.port, err = s.listen(o.Addr, s.resetOnAccept); err != nil {
		return nil, err
	}
	if o.ControlAddr != "" {
		if s.apart, err = s.listen(o.ControlAddr, nil); err != nil {
			s.port.Close()
			return nil, err
		}
	}
	s.begin(s.port.url())
	return s, nil
}

// New starts a server on a loopback socket for one test, whose end closes it.
// Nil and no options are the defaults.
func New(tb TB, opts ...*Options) *Server {
	tb.Helper()
	s, err := Start(only(opts))
	if err != nil {
		tb.Fatalf("%v", err)
	}
	s.belongTo(tb)
	return s
}

// belongTo makes the server one of a test: it remembers what is published, the
// test's end closes it, and its failure shows the journal.
func (s *Server) belongTo(tb TB) {
	s.hub.mu.Lock()
	s.hub.ledger = newLedger()
	s.hub.mu.Unlock()
	tb.Cleanup(func() {
		s.logIfFailed(tb)
		s.Close()
	})
}

// NewInMemory starts a server without sockets for one test, whose end closes it.
// It works in a testing/synctest bubble, where its heartbeats, write timeouts and
// retirements follow the bubble's clock. Only [Server.Client] reaches it, or what
// dials with [Server.Dial].
func NewInMemory(tb TB, opts ...*Options) *Server {
	tb.Helper()
	o, err := only(opts).defaults()
	if err != nil {
		tb.Fatalf("%v", err)
	}
	s := newServer(o)
	s.memory = true
	s.client = &http.Client{Transport: &http.Transport{
		DisableCompression: true,
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return s.Dial(ctx) },
	}}
	s.port, _ = s.listen(memoryHost+":80", s.resetOnAccept) // nothing can fail in memory
	s.begin("http://" + memoryHost)
	s.belongTo(tb)
	return s
}

// memoryHost is the name of a server in memory.
const memoryHost = "sse.test"

func only(opts []*Options) *Options {
	if len(opts) == 0 {
		return nil
	}
	return opts[0]
}

// How long a client may take for what is not a stream.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

func newServer(o Options) *Server {
	s := &Server{hub: newHub(o)}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return s.hub.ctx },
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		Protocols:         new(http.Protocols),
		ErrorLog:          quiet,
	}
	s.control = newControl(s)
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
	return s
}

// begin serves on the ports that are open.
func (s *Server) begin(url string) {
	s.URL, s.hub.base = url, url
	for _, p := range s.ports {
		s.serve(p)
	}
}

func (s *Server) serve(p *port) {
	s.served.Go(func() { s.http.Serve(p) })
}

// listen opens a port, whose number stays the same when it is shut and opened
// again. Faults may take its connections with strike.
func (s *Server) listen(addr string, strike func(*netConn) bool) (*port, error) {
	p, err := openPort(func() (l net.Listener, err error) {
		if s.memory {
			return memnet.Listen(addr), nil
		}
		if l, err = net.Listen("tcp", addr); err == nil {
			addr = l.Addr().String()
		}
		return l, err
	}, s.hub.opts.WriteTimeout, strike)
	if err != nil {
		return nil, err
	}
	s.ports = append(s.ports, p)
	return p, nil
}

// resetOnAccept lets a fault take an accepted connection.
func (s *Server) resetOnAccept(c *netConn) bool {
	if !s.hub.strikesAccept(nameResetOnAccept) {
		return false
	}
	resetConn(c)
	return true
}

// Dial opens a connection to the server.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) {
	if !s.memory {
		return new(net.Dialer).DialContext(ctx, "tcp", s.port.Addr().String())
	}
	s.port.mu.Lock()
	inner, _ := s.port.inner.(*memnet.Listener)
	s.port.mu.Unlock()
	if inner == nil || s.hub.strikesAccept(nameRefuse) {
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: s.port.Addr(), Err: syscall.ECONNREFUSED}
	}
	return inner.Dial(ctx)
}

// Client returns an HTTP client for the server, the only one for a server in
// memory. It has no timeout, and its connections end with the server.
func (s *Server) Client() *http.Client { return s.client }

// ControlURL returns the address of the control API, with a slash at the end; "" if
// there is none.
func (s *Server) ControlURL() string {
	switch {
	case s.hub.opts.NoControl:
		return ""
	case s.apart != nil:
		return s.apart.url() + controlPath
	}
	return s.URL + controlPath
}

// SessionURL returns the address of a session's stream.
func (s *Server) SessionURL(id string) string { return s.URL + session.EventsPath(id) }

// GlobalURL returns the address of the stream of all sessions.
func (s *Server) GlobalURL() string { return s.URL + session.GlobalPath }

// StreamURL returns the address of a plain stream.
func (s *Server) StreamURL(name string) string {
	return s.URL + plainPath + "?stream=" + url.QueryEscape(name)
}

// Drop cuts all connections, in the middle of whatever they carry, and returns
// how many of them were streams.
func (s *Server) Drop() int {
	n := s.hub.command(orderAbort, whyDropped)
	s.cut()
	return n
}

// cut closes all TCP connections.
func (s *Server) cut() {
	for _, p := range s.allPorts() {
		p.cut()
	}
}

func (s *Server) allPorts() []*port {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return slices.Clone(s.ports)
}

// command orders all streams to end.
func (h *hub) command(o order, why string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		c.command(o, why)
	}
	return len(h.conns)
}

// Close cuts all connections and frees the port. It waits for nobody's reading,
// and is harmless the second time.
func (s *Server) Close() {
	s.close.Do(func() {
		s.hub.mu.Lock()
		s.hub.closed = true
		for _, ses := range s.hub.sessions {
			ses.close()
		}
		s.hub.mu.Unlock()
		s.hub.quit()
		s.hub.command(orderAbort, whyClosed)
		s.http.Close()
		for _, p := range s.allPorts() {
			p.Close()
		}
		s.cut()
		s.client.CloseIdleConnections()
		s.served.Wait()
		s.hub.done.Wait()
	})
}

// Shutdown ends gracefully: it refuses new streams, sends shutdown on the
// global stream, lets each connection end behind the last event, and then closes
// the server. When the context ends before, what is left is cut, and the error
// is the context's cause.
func (s *Server) Shutdown(ctx context.Context) error {
	h := s.hub
	h.mu.Lock()
	h.closed = true
	woken := h.announce(session.Shutdown, nil, nil)
	h.mu.Unlock()
	ring(woken)
	h.command(orderEnd, whyStop)
	err := h.await(ctx, "connections to end", func() bool { return len(h.conns) == 0 })
	s.Close()
	if errors.Is(err, errClosed) {
		return nil
	}
	return err
}
