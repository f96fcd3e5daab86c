package ingest

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// A Trouble is what keeps a stream's events from being stored now.
type Trouble struct {
	Key   store.Key // Session "*": the upstream's global stream
	Store bool      // the store does not take events; else the stream does not come
	Since time.Time
	Err   error
}

// ErrNotYet is that of a stream that has not been open since the relay began.
var ErrNotYet = errors.New("not connected yet")

// troubles are those that last. One that is told again goes on.
type troubles struct {
	mu   sync.Mutex
	last map[troubleKey]Trouble
}

type troubleKey struct {
	key   store.Key
	store bool
}

func (t *troubles) begin(k store.Key, ofStore bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = make(map[troubleKey]Trouble)
	}
	tr, ok := t.last[troubleKey{k, ofStore}]
	if !ok {
		tr = Trouble{Key: k, Store: ofStore, Since: time.Now()}
	}
	tr.Err = err
	t.last[troubleKey{k, ofStore}] = tr
}

func (t *troubles) end(k store.Key, ofStore bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.last, troubleKey{k, ofStore})
}

// Troubles returns what is wrong now, what has lasted longest first.
func (in *Ingest) Troubles() (list []Trouble) {
	in.troubles.mu.Lock()
	defer in.troubles.mu.Unlock()
	for _, t := range in.troubles.last {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b Trouble) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Key.Kind, b.Key.Kind), cmp.Compare(a.Key.Name, b.Key.Name))
	})
	return list
}
