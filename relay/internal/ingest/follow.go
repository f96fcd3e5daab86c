package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// cursor gives a source the position of what is stored. Nothing is saved: what was
// stored is the position.
type cursor struct{ w *writer }

func (c cursor) Load(ctx context.Context, _ string) (client.Position, bool, error) {
	defer c.w.in.troubles.end(c.w.key, true)
	for wait := retryMin; ; {
		o, err := c.w.position(ctx)
		if err == nil {
			// The ids of a session that was gone, on a server that does not name its runs,
			// may have begun anew: all there is tells, and what is stored is known.
			found := o.ID != "" && (o.Run.Name != "" || !c.w.wasLost.Load())
			return client.Position{LastEventID: o.ID, Run: o.Run.Name}, found, nil
		}
		if err := c.w.in.pause(ctx, c.w.key, err, &wait); err != nil {
			return client.Position{}, false, err
		}
	}
}

func (cursor) Save(context.Context, string, client.Position) error { return nil }

// A patience is how long a stream that was refused is left alone: somebody may be about
// to mend it.
type patience time.Duration

const (
	refusedMin = 2 * time.Second
	refusedMax = time.Minute
)

// wait waits, the longer the more often it is called.
func (p *patience) wait(ctx context.Context) error {
	d := max(time.Duration(*p), refusedMin)
	*p = patience(min(2*d, refusedMax))
	return sleep(ctx, d)
}

// An end is that of a session's own stream.
type end int

const (
	stopped end = iota // the context is done
	over
	lost // the upstream does not know the session: it may again
)

// followSession follows a session's own stream.
func (in *Ingest) followSession(ctx context.Context, id string, w *writer) end {
	var refused patience
	for {
		o := in.options(in.opts.Base, in.observe(w.key, func(t client.Transition) { w.opened(runOf(t), 0) }, w.miss))
		o.Cursor = cursor{w}
		o.LastEventID = allThereIs // unless something is stored
		es, err := client.Session(in.opts.Base, id, o)
		if err != nil { // the id is none
			in.log.Error("session can't be followed", "session", id, "err", err)
			return over
		}
		for ev, err := range es.Events(ctx) {
			if err != nil {
				if ctx.Err() != nil {
					return stopped
				}
				if gone(err) {
					in.log.Info("session is gone upstream", "session", id)
					w.wasLost.Store(true)
					return lost
				}
				in.troubles.begin(w.key, false, err)
				in.log.Error("session's stream was refused: trying again", "session", id, "err", err)
				if refused.wait(ctx) != nil {
					return stopped
				}
				break
			}
			refused = 0
			e := in.ofSession(id, ev)
			stored, err := w.put(ctx, e)
			if err != nil {
				return stopped
			}
			w.wasLost.Store(false)
			in.metrics.In(w.key, stored, e.Origin.Time)
		}
		if es.Stats().LastError == nil { // ended, or 204
			return over
		}
	}
}

// gone tells whether the upstream does not know the session any more.
func gone(err error) bool {
	if _, ok := errors.AsType[*client.SessionGoneError](err); ok {
		return true
	}
	r, ok := errors.AsType[*client.ResponseError](err)
	return ok && (r.StatusCode == http.StatusNotFound || r.StatusCode == http.StatusBadRequest)
}

// runOf returns what the upstream calls the run that a connection is in.
func runOf(t client.Transition) string { return t.Header.Get("Sse-Run") }

// A beginning is from where on the stream of all sessions has come to us.
type beginning struct {
	run string // of the upstream's ids
	at  int64  // the id before the first event; -1 while that is not known
}

// opened takes note of a response. One that goes on behind our last event is the same
// stream; else it says where it begins, or its first event does: an upstream that has lost
// its events and kept its counter does not know what there was.
func (b *beginning) opened(t client.Transition) {
	run, given := runOf(t), t.Header.Get("Last-Event-ID")
	if run == b.run && t.LastEventID != allThereIs && (given == "" || given == t.LastEventID) {
		return
	}
	b.run, b.at = run, number(given)
}

// event takes note of an event that has come.
func (b *beginning) event(ev sse.Event) {
	if b.at < 0 && ev.HasID {
		b.at = max(number(ev.ID)-1, 0)
	}
}

// allThereIs is the id that asks for all there is.
const allThereIs = "0"

// followGlobal follows the stream of all sessions. The error says why that is
// impossible.
func (in *Ingest) followGlobal(ctx context.Context) error {
	var b beginning
	missed := func(g *client.GapError) {
		in.mu.Lock()
		var ws []*writer
		for _, f := range in.sessions {
			if f.global && !f.own {
				ws = append(ws, f.w)
			}
		}
		in.mu.Unlock()
		for _, w := range ws {
			w.miss(g)
		}
	}
	k := store.Key{Kind: store.Session, Name: "*"}
	in.troubles.begin(k, false, ErrNotYet)
	var refused patience
	for {
		o := in.options(in.opts.Base, in.observe(k, b.opened, missed))
		o.LastEventID = allThereIs // what its window has; what of that is stored is known by session
		es, err := client.Global(in.opts.Base, o)
		if err != nil {
			return err
		}
		for ev, err := range es.Events(ctx) {
			if err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				in.troubles.begin(k, false, err)
				in.log.Error("upstream's stream of all sessions was refused: trying again; until then new sessions are not found", "err", err)
				if refused.wait(ctx) != nil {
					return context.Cause(ctx)
				}
				break
			}
			refused = 0
			if err := in.takeGlobal(ctx, ev, &b); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if sleep(ctx, time.Second) != nil { // it said that it is over: a shutdown
			return context.Cause(ctx)
		}
	}
}

// takeGlobal stores an event of the global stream, if its session has no stream of
// its own.
func (in *Ingest) takeGlobal(ctx context.Context, ev sse.Event, b *beginning) error {
	b.event(ev)
	env, err := session.Parse(ev)
	if err != nil || env.SessionID == "" || !in.wanted(env.SessionID) {
		return nil
	}
	f := in.discover(ctx, env.SessionID)
	newest := f.w.newest()
	in.mu.Lock()
	f.last = time.Now()
	// Another session of the same name, or one that the upstream had lost: this stream
	// may also be behind the session's own.
	f.news = f.news || env.Timestamp.After(newest)
	if f.over && env.Kind != session.SessionEnded && (f.ended || f.news) {
		f.over = false
		in.start(ctx, env.SessionID, f)
	}
	f.ended = env.Kind == session.SessionEnded
	own := f.own || f.over
	if !own {
		f.global = ev.HasID
		if !ev.HasID && !f.missed {
			f.missed = true
			in.log.Warn("session can't be followed: no stream is left for it, and the upstream's global stream has no ids", "session", env.SessionID)
		}
		in.count()
	}
	in.mu.Unlock()
	if own || !ev.HasID || env.Kind == session.SessionCreated {
		return nil
	}
	e, err := in.ofGlobal(env, ev)
	if err != nil {
		return nil // it was parsed a moment ago
	}
	f.w.opened(b.run, b.at)
	stored, err := f.w.put(ctx, e)
	if err != nil {
		return err
	}
	in.metrics.In(e.Key, stored, env.Timestamp)
	return nil
}

// followPlain follows a plain stream while this relay holds the claim of it.
func (in *Ingest) followPlain(ctx context.Context, name, url string) error {
	w := &writer{in: in, key: store.Key{Kind: store.Plain, Name: name}}
	if _, err := client.New(url, in.options(url, nil)); err != nil {
		return fmt.Errorf("relay: stream %s: %w", name, err)
	}
	var refused patience
	for {
		in.troubles.end(w.key, false) // what another has is no trouble here
		cl, err := in.claims.Take(ctx, "upstream/"+in.opts.Name+"/"+name)
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			in.log.Warn("claim of a stream can't be had: trying again", "stream", name, "err", err)
			if sleep(ctx, retryMax) != nil {
				return context.Cause(ctx)
			}
			continue
		}
		held, stop := context.WithCancelCause(ctx)
		go func() {
			select {
			case <-cl.Lost():
				stop(errClaimLost)
			case <-held.Done():
			}
		}()
		in.holdPlain(held, w, url, &refused)
		stop(nil)
		release, done := context.WithTimeout(context.WithoutCancel(ctx), retryMax)
		if err := cl.Release(release); err != nil && ctx.Err() == nil {
			in.log.Warn("claim of a stream is not free at once", "stream", name, "err", err)
		}
		done()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if sleep(ctx, time.Second) != nil {
			return context.Cause(ctx)
		}
	}
}

var errClaimLost = errors.New("relay: another relay follows the stream now")

// holdPlain follows a plain stream until the context is done, or the stream is over.
func (in *Ingest) holdPlain(ctx context.Context, w *writer, url string, refused *patience) {
	w.forget() // another relay may have gone on
	in.troubles.begin(w.key, false, ErrNotYet)
	o := in.options(url, in.observe(w.key, func(t client.Transition) { w.opened(runOf(t), 0) }, w.miss))
	o.Cursor = cursor{w}
	es, err := client.New(url, o)
	if err != nil {
		return // checked before
	}
	for ev, err := range es.Events(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				in.troubles.begin(w.key, false, err)
				in.log.Error("stream was refused: trying again", "stream", w.key.Name, "err", err)
				_ = refused.wait(ctx)
			}
			return
		}
		*refused = 0
		stored, err := w.put(ctx, in.event(w.key, ev))
		if err != nil {
			return
		}
		in.metrics.In(w.key, stored, time.Time{})
	}
}
