package memnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
)

func TestBytesArriveInOrder(t *testing.T) {
	a, b := memnet.Pipe(7)
	want := bytes.Repeat([]byte("0123456789"), 1000)
	go func() {
		a.Write(want)
		a.Close()
	}()
	got, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
	}
}

func TestWriterStallsWhenTheBufferIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(100)
		defer b.Close()
		defer a.Close()
		a.SetWriteDeadline(time.Now().Add(time.Minute))
		start := time.Now()
		n, err := a.Write(make([]byte, 150))
		if n != 100 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("Write: %d, %v after %v, want 100, a deadline after 1m0s", n, err, time.Since(start))
		}
		a.SetWriteDeadline(time.Time{})
		done := make(chan error)
		go func() { _, err := a.Write(make([]byte, 50)); done <- err }()
		synctest.Wait()
		io.ReadFull(b, make([]byte, 150))
		if err := <-done; err != nil {
			t.Errorf("Write after the deadline was taken away: %v", err)
		}
	})
}

func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		name        string
		end         func(*memnet.Conn)
		read        string
		readErr     error
		writeErr    error
		ownWriteErr error
	}{
		{"close", func(c *memnet.Conn) { c.Close() }, "bye", io.EOF, syscall.EPIPE, net.ErrClosed},
		{"half close", func(c *memnet.Conn) { c.CloseWrite() }, "bye", io.EOF, nil, net.ErrClosed},
		{"reset", (*memnet.Conn).Reset, "", syscall.ECONNRESET, syscall.ECONNRESET, net.ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := memnet.Pipe(10)
			io.WriteString(a, "bye")
			tt.end(a)
			buf := make([]byte, 10)
			n, err := b.Read(buf)
			if err == nil {
				_, err = b.Read(nil)
			}
			if string(buf[:n]) != tt.read || !errors.Is(err, tt.readErr) {
				t.Errorf("Read: %q, %v, want %q, %v", buf[:n], err, tt.read, tt.readErr)
			}
			if _, err := b.Write([]byte("x")); !errors.Is(err, tt.writeErr) {
				t.Errorf("peer's Write: %v, want %v", err, tt.writeErr)
			}
			if _, err := a.Write([]byte("x")); !errors.Is(err, tt.ownWriteErr) {
				t.Errorf("own Write: %v, want %v", err, tt.ownWriteErr)
			}
		})
	}
}

func TestDeadlineWakesAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(10)
		time.AfterFunc(time.Second, func() { a.SetReadDeadline(time.Unix(1, 0)) })
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read: %v, want a deadline", err)
		}
		a.SetReadDeadline(time.Now().Add(time.Second))
		a.SetReadDeadline(time.Now().Add(time.Hour)) // the first one must not fire
		time.AfterFunc(time.Minute, func() { b.Write([]byte("x")) })
		if _, err := a.Read(make([]byte, 1)); err != nil {
			t.Errorf("Read: %v", err)
		}
		a.Close()
	})
}

func TestClosedListenerRefuses(t *testing.T) {
	l := memnet.Listen("sse.test:80")
	early, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := early.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("connection in the backlog: %v, want reset", err)
	}
	if _, err := l.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial: %v, want refused", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v, want closed", err)
	}
}

// TestHTTP runs net/http over the network, on a clock of its own.
func TestHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen("sse.test:80")
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Hour)
			io.WriteString(w, "at last")
		})}
		go srv.Serve(l)
		tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }}
		resp, err := (&http.Client{Transport: tr}).Get("http://sse.test/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != "at last" {
			t.Errorf("got %q, %v", body, err)
		}
		resp.Body.Close()
		tr.CloseIdleConnections()
		srv.Close()
	})
}

func TestAddressesAndDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen("sse.test:80")
		client, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if l.Addr().String() != "sse.test:80" || server.LocalAddr() != l.Addr() || client.RemoteAddr() != l.Addr() ||
			server.RemoteAddr() != client.LocalAddr() || client.LocalAddr().Network() != "mem" {
			t.Errorf("addresses: %v; %v to %v; %v from %v", l.Addr(), client.LocalAddr(), client.RemoteAddr(), server.LocalAddr(), server.RemoteAddr())
		}
		client.SetDeadline(time.Now().Add(time.Second))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read: %v, want a deadline", err)
		}
		if _, err := client.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write: %v, want a deadline", err)
		}
		client.SetDeadline(time.Time{})
		if _, err := client.Write([]byte("x")); err != nil {
			t.Errorf("Write without a deadline: %v", err)
		}
		client.Close()
		server.Close()
	})
}

// TestDialGivesUp fills the backlog of a listener that does not accept.
func TestDialGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen("sse.test:80")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var err error
		for err == nil {
			_, err = l.Dial(ctx)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial: %v, want a deadline", err)
		}
		time.AfterFunc(time.Minute, func() { l.Close() })
		if _, err := l.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Dial while it closes: %v, want refused", err)
		}
	})
}
