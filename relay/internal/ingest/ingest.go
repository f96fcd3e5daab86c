package ingest

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/claim"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// Options say what is followed, and how.
type Options struct {
	Name     string // of the upstream, in the store: relays of one upstream give the same
	Base     string // URL of the upstream; "" if only plain streams are followed
	Sessions []string
	All      bool              // every session that there is
	Streams  map[string]string // plain streams: the URL by the name
	Max      int               // streams of sessions at once, beside the global one

	// Client returns options for one source of Base, or of the URL of a plain stream;
	// nil means none. Position and observer are replaced.
	Client func(url string) client.Options

	// HoleWait is how long an event that follows on a hole of our own is held back,
	// for another relay may have what is missing. 0 where there is no other relay.
	HoleWait time.Duration

	// List returns the sessions that the upstream has; nil means that it is not
	// asked.
	List      func(context.Context) ([]string, error)
	ListEvery time.Duration
}

// Metrics is told what happens. All calls may come at once.
type Metrics interface {
	In(k store.Key, stored bool, emitted time.Time) // an event came; stored: by this relay
	Conflict()                                      // another relay had stored the next event
	StoreFailed()                                   // and is tried again
	Dropped(k store.Key)                            // an event that the store does not take
	Gap(k store.Key, certain bool)                  // the upstream has lost events
	Outage(k store.Key)                             // a stream of the upstream was lost
	Unfollowed(n int)                               // sessions that can't be followed now
}

// An Ingest follows one upstream.
type Ingest struct {
	opts    Options
	store   *store.Store
	claims  *claim.Claims
	log     *slog.Logger
	metrics Metrics

	mu       sync.Mutex
	sessions map[string]*following
	running  int // sessions that have a stream of their own
	tasks    sync.WaitGroup

	positions positions
	troubles  troubles
}

// A following is what is done about one session.
type following struct {
	w      *writer
	own    bool // it has a stream of its own
	over   bool // its own stream has ended
	lost   bool // the upstream did not know it
	news   bool // the global stream has brought a new event since its own stream was begun
	global bool // stored from the global stream
	ended  bool // the global stream has brought its end
	missed bool // it has events that nobody can have stored: no room, and no ids
	last   time.Time
}

// New returns the ingest of an upstream into a store. Nothing is dialled.
func New(o Options, st *store.Store, claims *claim.Claims, log *slog.Logger, m Metrics) *Ingest {
	return &Ingest{opts: o, store: st, claims: claims, log: log, metrics: m, sessions: make(map[string]*following)}
}

// Run follows until the context is done. The error is the context's cause, or says
// what makes following impossible.
func (in *Ingest) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	fail := func(err error) {
		if err != nil && ctx.Err() == nil {
			cancel(err)
		}
	}
	wg.Go(func() { in.keepPositions(ctx) })
	if in.opts.Base != "" {
		wg.Go(func() { fail(in.followGlobal(ctx)) })
		wg.Go(func() { in.listSessions(ctx) })
	}
	for name, url := range in.opts.Streams {
		wg.Go(func() { fail(in.followPlain(ctx, name, url)) })
	}
	<-ctx.Done()
	in.tasks.Wait()
	wg.Wait()
	return context.Cause(ctx)
}

// wanted tells whether a session is to be followed.
func (in *Ingest) wanted(id string) bool {
	return in.opts.All || slices.Contains(in.opts.Sessions, id)
}

// discover enters a session, and gives it a stream of its own if there is room.
func (in *Ingest) discover(ctx context.Context, id string) *following {
	in.mu.Lock()
	defer in.mu.Unlock()
	f := in.sessions[id]
	if f == nil {
		f = &following{w: &writer{in: in, key: store.Key{Kind: store.Session, Name: id}}}
		in.sessions[id] = f
	}
	in.start(ctx, id, f)
	return f
}

// revive gives a session that the upstream did not know another chance.
func (in *Ingest) revive(ctx context.Context, id string, f *following) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if f.lost {
		f.over, f.lost = false, false
		in.start(ctx, id, f)
	}
}

// start gives a session a stream of its own if it has none and there is room. The
// caller holds the lock.
func (in *Ingest) start(ctx context.Context, id string, f *following) {
	if f.own || f.over || in.running >= in.opts.Max || ctx.Err() != nil {
		return
	}
	f.own, f.missed, f.news = true, false, false
	in.running++
	in.tasks.Go(func() {
		how := in.followSession(ctx, id, f.w)
		in.troubles.end(f.w.key, false)
		in.mu.Lock()
		defer in.mu.Unlock()
		f.own, f.over, f.lost = false, how != stopped, how == lost
		in.running--
		if f.lost && f.news { // it is there again by now
			f.over, f.lost = false, false
			in.start(ctx, id, f)
		}
		in.next(ctx)
		in.count()
	})
}

// next gives the room of a stream that has ended to the session that has waited for
// it with the newest event. The caller holds the lock.
func (in *Ingest) next(ctx context.Context) {
	var best string
	for id, f := range in.sessions {
		if !f.own && !f.over && (best == "" || f.last.After(in.sessions[best].last)) {
			best = id
		}
	}
	if best != "" {
		in.start(ctx, best, in.sessions[best])
	}
}

// count says how many sessions can't be followed. The caller holds the lock.
func (in *Ingest) count() {
	n := 0
	for _, f := range in.sessions {
		if f.missed && !f.own && !f.over {
			n++
		}
	}
	in.metrics.Unfollowed(n)
}

// Unfollowed returns the sessions that can't be followed now: there is no room for a
// stream of their own, and the upstream's global stream has no ids.
func (in *Ingest) Unfollowed() (ids []string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(in.sessions)) {
		if f := in.sessions[id]; f.missed && !f.own && !f.over {
			ids = append(ids, id)
		}
	}
	return ids
}

// listSessions asks the upstream for its sessions, now and again: an idle one is on
// no stream. Those that it did not know are tried again, if it lists or somebody names
// them.
func (in *Ingest) listSessions(ctx context.Context) {
	failed := false
	for {
		ids, err := in.opts.Sessions, error(nil)
		if in.opts.All && in.opts.List != nil {
			ids, err = in.opts.List(ctx)
		}
		switch {
		case err == nil:
			failed = false
			for _, id := range ids {
				in.revive(ctx, id, in.discover(ctx, id))
			}
		case ctx.Err() == nil && !failed:
			failed = true
			in.log.Warn("upstream's list of sessions can't be read: sessions are found by their events", "err", err)
		}
		if sleep(ctx, in.opts.ListEvery) != nil {
			return
		}
	}
}

// options returns those of a source of the URL.
func (in *Ingest) options(url string, observe func(client.Transition)) *client.Options {
	var o client.Options
	if in.opts.Client != nil {
		o = in.opts.Client(url)
	}
	o.Observer = observe
	return &o
}

// observe logs what a source says, and counts it. Opened is called for a response, and
// missed for a gap.
func (in *Ingest) observe(k store.Key, opened func(client.Transition), missed func(*client.GapError)) func(client.Transition) {
	lost := false
	return func(t client.Transition) {
		if gap, ok := errors.AsType[*client.GapError](t.Cause); ok {
			in.metrics.Gap(k, gap.Certain)
			in.log.Warn("upstream has lost events", "stream", k.String(), "certain", gap.Certain, "why", gap.Reason)
			missed(gap)
			return
		}
		switch t.State {
		case client.Open:
			in.troubles.end(k, false)
			if t.Header != nil {
				opened(t)
			}
			if lost {
				lost = false
				in.log.Info("connected again", "stream", k.String(), "sse", t)
			}
		case client.Waiting:
			if t.Cause != nil {
				in.troubles.begin(k, false, t.Cause)
			}
			if t.From != client.Waiting && t.Cause != nil && !lost {
				lost = true
				in.metrics.Outage(k)
				in.log.Warn("stream was lost", "stream", k.String(), "sse", t)
			}
		}
	}
}

// Following tells whether a session has a stream of its own now.
func (in *Ingest) Following(id string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	f := in.sessions[id]
	return f != nil && f.own
}
