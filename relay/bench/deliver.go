package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

const deliverEvents = 4000 // to each reader

// deliver measures deliveries a second to many readers of one session: from one relay,
// from two, and as a loop that writes the same bytes to as many connections.
func deliver(ctx context.Context, t *table) error {
	for _, readers := range []int{10, 100, 1000} {
		var bare pace
		best := make([]pace, 2)
		for range rounds {
			p, err := bareDeliver(readers)
			if err != nil {
				return err
			}
			bare.better(p)
			for i := range best {
				if p, err = relayDeliver(ctx, i+1, readers); err != nil {
					return err
				}
				best[i].better(p)
			}
		}
		t.row(fmt.Sprintf("%d readers: a loop of writes, 16 KiB each", readers), "%v", bare)
		for i, p := range best {
			t.row(fmt.Sprintf("%d readers: R1, %s", readers, explain.Count(i+1, "relay")), "%v", p)
		}
	}
	return nil
}

// A counter counts events by a byte that each has once.
type counter struct {
	n    atomic.Int64
	want int64
	done chan struct{}
	once sync.Once
}

func (c *counter) read(r io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if c.n.Add(int64(bytes.Count(buf[:n], []byte(mark)))) >= c.want {
			c.once.Do(func() { close(c.done) })
		}
		if err != nil {
			return
		}
	}
}

func relayDeliver(ctx context.Context, relays, readers int) (pace, error) {
	j, err := newJet(ctx, 1)
	if err != nil {
		return pace{}, err
	}
	defer j.close()
	up, err := testserver.Start(nil)
	if err != nil {
		return pace{}, err
	}
	defer up.Close()
	s, err := j.open(ctx)
	if err != nil {
		return pace{}, err
	}
	if err := fill(ctx, s, "s1", 1); err != nil {
		return pace{}, err
	}
	var list []*served
	for range relays {
		r, err := serveRelay(ctx, j, up.URL, 1)
		if err != nil {
			return pace{}, err
		}
		defer r.stop()
		list = append(list, r)
	}
	c := &counter{want: int64(readers * deliverEvents), done: make(chan struct{})}
	client := &http.Client{Transport: &http.Transport{}}
	for i := range readers {
		resp, err := client.Get(list[i%relays].base + "/v1/sessions/s1/events")
		if err != nil {
			return pace{}, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return pace{}, fmt.Errorf("reader %d: %s", i, resp.Status)
		}
		go c.read(resp.Body)
	}
	// Stored with many in flight: the readers are measured, not the store.
	begin := now()
	for n := range deliverEvents {
		if _, err := j.js.PublishMsgAsync(bareMessage(1, n+2), jetstream.WithStallWait(stall)); err != nil {
			return pace{}, err
		}
	}
	select {
	case <-c.done:
	case <-time.After(3 * time.Minute):
		return pace{}, fmt.Errorf("%d of %d deliveries in three minutes", c.n.Load(), c.want)
	case <-ctx.Done():
		return pace{}, context.Cause(ctx)
	}
	return begin.pace(int(c.want)), nil
}

// bareDeliver writes the same frames to as many connections, some at a time.
func bareDeliver(readers int) (pace, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return pace{}, err
	}
	defer l.Close()
	c := &counter{want: int64(readers * deliverEvents), done: make(chan struct{})}
	var conns []net.Conn
	for range readers {
		r, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return pace{}, err
		}
		defer r.Close()
		go c.read(r)
		w, err := l.Accept()
		if err != nil {
			return pace{}, err
		}
		defer w.Close()
		conns = append(conns, w)
	}
	frame := fmt.Sprintf("id: %d\ndata: %s\n\n", 1000, data(1000))
	at := max(16<<10/len(frame), 1)
	chunk := []byte(strings.Repeat(frame, at))
	begin := now()
	for sent := 0; sent < deliverEvents; sent += at {
		n := min(at, deliverEvents-sent)
		for _, w := range conns {
			if _, err := w.Write(chunk[:n*len(frame)]); err != nil {
				return pace{}, err
			}
		}
	}
	<-c.done
	return begin.pace(int(c.want)), nil
}
