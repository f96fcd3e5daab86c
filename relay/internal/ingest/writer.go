package ingest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// A writer stores the events of one session or plain stream, one at a time, each
// behind the last one that is stored, whoever stored that.
type writer struct {
	in  *Ingest
	key store.Key

	wasLost atomic.Bool // the upstream did not know the session, and no event has come since

	mu      sync.Mutex // held over a put: one publish in flight
	known   bool       // last and gone were read
	last    store.Event
	gone    uint64    // where nothing is left: the last that retention took away
	run     store.Run // that our connection is in
	noticed bool      // the client has noticed a new run since the last event
	hole    string    // why events are missing before the next one; "" if none are
	holeTo  int64     // the id up to which they may be; 0 if that is not known
	start   int64     // events up to this id did not come on our connection, whatever was stored before it; 0 for none
}

// miss takes note that our own connection has lost events.
func (w *writer) miss(g *client.GapError) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hole, w.holeTo = g.Reason, max(number(g.Given), 0)
	w.noticed = w.noticed || g.NewRun
}

// opened takes note of what the upstream calls its run, and of the id that our connection
// begins behind without regard to what is stored; 0 if there is none.
func (w *writer) opened(run string, start int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run.Name, w.start = run, start
}

// missing says why events are missing between the last one that is stored and the next;
// "" if none are. Another relay may have stored what we have lost, and nobody what came
// before our connection.
func (w *writer) missing(where place) string {
	last := w.last.Origin
	if w.last.Seq == 0 || w.run.Name == "" || last.Run.Name == "" {
		return w.hole
	}
	at := number(last.ID)
	if w.run.Name != last.Run.Name {
		at = 0 // nothing of our run
	}
	switch {
	case w.hole != "" && w.holeTo > 0 && at >= w.holeTo:
		return ""
	case w.hole == "" && (where == behind || where == newRun) && at < w.start:
		return gapStart
	}
	return w.hole
}

// newest returns when the upstream emitted the last event that is stored, as far as this
// writer knows; zero if it knows of none.
func (w *writer) newest() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last.Origin.Time
}

// position returns the last event that is stored, or was; the zero Origin if there
// never was one.
func (w *writer) position(ctx context.Context) (store.Origin, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.refresh(ctx); err != nil {
		return store.Origin{}, err
	}
	return w.last.Origin, nil
}

// refresh reads what is stored last. The caller holds the lock.
func (w *writer) refresh(ctx context.Context) error {
	last, ok, err := w.in.store.Last(ctx, w.key)
	if err != nil {
		return err
	}
	if ok {
		w.last, w.gone = last, 0
	} else {
		p, err := w.in.store.PositionOf(ctx, w.key)
		if err != nil {
			return err
		}
		if p.Seq > w.last.Seq {
			w.last = store.Event{Key: w.key, Seq: p.Seq, Origin: p.Origin}
		}
		w.gone = w.last.Seq
	}
	w.known = true
	return nil
}

// put stores an event, unless it is stored. It tries until that is so, or the context
// is done. It returns whether it was this relay that stored it.
func (w *writer) put(ctx context.Context, e store.Event) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.in.troubles.end(w.key, true)
	var held time.Time // since when an event behind a hole is held back
	for wait := retryMin; ; {
		if !w.known {
			if err := w.refresh(ctx); err != nil {
				if err := w.in.pause(ctx, w.key, err, &wait); err != nil {
					return false, err
				}
				continue
			}
		}
		e.Origin.Run = w.run
		where := behind
		if w.last.Seq != 0 {
			where = w.locate(e.Origin)
		}
		switch where {
		case stored:
			w.settle(max(w.run.Number, w.last.Origin.Run.Number))
			return false, nil
		case newRun:
			e.Origin.Run.Number = w.last.Origin.Run.Number + 1
		default:
			e.Origin.Run.Number = max(w.last.Origin.Run.Number, w.run.Number, 1)
		}
		e.Gap = w.missing(where)
		if e.Gap != "" && w.in.opts.HoleWait > 0 {
			if held.IsZero() {
				held = time.Now()
			}
			if time.Since(held) < w.in.opts.HoleWait { // another relay may have what is missing here
				if err := sleep(ctx, min(holePoll, w.in.opts.HoleWait)); err != nil {
					return false, err
				}
				w.known = false
				continue
			}
		}
		if e.Gap == "" && where == newRun {
			e.Gap = gapNewRun
		}
		last := w.last.Seq
		if w.gone != 0 {
			last = 0
		}
		seq, err := w.in.store.Append(ctx, &e, last, w.gone)
		switch {
		case err == nil:
			e.Seq, e.Prev = seq, w.last.Seq
			e.Data = nil // not needed any more
			w.last, w.gone = e, 0
			w.settle(e.Origin.Run.Number)
			w.in.moved(w.key, store.Position{Seq: seq, Origin: e.Origin})
			return true, nil
		case errors.Is(err, store.ErrConflict):
			w.known = false
			w.in.metrics.Conflict()
		case store.Refused(err):
			w.in.log.Error("event was refused by the store, and is missing now", "stream", w.key.String(), "id", e.Origin.ID, "bytes", len(e.Data), "err", err)
			w.in.metrics.Dropped(w.key)
			w.hole, w.holeTo = gapRefused, 0
			return false, nil
		default:
			w.known = false // it may be stored
			if err := w.in.pause(ctx, w.key, err, &wait); err != nil {
				return false, err
			}
		}
	}
}

func (w *writer) locate(mine store.Origin) place {
	if w.key.Kind == store.Plain { // one relay at a time follows it, from where it is stored to
		return behind
	}
	return locate(mine, w.last.Origin, w.noticed)
}

// settle begins anew behind an event that is stored.
func (w *writer) settle(run uint64) {
	w.run.Number, w.noticed, w.hole, w.holeTo = run, false, "", 0
}

const (
	retryMin = 100 * time.Millisecond
	retryMax = 5 * time.Second
	holePoll = 200 * time.Millisecond

	gapStart   = "upstream's stream of all sessions begins later"
	gapNewRun  = "upstream's counter has a new run"
	gapRefused = "event was refused by the store"
)

// pause waits before the store is tried again, and says so the first time.
func (in *Ingest) pause(ctx context.Context, k store.Key, err error, wait *time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if *wait == retryMin {
		in.log.Warn("store can't be reached, or does not take events: trying again", "stream", k.String(), "err", err)
	}
	in.metrics.StoreFailed()
	in.troubles.begin(k, true, err)
	d := *wait
	*wait = min(2*d, retryMax)
	return sleep(ctx, d)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// forget reads what is stored anew before the next event.
func (w *writer) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = false
}
