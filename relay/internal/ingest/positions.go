package ingest

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// positionEvery is how often positions are kept. One that is lost with the process is
// found again in the last event under its key, unless retention takes that away
// before a relay starts.
const positionEvery = time.Second

// positions are those that have moved and are to be kept.
type positions struct {
	mu    sync.Mutex
	moved map[store.Key]store.Position
}

// moved takes note of where a key is.
func (in *Ingest) moved(k store.Key, p store.Position) {
	in.positions.mu.Lock()
	defer in.positions.mu.Unlock()
	if in.positions.moved == nil {
		in.positions.moved = make(map[store.Key]store.Position)
	}
	in.positions.moved[k] = p
}

// keepPositions keeps what has moved, each second and at the end.
func (in *Ingest) keepPositions(ctx context.Context) {
	for sleep(ctx, positionEvery) == nil {
		in.savePositions(ctx)
	}
	in.tasks.Wait() // nothing moves after this
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), retryMax)
	defer cancel()
	in.savePositions(last)
}

func (in *Ingest) savePositions(ctx context.Context) {
	in.positions.mu.Lock()
	moved := in.positions.moved
	in.positions.moved = nil
	in.positions.mu.Unlock()
	for k, p := range moved {
		if err := in.store.SavePosition(ctx, k, p); err != nil {
			in.metrics.StoreFailed()
			in.positions.mu.Lock() // again, with what has moved since
			newer := in.positions.moved
			in.positions.moved = moved
			if newer != nil {
				maps.Copy(in.positions.moved, newer)
			}
			in.positions.mu.Unlock()
			return
		}
	}
}
