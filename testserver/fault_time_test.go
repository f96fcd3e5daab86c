package testserver_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A clocked is what came, and when.
type clocked struct {
	at   time.Duration
	text string
}

// record reads a connection until it ends, and notes what came at each moment: how
// many reads that took is chance.
func record(c io.Reader) (pieces []clocked, err error) {
	start := time.Now()
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return pieces, err
		}
		at, text := time.Since(start), string(buf[:n])
		if last := len(pieces) - 1; last >= 0 && pieces[last].at == at {
			pieces[last].text += text
			continue
		}
		pieces = append(pieces, clocked{at, text})
	}
}

func (c clocked) String() string { return fmt.Sprintf("%v %q", c.at, c.text) }

// expectPieces reads the rest of a connection and compares.
func expectPieces(t *testing.T, c *rawConn, want ...clocked) {
	t.Helper()
	got, _ := record(c.in)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("on the wire:\ngot  %v\nwant %v", got, want)
	}
}

// inBubble runs a test on the in-memory server, on a clock of its own, with a plain
// stream.
func inBubble(t *testing.T, test func(t *testing.T, srv *ts.Server, st *server.Stream)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		test(t, srv, srv.Stream("s"))
	})
}

const heartbeat = ": heartbeat\n\n"

func TestStall(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.Stall().AfterEvents(1).For(2 * time.Minute))
		c := getRaw(t, srv, srv.StreamURL("s"), "Last-Event-ID: 0")
		c.head(t)
		time.AfterFunc(time.Second, func() { sendAll(t, st) })
		time.AfterFunc(10*time.Minute, func() { srv.Drop() })
		want := []clocked{
			{time.Second, chunk(one)},
			// Silence, then all that has gathered, and one heartbeat instead of four.
			{121 * time.Second, chunk(two+three+four) + chunk(heartbeat)},
		}
		for at := 151 * time.Second; at < 10*time.Minute; at += 30 * time.Second {
			want = append(want, clocked{at, chunk(heartbeat)})
		}
		got, _ := record(c.in)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

func TestStallForEver(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.Stall().AfterBytes(20))
		c := getRaw(t, srv, srv.StreamURL("s"), "Last-Event-ID: 0")
		c.head(t)
		sendAll(t, st)
		time.AfterFunc(24*time.Hour, func() { srv.Drop() })
		got, _ := record(c.in)
		if want := []clocked{{0, chunk(one) + chunk(two[:3])}}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestStallEvents(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.StallEvents().AfterEvents(1).For(70 * time.Second))
		c := getRaw(t, srv, srv.StreamURL("s"), "Last-Event-ID: 0")
		c.head(t)
		sendAll(t, st)
		time.AfterFunc(80*time.Second, func() { srv.Drop() })
		got, _ := record(c.in)
		want := []clocked{
			{0, chunk(one)}, {30 * time.Second, chunk(heartbeat)}, {60 * time.Second, chunk(heartbeat)},
			{70 * time.Second, chunk(two + three + four)},
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

func TestHold(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault fault.Fault
		at    time.Duration
		want  string
	}{
		{"events", fault.Hold(4), 4 * time.Second, chunk(all)},
		{"time", fault.Hold(0).For(3500 * time.Millisecond), 3500 * time.Millisecond, chunk(one + two + three)},
		{"either", fault.Hold(100).For(3500 * time.Millisecond), 3500 * time.Millisecond, chunk(one + two + three)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
				srv.Inject(tt.fault)
				c := getRaw(t, srv, srv.StreamURL("s"))
				c.head(t)
				publishSlowly(t, st)
				time.AfterFunc(tt.at+time.Millisecond, func() { srv.Drop() })
				expectPieces(t, c, clocked{tt.at, tt.want})
			})
		})
	}
}

func TestHoldEndsWithItsStream(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.Hold(9))
		c := getRaw(t, srv, srv.StreamURL("s"))
		c.head(t)
		publishSlowly(t, st)
		time.AfterFunc(5*time.Second, st.End)
		expectPieces(t, c, clocked{5 * time.Second, chunk(all) + lastChunk})
	})
}

func TestHoldAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.Hold(2).Times(2))
		c := getRaw(t, srv, srv.StreamURL("s"))
		c.head(t)
		publishSlowly(t, st)
		time.AfterFunc(5*time.Second, func() { sendText(t, st, one) }) // is not held
		time.AfterFunc(6*time.Second, func() { srv.Drop() })
		expectPieces(t, c,
			clocked{2 * time.Second, chunk(one) + chunk(two)},
			clocked{4 * time.Second, chunk(three + four)},
			clocked{5 * time.Second, chunk(one)})
	})
}

func TestHoldAgainAndAgainByTime(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.Hold(0).For(2500 * time.Millisecond).Always())
		c := getRaw(t, srv, srv.StreamURL("s"))
		c.head(t)
		publishSlowly(t, st)
		time.AfterFunc(50*time.Second, func() { srv.Drop() })
		expectPieces(t, c,
			clocked{2500 * time.Millisecond, chunk(one) + chunk(two)},
			clocked{5 * time.Second, chunk(three) + chunk(four)},
			clocked{30 * time.Second, chunk(heartbeat)})
	})
}

// TestGzipWithholds shows why a proxy that compresses and never flushes is a fault.
func TestGzipWithholds(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.Gzip())
		c := getRaw(t, srv, srv.StreamURL("s"))
		c.head(t)
		publishSlowly(t, st)
		time.AfterFunc(20*time.Minute, st.End)
		got, _ := record(c.in)
		if len(got) != 2 || len(unchunk(t, got[0].text)[0]) != 10 || got[1].at != 20*time.Minute {
			t.Errorf("got %v, want gzip's header of 10 bytes at first, and all else at the end", got)
		}
	})
}

// publishSlowly lets the four events be sent, one each second.
func publishSlowly(t *testing.T, st *server.Stream) {
	for i, text := range []string{one, two, three, four} {
		time.AfterFunc(time.Duration(i+1)*time.Second, func() { sendText(t, st, text) })
	}
}

func TestDrip(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.Drip(8, time.Minute))
		sendText(t, st, one)
		c := getRaw(t, srv, srv.StreamURL("s"), "Last-Event-ID: 0")
		c.head(t)
		st.End()
		expectPieces(t, c,
			clocked{0, chunk(one[:8])}, clocked{time.Minute, chunk(one[8:16])},
			clocked{2 * time.Minute, chunk(one[16:]) + lastChunk})
	})
}

func TestDripDoesNotHoldClose(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.Drip(1, time.Hour))
		sendText(t, st, one)
		getRaw(t, srv, srv.StreamURL("s"), "Last-Event-ID: 0").head(t)
		if err := srv.WaitConns(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		srv.Close()
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v", d)
		}
	})
}

func TestAfterTime(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		h := srv.Inject(fault.Rotate(45 * time.Second))
		for i := 1; i <= 3; i++ {
			c := getRaw(t, srv, srv.StreamURL("s"))
			c.head(t)
			got, err := record(c.in)
			want := []clocked{{30 * time.Second, chunk(heartbeat)}, {45 * time.Second, lastChunk}}
			if fmt.Sprint(got) != fmt.Sprint(want) || err != io.EOF || h.Fired() != i {
				t.Errorf("round %d: got %v, %v, fired %d, want %v", i, got, err, h.Fired(), want)
			}
		}
	})
}

func TestNoAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, _ *server.Stream) {
		srv.Inject(fault.NoAnswer())
		c := getRaw(t, srv, srv.StreamURL("s"))
		time.AfterFunc(24*time.Hour, func() { srv.Drop() })
		start := time.Now()
		if got, _ := io.ReadAll(c.in); len(got) > 0 || time.Since(start) != 24*time.Hour {
			t.Errorf("got %q after %v", got, time.Since(start))
		}
	})
}

func TestSlowHeaders(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, _ *server.Stream) {
		srv.Inject(fault.SlowHeaders(time.Minute), fault.Status(500))
		for i, want := range []struct {
			status int
			after  time.Duration
		}{{500, time.Minute}, {200, 0}} {
			c := getRaw(t, srv, srv.StreamURL("s"))
			start := time.Now()
			if resp := c.head(t); resp.StatusCode != want.status || time.Since(start) != want.after {
				t.Errorf("request %d: %s after %v, want %d after %v", i, resp.Status, time.Since(start), want.status, want.after)
			}
		}
	})
}

func TestRefuse(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, _ *server.Stream) {
		h := srv.Inject(fault.Refuse().Times(2))
		for i := range 3 {
			_, err := srv.Dial(t.Context())
			if refused := errors.Is(err, syscall.ECONNREFUSED); refused != (i < 2) {
				t.Errorf("dial %d: %v", i, err)
			}
		}
		if h.Fired() != 2 {
			t.Errorf("fired %d times, want 2", h.Fired())
		}
		h = srv.Inject(fault.Refuse().For(time.Minute))
		start := time.Now()
		for time.Since(start) < time.Minute {
			if _, err := srv.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
			time.Sleep(7 * time.Second)
		}
		getRaw(t, srv, srv.StreamURL("s")).head(t)
		if h.Fired() != 1 {
			t.Errorf("fired %d times, want 1", h.Fired())
		}
	})
}

func TestRefuseOnASocket(t *testing.T) {
	srv := ts.New(t)
	st := srv.Stream("s")
	open := getRaw(t, srv, srv.StreamURL("s"))
	open.head(t)
	if err := srv.Inject(fault.Refuse().For(50*time.Millisecond)).WaitFired(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", strings.TrimPrefix(srv.URL, "http://")); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v, %v, want refused", c, err)
	}
	st.End() // what is open stays
	if _, end := open.rest(); end != "clean" {
		t.Errorf("the open connection's end: %s", end)
	}
	for srv.Stats().Requests < 2 { // no fact but the kernel's says that the port is open again
		if resp, err := srv.Client().Get(srv.GlobalURL()); err == nil {
			resp.Body.Close()
		}
	}
}

func TestRefuseUntilRemoved(t *testing.T) {
	for _, net := range networks {
		t.Run(net.name, func(t *testing.T) {
			srv := net.start(t)
			h := srv.Inject(fault.Refuse().Always())
			for range 3 {
				if c, err := srv.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("dial: %v, %v, want refused", c, err)
				}
			}
			h.Remove()
			h.Remove()
			if status := statusOf(t, srv, "GET", srv.GlobalURL()); status != 200 {
				t.Errorf("got %d", status)
			}
		})
	}
}

func TestResets(t *testing.T) {
	for _, net := range networks {
		t.Run(net.name, func(t *testing.T) {
			srv := net.start(t)
			st := srv.Stream("s")
			sendAll(t, st)
			srv.Inject(fault.RST().AfterEvents(1))
			c := getRaw(t, srv, srv.StreamURL("s"), "Last-Event-ID: 0")
			if _, end := c.rest(); end != "reset" { // what was in flight may be lost, also the head
				t.Errorf("end: %s, want reset", end)
			}
			h := srv.Inject(fault.ResetOnAccept())
			if c, err := srv.Dial(t.Context()); err == nil { // or the dialing saw it already
				_, err = c.Read(make([]byte, 1))
				c.Close()
				if !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("Read: %v, want a reset", err)
				}
			} else if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("Dial: %v, want a reset", err)
			}
			if h.Fired() != 1 {
				t.Errorf("fired %d times", h.Fired())
			}
		})
	}
}

func TestLatency(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		srv.Inject(fault.Latency(1500*time.Millisecond, 0))
		c := getRaw(t, srv, srv.StreamURL("s"))
		c.head(t)
		publishSlowly(t, st)
		time.AfterFunc(8*time.Second, func() { srv.Drop() })
		expectPieces(t, c,
			clocked{2500 * time.Millisecond, chunk(one)}, clocked{3500 * time.Millisecond, chunk(two)},
			clocked{4500 * time.Millisecond, chunk(three)}, clocked{5500 * time.Millisecond, chunk(four)})
	})
}
