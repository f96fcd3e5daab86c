// Package claim lets the workers of a fleet hold names, each by one worker at a
// time, in a NATS key-value bucket, with a value that only the holder may change.
//
// One key a name has the holder, the number of the claim and the value. A claim is
// taken, renewed, saved and released by updates of the revision that was seen, so two
// workers can't both succeed. A holder renews each third of the limit. Another takes
// over when it has seen one revision for the whole limit, on its own monotonic clock:
// clocks of different machines are never compared. A holder that could not renew for
// the whole limit, counted from before its last good update was sent, has lost the
// claim by its own reckoning, whether or not another has it already.
//
// There is no age on the bucket: the value outlives every holder.
package claim

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// ErrFenced says that a claim was lost: another worker has it, or may have.
var ErrFenced = errors.New("relay: claim was lost to another worker")

// record is what a key holds.
type record struct {
	Owner string          `json:"owner"` // "" where it was released
	Claim uint64          `json:"claim"` // counts the claims of this name
	Beat  uint64          `json:"beat"`  // renewals, so that each is a new revision
	Value json.RawMessage `json:"value,omitempty"`
}

// Claims are those of one worker. It is safe for concurrent use.
type Claims struct {
	kv    jetstream.KeyValue
	owner string
	limit time.Duration
}

// New returns the claims of a new worker, with a name of its own, over a bucket.
func New(kv jetstream.KeyValue, limit time.Duration) *Claims {
	return &Claims{kv: kv, owner: rand.Text(), limit: limit}
}

// A Claim is one that was taken. It is safe for concurrent use.
type Claim struct {
	of     *Claims
	key    string
	number uint64
	lost   chan struct{}

	mu    sync.Mutex // held over an update: one at a time
	value json.RawMessage
	beat  uint64
	rev   uint64
	until time.Time // when it is lost by our own reckoning
	timer *time.Timer
	err   error // ErrFenced, or released
}

var errReleased = fmt.Errorf("claim was released: %w", ErrFenced)

// Take waits until the name can be claimed, and claims it.
func (c *Claims) Take(ctx context.Context, name string) (*Claim, error) {
	taker := c.Taker(name)
	tick := time.NewTicker(c.Poll())
	defer tick.Stop()
	for {
		cl, err := taker.Try(ctx)
		if cl != nil {
			return cl, nil
		}
		if errors.Is(err, errForeign) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Poll is how often who waits for a claim should try.
func (c *Claims) Poll() time.Duration { return max(c.limit/20, time.Millisecond) }

// A Taker tries to claim one name. It is for one goroutine.
type Taker struct {
	of    *Claims
	key   string
	seen  uint64    // the revision that is watched
	since time.Time // when it was seen first
}

// Taker returns one for a name.
func (c *Claims) Taker(name string) *Taker { return &Taker{of: c, key: store.Token(name)} }

// Try claims the name if nobody holds it, or its holder was silent for the limit as
// this taker has seen; else it returns nil.
func (t *Taker) Try(ctx context.Context) (*Claim, error) {
	old, rev, err := t.of.get(ctx, t.key)
	if err != nil {
		return nil, err
	}
	if rev == 0 || old.Owner == "" || (rev == t.seen && time.Since(t.since) >= t.of.limit) {
		return t.of.write(ctx, t.key, record{Owner: t.of.owner, Claim: old.Claim + 1, Value: old.Value}, rev)
	}
	if rev != t.seen {
		t.seen, t.since = rev, time.Now()
	}
	return nil, nil
}

// errForeign says that a key is not one of a claim.
var errForeign = errors.New("key holds something else")

// get reads a key; revision 0 says that there is none.
func (c *Claims) get(ctx context.Context, key string) (r record, rev uint64, err error) {
	e, err := c.kv.Get(ctx, key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound): // also one that was deleted, whose revision Create finds
		return r, 0, nil
	case err != nil:
		return r, 0, fmt.Errorf("relay: claim of %q: %w", key, err)
	}
	if err := json.Unmarshal(e.Value(), &r); err != nil {
		return r, 0, fmt.Errorf("relay: claim of %q: %w: %w", key, errForeign, err)
	}
	return r, e.Revision(), nil
}

// write takes a claim by an update of a revision; nil without an error if another
// update came before.
func (c *Claims) write(ctx context.Context, key string, r record, rev uint64) (*Claim, error) {
	sent := time.Now()
	var err error
	b, _ := json.Marshal(r) // no value of it fails
	if rev == 0 {
		rev, err = c.kv.Create(ctx, key, b)
	} else {
		rev, err = c.kv.Update(ctx, key, b, rev)
	}
	if errors.Is(err, jetstream.ErrKeyExists) {
		return nil, nil
	}
	if err != nil { // it may have been written; then it is ours, and found so by its owner
		now, at, err2 := c.get(ctx, key)
		if err2 != nil || now.Owner != c.owner || now.Claim != r.Claim {
			return nil, fmt.Errorf("relay: claim of %q: %w", key, err)
		}
		rev = at
	}
	cl := &Claim{of: c, key: key, number: r.Claim, value: r.Value, rev: rev, until: sent.Add(c.limit), lost: make(chan struct{})}
	cl.mu.Lock() // the first renewal may be due before the timer is known
	defer cl.mu.Unlock()
	cl.timer = time.AfterFunc(c.limit/3, cl.renew)
	return cl, nil
}

// Number counts the claims of the name: each holder has a greater one than those
// before it. A store that refuses what comes with a smaller number than it has seen
// keeps out a holder that has lost its claim and does not know.
func (cl *Claim) Number() uint64 { return cl.number }

// Lost is closed when the claim is lost, or released.
func (cl *Claim) Lost() <-chan struct{} { return cl.lost }

// Value returns what was saved last, by this holder or one before it; nil for
// nothing.
func (cl *Claim) Value() json.RawMessage {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return cl.value
}

// Save keeps a value. It returns [ErrFenced] if the claim is lost, and then nothing
// was kept. Any other error is uncertain, and the claim is still held: the same may be
// tried again.
func (cl *Claim) Save(ctx context.Context, value json.RawMessage) error {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if err := cl.update(ctx, value); err != nil {
		return err
	}
	cl.value = value
	return nil
}

// renew proves that the holder is there.
func (cl *Claim) renew() {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cl.of.limit/3)
	defer cancel()
	if err := cl.update(ctx, cl.value); err != nil && cl.err == nil {
		if left := time.Until(cl.until); left > 0 {
			cl.timer.Reset(min(left, cl.of.limit/6))
			return
		}
		cl.lose(ErrFenced)
	}
}

// update writes the record anew. The caller holds the lock.
func (cl *Claim) update(ctx context.Context, value json.RawMessage) error {
	for {
		if cl.err != nil {
			return cl.err
		}
		if !time.Now().Before(cl.until) { // another may have seen it still for the whole limit
			cl.lose(ErrFenced)
			return ErrFenced
		}
		sent := time.Now()
		cl.beat++
		b, err := json.Marshal(record{Owner: cl.of.owner, Claim: cl.number, Beat: cl.beat, Value: value})
		if err != nil {
			return fmt.Errorf("relay: claim of %q: %w", cl.key, err)
		}
		rev, err := cl.of.kv.Update(ctx, cl.key, b, cl.rev)
		if err == nil {
			cl.rev, cl.until = rev, sent.Add(cl.of.limit)
			cl.timer.Reset(cl.of.limit / 3)
			return nil
		}
		// A write of ours whose answer was lost may have come before this one.
		now, at, err2 := cl.of.get(ctx, cl.key)
		switch {
		case err2 != nil:
			return fmt.Errorf("relay: claim of %q: %w", cl.key, err)
		case at == 0 || now.Owner != cl.of.owner || now.Claim != cl.number:
			if at != 0 && at < cl.rev { // a replica that is behind
				return fmt.Errorf("relay: claim of %q: %w", cl.key, err)
			}
			cl.lose(ErrFenced)
			return ErrFenced
		case at <= cl.rev: // not written; or a replica is behind
			return fmt.Errorf("relay: claim of %q: %w", cl.key, err)
		}
		cl.rev = at
	}
}

// Release gives the claim up, so that another need not wait. What was saved stays.
func (cl *Claim) Release(ctx context.Context) error {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.err != nil {
		return nil
	}
	b, _ := json.Marshal(record{Claim: cl.number, Value: cl.value})
	_, err := cl.of.kv.Update(ctx, cl.key, b, cl.rev)
	cl.lose(errReleased)
	if err != nil { // others wait for the limit
		return fmt.Errorf("relay: claim of %q was not released, and runs out: %w", cl.key, err)
	}
	return nil
}

// lose ends the claim. The caller holds the lock.
func (cl *Claim) lose(err error) {
	cl.err = err
	cl.timer.Stop()
	close(cl.lost)
}
