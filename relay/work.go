package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A Task is one stream of a fleet while this worker holds it.
type Task struct {
	Stream string // its name in Fleet.Streams
	Claim  uint64 // the claim's number, a fencing token: greater than those of earlier holders
}

// A Fleet is what one worker of many does. All workers give the same, but for
// Capacity.
type Fleet struct {
	// Cursor is this worker's.
	Cursor *KVCursor

	// Streams are the names of the streams that the fleet follows.
	Streams []string

	// Open makes the source of a stream, from options in which the cursor is set; the
	// rest may be changed. It is called when Work begins and each time that this worker
	// gets the stream.
	Open func(stream string, o *client.Options) (*client.EventSource, error)

	// Handle is called for each event of each stream that this worker holds: for one
	// stream one at a time and in order, for several at once. The context ends when the
	// claim is lost. When it returns nil the event is done. An error gives the stream
	// up: another worker, or this one later, goes on with the same event.
	Handle func(ctx context.Context, t Task, ev sse.Event) error

	// Capacity is how many streams this worker holds at most; 0: no limit. Without a
	// limit the first worker takes all that are free.
	Capacity int

	// Report, if set, is told why a stream was given up: [ErrFenced], what Handle has
	// returned, or what ended its source; nil where the stream is over. It must be safe
	// for concurrent use.
	Report func(t Task, err error)
}

// handleAgain is how long a stream that was given up for an error is left to others.
const handleAgain = time.Second

// Work handles the events of a fleet's streams, those that this worker can claim, until
// the context is done. Each stream is with one worker at a time, in order and at least
// once: a worker that dies or hangs loses its claims after the limit, what it does when
// it wakes up is refused, and another goes on behind the last event that was done.
//
// When the context is done, the event at hand is finished, its position is saved and
// the claims are given up. The error is the context's cause, or says what is wrong with
// the fleet. When all streams are over it returns nil.
func Work(ctx context.Context, f Fleet) error {
	switch {
	case f.Cursor == nil || f.Open == nil || f.Handle == nil:
		return errors.New("relay: fleet has no Cursor, no Open or no Handle")
	case f.Capacity < 0:
		return fmt.Errorf("relay: capacity %d is negative", f.Capacity)
	}
	targets := make(map[string]string, len(f.Streams)) // by name
	names := make(map[string]string, len(f.Streams))   // by target
	for _, name := range f.Streams {
		if targets[name] != "" {
			return fmt.Errorf("relay: stream %s is in the fleet twice", name)
		}
		es, err := f.open(name)
		if err != nil {
			return err
		}
		target := es.Target()
		if other, ok := names[target]; ok {
			return fmt.Errorf("relay: streams %s and %s have one target, %s: give them client.Options.Name", other, name, target)
		}
		targets[name], names[target] = target, name
	}
	capacity := f.Capacity
	if capacity == 0 {
		capacity = max(len(f.Streams), 1)
	}
	room := make(chan struct{}, capacity)
	var wg sync.WaitGroup
	for _, name := range f.Streams {
		wg.Go(func() { f.follow(ctx, name, targets[name], room) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (f *Fleet) open(name string) (*client.EventSource, error) {
	es, err := f.Open(name, &client.Options{Cursor: f.Cursor})
	if err != nil {
		return nil, fmt.Errorf("relay: stream %s: %w", name, err)
	}
	return es, nil
}

// follow handles one stream whenever this worker can have it, until it is over.
func (f *Fleet) follow(ctx context.Context, name, target string, room chan struct{}) {
	for f.waitForTurn(ctx, target, room) {
		t := Task{Stream: name, Claim: f.Cursor.Claim(target)}
		err := f.hold(ctx, t, target)
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
		_ = f.Cursor.Release(release, target) // or others wait for the limit
		cancel()
		<-room
		if f.Report != nil && ctx.Err() == nil {
			f.Report(t, err)
		}
		if err == nil || !wait(ctx, handleAgain) {
			return
		}
	}
}

// releaseTimeout bounds how long giving up a claim may take.
const releaseTimeout = 5 * time.Second

// waitForTurn waits for room and for the stream to be free, and claims it. Who waits
// for a claim must not take the room of a stream that could be had. It holds room when
// it returns true; false: the context is done.
func (f *Fleet) waitForTurn(ctx context.Context, target string, room chan struct{}) bool {
	taker := f.Cursor.claims.Taker(target)
	for {
		select {
		case <-ctx.Done():
			return false
		case room <- struct{}{}:
		}
		cl, _ := taker.Try(ctx) // an error may pass
		if cl != nil {
			f.Cursor.hold(target, cl)
			return true
		}
		<-room
		if !wait(ctx, f.Cursor.claims.Poll()) {
			return false
		}
	}
}

// hold handles the events of a stream whose claim this worker has.
func (f *Fleet) hold(ctx context.Context, t Task, target string) error {
	es, err := f.open(t.Stream)
	if err != nil {
		return err
	}
	held, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop := context.AfterFunc(ctx, es.Drain) // the event at hand is finished
	defer stop()
	lost := f.Cursor.Lost(target)
	go func() {
		select {
		case <-lost:
			cancel(ErrFenced)
		case <-held.Done():
		}
	}()
	for ev, err := range es.Events(held) {
		if err != nil {
			return err
		}
		if err := f.Handle(held, t, ev); err != nil {
			return err
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
