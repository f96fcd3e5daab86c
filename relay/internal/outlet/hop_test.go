package outlet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/audit"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed/embedtest"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// An address is where one outlet follows on the other, as a relay that is killed and
// started again.
type address struct {
	now   atomic.Pointer[Outlet]
	lives int
}

func (a *address) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o := a.now.Load(); o != nil {
		o.ServeHTTP(w, r)
	} else {
		http.Error(w, "not yet", http.StatusServiceUnavailable)
	}
}

// live has an outlet there, and another one when it has fed enough.
func (a *address) live(ctx context.Context, st *store.Store, rng *rand.Rand) error {
	for ctx.Err() == nil {
		o, err := New(ctx, st, server.Options{Heartbeat: 100 * time.Millisecond}, slog.New(slog.DiscardHandler), noMetrics{})
		if err != nil {
			return err
		}
		a.lives++
		feed, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { o.Feed(feed) })
		a.now.Store(o)
		tick := time.NewTicker(time.Millisecond)
		for enough := o.Server().Stats().Events + rng.Int64N(400); o.Server().Stats().Events < enough && ctx.Err() == nil; {
			<-tick.C
		}
		tick.Stop()
		a.now.Store(nil)
		stop()
		wg.Wait()
		cut, now := context.WithCancel(context.Background())
		now()
		o.Server().Shutdown(cut)
	}
	return nil
}

// write stores events of a session, one behind the other, as relays do.
func write(ctx context.Context, st *store.Store, book *audit.Book, name string, n int, rng *rand.Rand) error {
	last := uint64(0)
	k := store.Key{Kind: store.Session, Name: name}
	for i := range n {
		data, err := json.Marshal(session.MessageData{Role: "assistant", Text: book.Next(name)})
		if err != nil {
			return err
		}
		b, err := json.Marshal(session.Envelope{Kind: session.Message, SessionID: name, Data: data})
		if err != nil {
			return err
		}
		if last, err = surely(ctx, st, &store.Event{Key: k, Data: b, HasID: true}, last); err != nil {
			return err
		}
		if i%37 == 5 {
			if err := st.SavePosition(ctx, k, store.Position{Seq: last}); err != nil {
				return err
			}
		}
		if rng.IntN(50) == 0 {
			if err := book.Settle(ctx, 300); err != nil {
				return err
			}
		}
	}
	return nil
}

// surely stores an event behind the last one, whatever becomes of a try.
func surely(ctx context.Context, st *store.Store, e *store.Event, last uint64) (uint64, error) {
	for {
		seq, err := st.Append(ctx, e, last, 0)
		if err == nil || ctx.Err() != nil {
			return seq, err
		}
		stored, ok, err := st.Last(ctx, e.Key)
		switch {
		case err != nil || !ok:
		case bytes.Equal(stored.Data, e.Data):
			return stored.Seq, nil
		default:
			last = stored.Seq
		}
	}
}

// Readers that hop between two outlets, which begin anew again and again while events
// are stored, get each event once and in order: what an outlet learns at its beginning is
// exact, whatever is stored meanwhile.
func TestHopBetweenOutletsThatBeginAnew(t *testing.T) {
	st, err := store.Open(t.Context(), embedtest.New(t), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const sessions, events = 6, 1500
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var (
		book    audit.Book
		addrs   [2]address
		bases   []string
		readers []*audit.Reader
		wg      sync.WaitGroup
	)
	run := func(f func(*rand.Rand) error) {
		rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
		wg.Go(func() {
			if err := f(rng); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	for i := range addrs {
		srv := httptest.NewServer(&addrs[i])
		t.Cleanup(srv.Close)
		bases = append(bases, srv.URL)
		run(func(rng *rand.Rand) error { return addrs[i].live(ctx, st, rng) })
	}
	for n := range 3 * sessions {
		name := ""
		if n >= sessions/2 {
			name = fmt.Sprintf("s%d", n%sessions)
		}
		rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
		r := &audit.Reader{Name: fmt.Sprintf("reader %d of %q", n, name), Book: &book, Session: name}
		r.Hop = func() (string, time.Duration) {
			return bases[rng.IntN(len(bases))], time.Duration(rng.Int64N(int64(300 * time.Millisecond)))
		}
		r.Client = func() client.Options {
			return client.Options{Backoff: backoff.Policy{Initial: 5 * time.Millisecond, Max: 20 * time.Millisecond, GiveUp: backoff.Off}}
		}
		readers = append(readers, r)
		run(func(*rand.Rand) error { return r.Run(ctx) })
	}
	var writing sync.WaitGroup
	for n := range sessions {
		writing.Add(1)
		run(func(rng *rand.Rand) error {
			defer writing.Done()
			return write(ctx, st, &book, fmt.Sprintf("s%d", n), events, rng)
		})
	}
	writing.Wait()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); ctx.Err() == nil; <-tick.C {
		rest := 0
		for _, r := range readers {
			rest += r.Rest()
		}
		if rest == 0 || time.Since(begin) > 5*time.Minute {
			cancel(nil)
		}
	}
	wg.Wait()
	if err := context.Cause(ctx); err != context.Canceled {
		t.Error(err)
	}
	var all audit.Counts
	for _, r := range readers {
		c, faults := r.Close()
		all.Add(c)
		for _, f := range faults {
			t.Error(f)
		}
	}
	t.Logf("%d and %d outlets, %+v", addrs[0].lives, addrs[1].lives, all)
}
