package claim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed/embedtest"
)

func bucket(t *testing.T) jetstream.KeyValue {
	t.Helper()
	kv, err := embedtest.New(t).CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "claims"})
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

func take(t *testing.T, c *Claims, name string) *Claim {
	t.Helper()
	cl, err := c.Take(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func save(t *testing.T, cl *Claim, v string) {
	t.Helper()
	if err := cl.Save(t.Context(), json.RawMessage(v)); err != nil {
		t.Fatal(err)
	}
}

// hang makes a holder stop renewing, as a paused process does.
func hang(cl *Claim) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.timer.Stop()
	cl.until = time.Now().Add(time.Hour) // nor does its own clock tell it
}

func TestHolderThatHangsIsFenced(t *testing.T) {
	kv := bucket(t)
	a, b := New(kv, 200*time.Millisecond), New(kv, 200*time.Millisecond)
	old := take(t, a, "s/1")
	save(t, old, `"one"`)
	hang(old)
	cl := take(t, b, "s/1")
	if got := string(cl.Value()); got != `"one"` || cl.Number() != old.Number()+1 {
		t.Errorf("taken over: value %s, number %d; want \"one\" and one more than %d", got, cl.Number(), old.Number())
	}
	if err := old.Save(t.Context(), json.RawMessage(`"late"`)); err != ErrFenced {
		t.Errorf("save of the old holder: %v, want ErrFenced", err)
	}
	select {
	case <-old.Lost():
	default:
		t.Error("the old holder was not told")
	}
	save(t, cl, `"two"`)
	if r, _, err := a.get(t.Context(), cl.key); err != nil || string(r.Value) != `"two"` {
		t.Errorf("kept: %s, %v", r.Value, err)
	}
}

func TestIdleHolderKeepsItsClaim(t *testing.T) {
	kv := bucket(t)
	a, b := New(kv, 2*time.Second), New(kv, 2*time.Second) // no pause of a busy machine is that long
	cl := take(t, a, "x")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := b.Take(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("another took the claim of a holder that is there: %v", err)
	}
	save(t, cl, `1`)
}

func TestReleasedIsFree(t *testing.T) {
	kv := bucket(t)
	a, b := New(kv, time.Hour), New(kv, time.Hour)
	cl := take(t, a, "x")
	if got, err := b.Taker("x").Try(t.Context()); got != nil || err != nil {
		t.Fatalf("tried: %v, %v", got, err)
	}
	save(t, cl, `7`)
	if err := cl.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cl.Save(t.Context(), nil); err == nil {
		t.Error("saved after the release")
	}
	if got := take(t, b, "x"); string(got.Value()) != "7" {
		t.Errorf("value %s", got.Value())
	}
}

// Of fifty takers one wins at a time, and each goes on behind the last.
func TestFiftyTakers(t *testing.T) {
	kv := bucket(t)
	const limit = 3 * time.Second
	var holders, n atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			cl, err := New(kv, limit).Take(t.Context(), "x")
			if err != nil {
				t.Error(err)
				return
			}
			if holders.Add(1) != 1 {
				t.Error("two hold the claim")
			}
			if v := n.Load(); v != 0 && string(cl.Value()) != fmt.Sprint(v) {
				t.Errorf("value %s, want %d", cl.Value(), v)
			}
			v := n.Add(1)
			if err := cl.Save(t.Context(), json.RawMessage(fmt.Sprint(v))); err != nil {
				t.Error(err)
			}
			holders.Add(-1)
			if err := cl.Release(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n.Load() != 50 {
		t.Errorf("%d of 50 held it", n.Load())
	}
}

// lossy loses the answers of updates that were made.
type lossy struct {
	jetstream.KeyValue
	lose atomic.Int64
}

func (l *lossy) Update(ctx context.Context, key string, v []byte, rev uint64) (uint64, error) {
	at, err := l.KeyValue.Update(ctx, key, v, rev)
	if err == nil && l.lose.Add(-1) >= 0 {
		return 0, context.DeadlineExceeded
	}
	return at, err
}

func TestAnswerThatIsLost(t *testing.T) {
	kv := &lossy{KeyValue: bucket(t)}
	cl := take(t, New(kv, time.Hour), "x")
	kv.lose.Store(2)
	save(t, cl, `1`)
	save(t, cl, `2`)
	select {
	case <-cl.Lost():
		t.Error("the claim was lost with the answer")
	default:
	}
}

// A holder that can't reach the bucket loses the claim by its own clock.
func TestHolderThatIsCutOff(t *testing.T) {
	kv := &lossy{KeyValue: bucket(t)}
	cl := take(t, New(&cut{kv}, 200*time.Millisecond), "x")
	<-cl.Lost()
	if err := cl.Save(t.Context(), nil); err != ErrFenced {
		t.Errorf("save: %v", err)
	}
}

// cut lets no update through.
type cut struct{ jetstream.KeyValue }

func (c *cut) Update(context.Context, string, []byte, uint64) (uint64, error) {
	return 0, errors.New("cut off")
}
