package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/claim"
)

// ErrFenced ends the loop of a source whose stream another worker has taken over, or
// may have: this one hung, or could not reach the bucket, for the whole limit. The
// event at hand was not committed, and the other worker gets it too.
var ErrFenced = claim.ErrFenced

// DefaultClaimLimit is how long a worker may be silent before another takes its
// streams over.
const DefaultClaimLimit = 15 * time.Second

// minClaimLimit leaves a worker time to renew.
const minClaimLimit = 100 * time.Millisecond

// A KVCursor is a [client.Cursor] for a fleet: positions are kept in a NATS key-value
// bucket, and each stream is followed by one worker at a time, the one that holds the
// claim of its key. Several sources may share one; it is safe for concurrent use.
//
// Load claims the stream. It waits while another worker holds it, and takes it over
// when that one has been silent for the limit; so the loop of a source that has the
// cursor begins when the stream is its own. The position that Load returns is the last
// one that any worker has saved.
//
// Save keeps the position for as long as the claim is held, and returns [ErrFenced]
// when it is not: then the position is another worker's and stays as it is, and the
// loop ends.
//
// Delivery is at least once over all workers: what a worker has handled and not yet
// committed when it dies, or hangs for the limit, is handled again by the next. A
// handler that must not have its effect twice stores the position, or the event's id,
// together with its result, and refuses a claim number ([KVCursor.Claim]) smaller than
// one it has seen. See the example of [Work].
//
// The bucket is one of its own, without an age (a TTL would drop the position with the
// claim) and with any number of replicas. Its keys are the sources' targets, encoded.
type KVCursor struct {
	claims *claim.Claims

	mu   sync.Mutex
	held map[string]*claim.Claim // by target
}

// NewKVCursor returns the cursor of one worker, over a bucket that all workers of the
// fleet use. The limit is how long a worker may be silent before another takes over;
// 0 means [DefaultClaimLimit], and all workers give the same. One worker has one cursor
// and closes it.
func NewKVCursor(ctx context.Context, kv jetstream.KeyValue, limit time.Duration) (*KVCursor, error) {
	if limit == 0 {
		limit = DefaultClaimLimit
	}
	if limit < minClaimLimit {
		return nil, fmt.Errorf("relay: limit of a claim is %v; it must be at least %v", limit, minClaimLimit)
	}
	status, err := kv.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("relay: bucket %s: %w", kv.Bucket(), err)
	}
	if ttl := status.TTL(); ttl != 0 {
		return nil, fmt.Errorf("relay: bucket %s drops keys after %v, and positions with them: use one without an age", kv.Bucket(), ttl)
	}
	return &KVCursor{claims: claim.New(kv, limit), held: make(map[string]*claim.Claim)}, nil
}

// Load implements [client.Cursor]. It waits for the claim, until the context is done.
func (c *KVCursor) Load(ctx context.Context, target string) (p client.Position, ok bool, err error) {
	cl := c.of(target)
	if cl == nil || over(cl) {
		if cl, err = c.claims.Take(ctx, target); err != nil {
			return p, false, err
		}
		c.hold(target, cl)
	}
	v := cl.Value()
	if v == nil {
		return p, false, nil
	}
	if err := json.Unmarshal(v, &p); err != nil {
		return p, false, fmt.Errorf("relay: position of %s is damaged: %w", target, err)
	}
	return p, true, nil
}

// Save implements [client.Cursor].
func (c *KVCursor) Save(ctx context.Context, target string, p client.Position) error {
	cl := c.of(target)
	if cl == nil {
		return backoff.Permanent(fmt.Errorf("relay: position of %s is saved before it was loaded: %w", target, ErrFenced))
	}
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("relay: position of %s: %w", target, err)
	}
	err = cl.Save(ctx, b)
	if errors.Is(err, ErrFenced) {
		return backoff.Permanent(ErrFenced)
	}
	return err
}

// Forget implements [client.Forgetter]: the position is dropped and the claim kept.
func (c *KVCursor) Forget(ctx context.Context, target string) error {
	cl := c.of(target)
	if cl == nil {
		return nil
	}
	return cl.Save(ctx, nil)
}

// Claim returns the number of the claim that this worker holds, or held, of a target:
// a fencing token. Whoever took the stream over has a greater one. It is 0 before the
// stream was loaded.
func (c *KVCursor) Claim(target string) uint64 {
	if cl := c.of(target); cl != nil {
		return cl.Number()
	}
	return 0
}

// Lost returns a channel that is closed when the claim of a target is lost or
// released; nil before the stream was loaded.
func (c *KVCursor) Lost(target string) <-chan struct{} {
	if cl := c.of(target); cl != nil {
		return cl.Lost()
	}
	return nil
}

// Release gives a stream up, so that another worker need not wait for the limit. The
// position stays. It is for when the source's loop has ended.
func (c *KVCursor) Release(ctx context.Context, target string) error {
	c.mu.Lock()
	cl := c.held[target]
	delete(c.held, target)
	c.mu.Unlock()
	if cl == nil {
		return nil
	}
	return cl.Release(ctx)
}

// Close releases all streams. The error says which are not free at once; others get
// those when the limit has passed.
func (c *KVCursor) Close(ctx context.Context) error {
	c.mu.Lock()
	held := c.held
	c.held = make(map[string]*claim.Claim)
	c.mu.Unlock()
	var errs []error
	for _, cl := range held {
		errs = append(errs, cl.Release(ctx))
	}
	return errors.Join(errs...)
}

func (c *KVCursor) hold(target string, cl *claim.Claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[target] = cl
}

func (c *KVCursor) of(target string) *claim.Claim {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held[target]
}

func over(cl *claim.Claim) bool {
	select {
	case <-cl.Lost():
		return true
	default:
		return false
	}
}
