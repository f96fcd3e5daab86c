package port_test

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/port"
)

func open(t *testing.T) *port.Port {
	t.Helper()
	addr := "127.0.0.1:0"
	p, err := port.Open(func() (net.Listener, error) {
		l, err := net.Listen("tcp", addr)
		if err == nil {
			addr = l.Addr().String()
		}
		return l, err
	}, time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(); p.Cut() })
	return p
}

// pair returns both ends of a connection to the port.
func pair(t *testing.T, p *port.Port) (client net.Conn, served *port.Conn) {
	t.Helper()
	client, err := net.Dial("tcp", p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	c, err := p.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, c.(*port.Conn)
}

func refused(p *port.Port) bool {
	c, err := net.Dial("tcp", p.Addr().String())
	if err == nil {
		c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func TestShutters(t *testing.T) {
	p := open(t)
	first, second := p.Shut(), p.Shut()
	first()
	first()
	if !refused(p) {
		t.Error("the port is open although one wants it to be shut")
	}
	second()
	if err := p.AwaitOpen(t.Context()); err != nil || refused(p) {
		t.Errorf("the port is shut: %v", err)
	}
}

// TestAwaitOpenDoesNotWaitForOthers: who has opened does not wait for somebody else.
func TestAwaitOpenDoesNotWaitForOthers(t *testing.T) {
	p := open(t)
	p.Shut()
	p.Shut()()
	if err := p.AwaitOpen(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAddressTakenMeanwhile(t *testing.T) {
	p := open(t)
	back := p.Shut()
	other, err := net.Listen("tcp", p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	back()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.AwaitOpen(ctx); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want that the address is in use", err)
	}
	other.Close()
	if err := p.AwaitOpen(t.Context()); err != nil {
		t.Error(err)
	}
	pair(t, p)
}

func TestConnsAreForgotten(t *testing.T) {
	p := open(t)
	client, served := pair(t, p)
	_, spared := pair(t, p)
	done := spared.Spare()
	spared.Spare()() // another one
	if p.Conns() != 2 {
		t.Errorf("%d connections, want 2", p.Conns())
	}
	served.Reset()
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read: %v, want a reset", err)
	}
	p.Cut()
	if p.Conns() != 1 {
		t.Errorf("%d connections, want the spared one", p.Conns())
	}
	done()
	p.Cut()
	if p.Conns() != 0 {
		t.Errorf("%d connections left", p.Conns())
	}
}
