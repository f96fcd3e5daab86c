package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed"
)

// Three publishers have the same events of several sessions, each with a lag of its
// own; the node that leads is stopped in the middle, twice. Each event is stored once,
// in order.
func TestLeaderIsStopped(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c, err := embed.StartCluster(ctx, t.TempDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	const publishers, sessions, events = 3, 6, 150
	var stores []*Store
	for range publishers {
		nc, err := nats.Connect(strings.Join(c.URLs(), ","), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, open(t, js, Options{Replicas: 3}))
	}
	var wg sync.WaitGroup
	half := make(chan struct{}, 2) // two moments in which the leader is stopped
	for p, s := range stores {
		for n := range sessions {
			rng := rand.New(rand.NewPCG(uint64(p), uint64(n)))
			wg.Go(func() {
				if err := publish(ctx, s, fmt.Sprintf("s%d", n), events, rng, func(id int) {
					if n == 0 && (id == events/3 || id == 2*events/3) {
						half <- struct{}{}
					}
				}); err != nil {
					t.Errorf("publisher %d, session %d: %v", p, n, err)
				}
			})
		}
	}
	wg.Go(func() {
		for range 2 {
			select {
			case <-half:
			case <-ctx.Done():
				return
			}
			if i := c.Leader("SSE_SESSIONS"); i >= 0 {
				c.StopNode(i)
				if err := c.Start(i); err != nil {
					t.Errorf("node %d: %v", i, err)
				}
			}
		}
	})
	wg.Wait()
	if t.Failed() {
		return
	}
	for n := range sessions {
		id, last := 0, uint64(0)
		k := Key{Session, fmt.Sprintf("s%d", n)}
		end, _, err := stores[0].Last(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		err = stores[0].Range(ctx, k, 1, end.Seq, func(e Event) error {
			if id++; e.Origin.ID != fmt.Sprint(id) || e.Prev != last {
				return fmt.Errorf("event %d has id %s and is behind %d, not %d", id, e.Origin.ID, e.Prev, last)
			}
			last = e.Seq
			return nil
		})
		if err != nil || id != events {
			t.Errorf("session %d: %d events, %v; want %d", n, id, err, events)
		}
	}
}

// publish stores a session's events as a relay does.
func publish(ctx context.Context, s *Store, name string, events int, rng *rand.Rand, at func(id int)) error {
	last, known := uint64(0), false
	for id := 1; id <= events; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !known {
			e, ok, err := s.Last(ctx, Key{Session, name})
			if err != nil {
				continue // no leader now; each try takes its time
			}
			last, known = e.Seq, true
			if n := 0; ok {
				fmt.Sscan(e.Origin.ID, &n)
				id = max(id, n+1)
			}
			continue
		}
		if rng.IntN(8) == 0 { // a lag of one's own
			known = rng.IntN(2) == 0
		}
		seq, err := s.Append(ctx, event(name, fmt.Sprint(id)), last, 0)
		switch {
		case err == nil:
			at(id)
			last, id = seq, id+1
		case errors.Is(err, ErrConflict):
			known = false
		default: // uncertain
			known = false
		}
	}
	return nil
}
