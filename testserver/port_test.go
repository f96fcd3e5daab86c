package testserver

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
)

// TestPortThatSomeoneElseHas shows that a port that was shut comes back, although
// it could not be had for a while.
func TestPortThatSomeoneElseHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var taken atomic.Bool
		var inner *memnet.Listener
		p, err := openPort(func() (net.Listener, error) {
			if taken.Load() {
				return nil, errors.New("address in use")
			}
			inner = memnet.Listen("mem:1")
			return inner, nil
		}, time.Second, nil)
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan net.Conn)
		go func() {
			for {
				c, err := p.Accept()
				if err != nil {
					close(accepted)
					return
				}
				accepted <- c
			}
		}()
		p.shut()
		p.shut() // by two faults
		taken.Store(true)
		p.open()
		p.open()
		start := time.Now()
		time.AfterFunc(time.Second, func() { taken.Store(false) })
		p.awaitOpen()
		if d := time.Since(start); d < time.Second || d > time.Second+reopenPause {
			t.Errorf("open after %v", d)
		}
		if _, err := inner.Dial(t.Context()); err != nil {
			t.Fatal(err)
		}
		(<-accepted).Close()
		p.Close()
		p.shut()
		p.open()
		p.awaitOpen()
		if _, ok := <-accepted; ok {
			t.Error("a closed port accepts")
		}
	})
}

func TestURLOfAPort(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80", "0.0.0.0:80": "http://127.0.0.1:80", "[::]:80": "http://127.0.0.1:80",
		"[::1]:80": "http://[::1]:80", "192.0.2.1:80": "http://192.0.2.1:80",
	} {
		a, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&port{addr: a}).url(); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
}
