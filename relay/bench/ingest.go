package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

const (
	ingestSessions = 20
	ingestEach     = 2000 // events of a session
	ingestTotal    = ingestSessions * ingestEach
)

// ingest measures events a second into the store: what JetStream does with many in
// flight, and with one in flight for each subject, which is what keeps them in order;
// then our store, and the whole way from an upstream.
func ingest(ctx context.Context, t *table) error {
	var best pace
	for range rounds {
		p, err := follow(ctx)
		if err != nil {
			return fmt.Errorf("following: %w", err)
		}
		best.better(p)
	}
	t.row("following 20 sessions, nothing stored", "%v", best)
	for _, replicas := range []int{1, 3} {
		list := []contender{
			{"bare JetStream, 4,000 in flight", bareMany},
			{"bare JetStream, one in flight for each of 20 subjects", bareOne},
			{"our store, 20 sessions side by side", storeOne},
			{"upstream to store, one relay", func(ctx context.Context, j *jet) (pace, error) { return fromUpstream(ctx, j, 1) }},
			{"upstream to store, two relays", func(ctx context.Context, j *jet) (pace, error) { return fromUpstream(ctx, j, 2) }},
		}
		best := make([]pace, len(list))
		for range rounds {
			for i, c := range list {
				p, err := c.measure(ctx, replicas)
				if err != nil {
					return fmt.Errorf("%s: %w", c.what, err)
				}
				best[i].better(p)
			}
		}
		for i, c := range list {
			t.row(fmt.Sprintf("R%d: %s", replicas, c.what), "%v", best[i])
		}
	}
	return nil
}

// A contender stores all events, and returns how many a second.
type contender struct {
	what string
	run  func(context.Context, *jet) (pace, error)
}

func (c contender) measure(ctx context.Context, replicas int) (pace, error) {
	j, err := newJet(ctx, replicas)
	if err != nil {
		return pace{}, err
	}
	defer j.close()
	if _, err := j.open(ctx); err != nil {
		return pace{}, err
	}
	return c.run(ctx, j)
}

// stall is how long publishing may wait for what is in flight.
const stall = time.Minute

func data(n int) []byte {
	return fmt.Appendf(nil, `{"event":"message","sessionId":"s1","timestamp":"2026-01-01T00:00:00.000Z","id":%d,"data":{"role":"assistant","text":%q}}`, n, payload)
}

// bareMessage is what a relay would publish, without its conditions.
func bareMessage(session, n int) *nats.Msg {
	m := nats.NewMsg(fmt.Sprintf("sse.session.s%d", session))
	m.Data = data(n)
	return m
}

func bareMany(ctx context.Context, j *jet) (pace, error) {
	nc, err := j.connect()
	if err != nil {
		return pace{}, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4000))
	if err != nil {
		return pace{}, err
	}
	begin := now()
	for n := range ingestTotal {
		if _, err := js.PublishMsgAsync(bareMessage(n%ingestSessions, n), jetstream.WithStallWait(stall)); err != nil {
			return pace{}, err
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		return pace{}, context.Cause(ctx)
	}
	return begin.pace(ingestTotal), nil
}

func bareOne(ctx context.Context, j *jet) (pace, error) {
	return sideBySide(func(session int) error {
		for n := range ingestEach {
			if _, err := j.js.PublishMsg(ctx, bareMessage(session, n)); err != nil {
				return err
			}
		}
		return nil
	})
}

func storeOne(ctx context.Context, j *jet) (pace, error) {
	s, err := j.open(ctx)
	if err != nil {
		return pace{}, err
	}
	return sideBySide(func(session int) error { return fill(ctx, s, fmt.Sprintf("s%d", session), ingestEach) })
}

// fill stores events of one session, one behind the other, as a relay does: where the
// store says that another event is there, it looks which.
func fill(ctx context.Context, s *store.Store, session string, n int) error {
	k := store.Key{Kind: store.Session, Name: session}
	last := uint64(0)
	for i := 1; i <= n; {
		e := store.Event{Key: k, HasID: true, Data: data(i)}
		e.Origin = store.Origin{Upstream: "upstream", Run: store.Run{Number: 1, Name: "run"}, ID: strconv.Itoa(i), Time: time.Now(), Hash: uint64(i)}
		seq, err := s.Append(ctx, &e, last, 0)
		switch {
		case err == nil:
			last, i = seq, i+1
		case errors.Is(err, store.ErrConflict):
			there, _, err := s.Last(ctx, k)
			if err != nil {
				return err
			}
			stored, _ := strconv.Atoi(there.Origin.ID)
			last, i = there.Seq, stored+1
		default:
			return err
		}
	}
	return nil
}

func sideBySide(f func(session int) error) (pace, error) {
	var wg sync.WaitGroup
	errs := make(chan error, ingestSessions)
	begin := now()
	for i := range ingestSessions {
		wg.Go(func() {
			if err := f(i); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	p := begin.pace(ingestTotal)
	select {
	case err := <-errs:
		return pace{}, err
	default:
		return p, nil
	}
}

// newUpstream returns a server that has all events.
func newUpstream() (*testserver.Server, error) {
	up, err := testserver.Start(&testserver.Options{Window: ingestEach + 10})
	if err != nil {
		return nil, err
	}
	for i := range ingestSessions {
		s := up.Session(fmt.Sprintf("s%d", i))
		for range ingestEach {
			s.Message("assistant", payload)
		}
	}
	return up, nil
}

// follow reads all that an upstream has with the client, and throws it away.
func follow(ctx context.Context) (pace, error) {
	up, err := newUpstream()
	if err != nil {
		return pace{}, err
	}
	defer up.Close()
	return sideBySide(func(i int) error {
		o := quick()
		o.LastEventID = "0"
		es, err := client.Session(up.URL, fmt.Sprintf("s%d", i), &o)
		if err != nil {
			return err
		}
		n := 0
		for _, err := range es.Events(ctx) {
			if err != nil {
				return err
			}
			if n++; n == ingestEach {
				break
			}
		}
		return nil
	})
}

// fromUpstream has relays fetch all that an upstream has.
func fromUpstream(ctx context.Context, j *jet, relays int) (pace, error) {
	up, err := newUpstream()
	if err != nil {
		return pace{}, err
	}
	defer up.Close()
	s, err := j.open(ctx)
	if err != nil {
		return pace{}, err
	}
	begin := now()
	for range relays {
		r, err := serveRelay(ctx, j, up.URL, ingestSessions)
		if err != nil {
			return pace{}, err
		}
		defer r.stop()
	}
	err = until(ctx, "all events to be stored", func() bool {
		state, err := s.State(ctx, store.Session)
		return err == nil && state.Msgs >= ingestTotal
	})
	p := begin.pace(ingestTotal)
	if err != nil {
		return pace{}, err
	}
	if state, err := s.State(ctx, store.Session); err != nil || state.Msgs != ingestTotal {
		return pace{}, fmt.Errorf("%d events are stored of %d (%v)", state.Msgs, ingestTotal, err)
	}
	return p, nil
}
