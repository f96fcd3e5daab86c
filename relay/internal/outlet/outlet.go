package outlet

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// An Outlet serves what is in the store.
type Outlet struct {
	srv     *server.Server
	store   *store.Store
	log     *slog.Logger
	metrics Metrics

	mu    sync.Mutex
	lasts map[store.Key]last
	heads map[store.Kind]uint64 // the last sequence that was fed, or is being fed
	ill   map[store.Kind]error  // the answer to the last look at the store, if it was none
}

// A last is what is known of the last event of a key.
type last struct {
	seq  uint64
	over bool // the session has ended
}

// Metrics is told how far feeding is behind.
type Metrics interface {
	Lag(kind store.Kind, events uint64)
}

// New reads the last event of every key, and returns an outlet. The server's Run and History are set here; the other options
// are the caller's.
func New(ctx context.Context, st *store.Store, o server.Options, log *slog.Logger, m Metrics) (*Outlet, error) {
	born, err := st.Born(ctx)
	if err != nil {
		return nil, err
	}
	out := &Outlet{
		store: st, log: log, metrics: m,
		lasts: make(map[store.Key]last), heads: make(map[store.Kind]uint64), ill: make(map[store.Kind]error),
	}
	for _, kind := range kinds {
		if err := out.learn(ctx, kind); err != nil {
			return nil, err
		}
	}
	o.Run, o.Newest = strconv.FormatInt(born.UnixNano(), 36), int64(out.heads[store.Session])
	o.History = out.history
	if out.srv, err = server.New(&o); err != nil {
		return nil, err
	}
	return out, nil
}

// Server returns the server.
func (o *Outlet) Server() *server.Server { return o.srv }

var kinds = []store.Kind{store.Session, store.Plain}

// Feed gives readers what is stored, as it is stored, until the context is done. It goes
// on after every failure of the store.
func (o *Outlet) Feed(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, kind := range kinds {
		wg.Go(func() { o.feed(ctx, kind) })
	}
	wg.Wait()
	return context.Cause(ctx)
}

const (
	feedAgain = 500 * time.Millisecond
	lagEvery  = 5 * time.Second
)

func (o *Outlet) feed(ctx context.Context, kind store.Kind) {
	watch, stop := context.WithCancel(ctx)
	defer stop()
	go o.watchLag(watch, kind)
	said := false
	for ctx.Err() == nil {
		err := o.feedOnce(ctx, kind)
		if ctx.Err() == nil && !said {
			said = true
			o.log.Warn("events can't be read from the store: trying again", "kind", string(kind), "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(feedAgain):
		}
	}
}

// feedOnce gives what comes, until an error.
func (o *Outlet) feedOnce(ctx context.Context, kind store.Kind) error {
	o.mu.Lock()
	from := o.heads[kind] + 1
	o.mu.Unlock()
	return o.store.Follow(ctx, kind, from, func(e store.Event) error {
		o.give(e)
		return nil
	})
}

// Err tells why the store can't be read now; nil if it can.
func (o *Outlet) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return cmp.Or(o.ill[store.Session], o.ill[store.Plain])
}

// learn reads the last event of every key. What is stored up to here is for the
// history, which has to know the last event of each exactly; what comes behind is fed.
func (o *Outlet) learn(ctx context.Context, kind store.Kind) error {
	const tries = 5
	for n := 1; ; n++ {
		lasts, head, err := o.list(ctx, kind)
		if errors.Is(err, store.ErrAnew) && n < tries {
			continue
		}
		if err != nil {
			return err
		}
		o.log.Debug("learned what is stored", "kind", string(kind), "streams", len(lasts), "up to", head)
		o.mu.Lock()
		defer o.mu.Unlock()
		maps.Copy(o.lasts, lasts)
		o.heads[kind] = head
		return nil
	}
}

// list returns the last event of each key, and up to which sequence that is so.
func (o *Outlet) list(ctx context.Context, kind store.Kind) (lasts map[store.Key]last, head uint64, err error) {
	state, err := o.store.State(ctx, kind)
	if err != nil {
		return nil, 0, err
	}
	head = state.FirstSeq - min(state.FirstSeq, 1)
	lasts = make(map[store.Key]last)
	err = o.store.Positions(ctx, func(k store.Key, p store.Position) error {
		if k.Kind == kind { // all that is known of one that retention has emptied
			lasts[k] = last{seq: p.Seq}
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	listed := make(map[store.Key]last)
	err = o.store.Lasts(ctx, kind, func(e store.Event) error {
		if e.Seq > listed[e.Key].seq {
			listed[e.Key] = last{e.Seq, isOver(e)}
		}
		head = max(head, e.Seq)
		return nil
	})
	maps.Copy(lasts, listed)
	return lasts, head, err
}

// give puts an event into the server's logs.
func (o *Outlet) give(e store.Event) {
	o.mu.Lock()
	before, known := o.lasts[e.Key]
	head := o.heads[e.Key.Kind]
	if e.Seq <= head { // a consumer that was made anew, on a node that is behind
		o.mu.Unlock()
		return
	}
	o.lasts[e.Key], o.heads[e.Key.Kind] = last{e.Seq, isOver(e)}, e.Seq
	o.mu.Unlock()
	missing := known && e.Prev > before.seq || e.Gap != ""
	if missing || e.Seq > head+1 {
		o.log.Debug("events are missing", "stream", e.Key.String(), "seq", e.Seq, "prev", e.Prev, "last", before.seq, "head", head, "gap", e.Gap)
	}
	var err error
	if e.Key.Kind == store.Session {
		err = o.giveSession(e, missing, e.Seq > head+1)
	} else {
		err = o.givePlain(e, missing)
	}
	if err != nil && !errors.Is(err, server.ErrEnded) { // shut down
		o.log.Error("event can't be given to readers", "stream", e.Key.String(), "seq", e.Seq, "err", err)
	}
}

func (o *Outlet) giveSession(e store.Event, missing, hole bool) error {
	s, err := o.srv.Session(e.Key.Name)
	if err != nil {
		return err
	}
	if missing {
		s.Gap() // tells the global stream too
	} else if hole {
		o.srv.Gap()
	}
	return s.Append(int64(e.Seq), kindOf(e), e.Data)
}

func (o *Outlet) givePlain(e store.Event, missing bool) error {
	st, err := o.srv.Stream(e.Key.Name)
	if err != nil {
		return err
	}
	if missing {
		st.Gap()
	}
	return st.Send(wire(e))
}

// watchLag looks now and again how far feeding is behind.
func (o *Outlet) watchLag(ctx context.Context, kind store.Kind) {
	tick := time.NewTicker(lagEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		state, err := o.store.State(ctx, kind)
		o.mu.Lock()
		head := o.heads[kind]
		o.ill[kind] = err
		o.mu.Unlock()
		if err == nil {
			o.metrics.Lag(kind, state.LastSeq-min(head, state.LastSeq))
		}
	}
}

func kindOf(e store.Event) session.Kind {
	return session.KindOf(sse.Event{Type: "message", Data: string(e.Data)})
}

func isOver(e store.Event) bool {
	return e.Key.Kind == store.Session && kindOf(e) == session.Ended
}

// wire returns an event as readers get it.
func wire(e store.Event) sse.Event {
	ev := sse.Event{ID: strconv.FormatUint(e.Seq, 10), HasID: true, Type: e.Type, Data: string(e.Data)}
	if ev.Type == "" {
		ev.Type = "message"
	}
	return ev
}
