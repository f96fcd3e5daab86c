package outlet

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// ServeHTTP serves the streams.
func (o *Outlet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.srv.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tellingKey{}, new(telling))))
}

// A telling is what the reader of one connection was told: gaps up to that sequence are
// no news to it. A long replay is asked for in pieces.
type telling struct {
	mu   sync.Mutex
	upTo uint64
}

type tellingKey struct{}

// history answers the server's question for what it does not keep.
func (o *Outlet) history(ctx context.Context, id server.StreamID, after string) (p server.Past, err error) {
	behind, err := strconv.ParseUint(after, 10, 64)
	if err != nil {
		behind = 0 // no id of ours: all there is
	}
	switch id.Kind {
	case server.OfAll:
		p, err = o.historyOfAll(ctx, behind)
	case server.Plain:
		p, err = o.historyOf(ctx, store.Key{Kind: store.Plain, Name: id.Name}, behind)
	default:
		p, err = o.historyOf(ctx, store.Key{Kind: store.Session, Name: id.Name}, behind)
	}
	o.log.Debug("reader asks the store", "stream", id.Name, "kind", id.Kind, "behind", behind,
		"known", p.Known, "start", p.Start, "newest", p.Newest, "over", p.Over, "more", p.Events != nil, "err", err)
	return p, err
}

// historyOf answers for one session or plain stream.
func (o *Outlet) historyOf(ctx context.Context, k store.Key, behind uint64) (p server.Past, err error) {
	o.mu.Lock()
	at, known := o.lasts[k]
	fed := o.heads[k.Kind]
	o.mu.Unlock()
	if !known || behind > at.seq { // another relay may have stored what this one has not seen yet
		e, ok, err := o.store.Last(ctx, k)
		if err != nil {
			return p, err
		}
		if ok && e.Seq > at.seq {
			at, known = last{e.Seq, isOver(e)}, true
		}
	}
	newest := fed
	if !known || behind > fed {
		state, err := o.stateUpTo(ctx, k.Kind, max(behind, fed))
		switch {
		case err != nil:
			return p, err
		case !known && state.LastSeq < fed: // who has said so does not know what we have seen
			return p, store.ErrBehind
		}
		newest = max(fed, state.LastSeq)
	}
	// An end that was not fed yet comes with the events.
	p = server.Past{Known: known, Newest: int64(max(newest, at.seq)), Over: at.over && at.seq <= fed}
	if !known || behind >= at.seq {
		return p, nil
	}
	first, ok, err := o.store.Next(ctx, k, behind+1)
	switch {
	case err != nil:
		return p, err
	case !ok: // all of it was taken away, and the last of that was behind what is asked
		state, err := o.store.State(ctx, k.Kind)
		if err == nil && state.FirstSeq <= at.seq {
			err = store.ErrBehind
		}
		p.Start = start(behind, at.seq)
		return p, err
	case behind > 0 && first.Prev > behind:
		p.Start = start(behind, first.Prev)
	case behind > 0 && first.Gap != "":
		p.Start = server.Earliest
	}
	p.Events = o.events(ctx, k, first, max(at.seq, first.Seq))
	return p, nil
}

// stateUpTo returns the state of the events of a kind, which has come up to a sequence
// that a reader has, unless that is none of ours.
func (o *Outlet) stateUpTo(ctx context.Context, kind store.Kind, seq uint64) (state jetstream.StreamState, err error) {
	const tries = 5
	for n := range tries {
		if state, err = o.store.State(ctx, kind); err != nil || state.LastSeq >= seq || n == tries-1 {
			break
		}
		select { // the leader may have to catch up
		case <-ctx.Done():
			return state, context.Cause(ctx)
		case <-time.After(behindWait):
		}
	}
	return state, err
}

const behindWait = 200 * time.Millisecond

// start says where a replay starts that has lost events behind an id; "" where the
// reader asked for all there is.
func start(behind, before uint64) string {
	if behind == 0 {
		return ""
	}
	return strconv.FormatUint(before, 10)
}

// historyOfAll answers for the stream of all sessions.
func (o *Outlet) historyOfAll(ctx context.Context, behind uint64) (p server.Past, err error) {
	o.mu.Lock()
	fed := o.heads[store.Session]
	o.mu.Unlock()
	state, err := o.stateUpTo(ctx, store.Session, max(behind, fed))
	switch {
	case err != nil:
		return p, err
	case state.LastSeq < fed: // one that thinks that it is still the leader
		return p, store.ErrBehind
	}
	last := state.LastSeq
	p = server.Past{Known: true, Newest: int64(last)}
	if behind >= last {
		return p, nil
	}
	first, ok, err := o.store.NextAny(ctx, store.Session, behind+1)
	if err != nil {
		return p, err
	}
	if !ok { // all was taken away
		if state, err = o.store.State(ctx, store.Session); err == nil && state.FirstSeq <= last {
			err = store.ErrBehind
		}
		if err != nil {
			return p, err
		}
	}
	told, _ := ctx.Value(tellingKey{}).(*telling)
	if behind > 0 && !told.knows(behind+1) {
		// Holes further on are told here too: one gap, instead of one at each hole.
		holes := !ok || first.Seq > behind+1
		if !holes && state.NumDeleted > 0 {
			if holes, err = o.store.Holes(ctx, store.Session, behind, last); err != nil {
				return p, err
			}
		}
		switch {
		case holes:
			p.Start = server.Earliest
			if ok && first.Seq > behind+1 {
				p.Start = strconv.FormatUint(first.Seq-1, 10)
			}
			told.tell(last)
		case first.Gap != "":
			p.Start = server.Earliest
			told.tell(first.Seq)
		}
	}
	if ok {
		p.Events = o.events(ctx, store.Key{Kind: store.Session}, first, last)
	}
	return p, nil
}

func (t *telling) knows(seq uint64) bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return seq <= t.upTo
}

func (t *telling) tell(upTo uint64) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.upTo = max(t.upTo, upTo)
}

var (
	errStop = errors.New("enough") // ends a reading whose reader has enough
	errGap  = errors.New("events are missing here")
)

// events reads from the first event to a sequence that is known to be stored. Before an
// event that follows on a gap it fails: the question behind the one before tells that.
func (o *Outlet) events(ctx context.Context, k store.Key, first store.Event, to uint64) iter.Seq2[sse.Event, error] {
	return func(yield func(sse.Event, error) bool) {
		if !yield(wire(first), nil) || first.Seq >= to {
			return
		}
		before := first.Seq
		err := o.store.Range(ctx, k, first.Seq+1, to, func(e store.Event) error {
			if e.Gap != "" || k.Name != "" && e.Prev > before {
				return errGap
			}
			before = e.Seq
			if !yield(wire(e), nil) {
				return errStop
			}
			return nil
		})
		if err != nil && err != errStop {
			yield(sse.Event{}, err)
		}
	}
}
