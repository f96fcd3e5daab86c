package client

import (
	"hash/maphash"
	"math/bits"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

const maxRepeatWindow = 1 << 16

// repeats remembers the last events as hashes. Entries whose hashes fall into
// the same bucket form a chain, newest first, whose links are sequence numbers:
// a link that has left the window ends the chain, so nothing is ever unlinked.
// For 256 events it takes 4 KiB.
type repeats struct {
	seed   maphash.Seed
	next   uint32   // sequence number of the next entry; the first is 1
	hashes []uint64 // by sequence number modulo the window, a power of two
	older  []uint32 // the next entry of the chain
	newest []uint32 // first entry of each chain
}

// newRepeats returns a window of at least n events, nil if n is 0.
func newRepeats(n int) *repeats {
	if n == 0 {
		return nil
	}
	size := 1 << bits.Len(uint(n-1))
	return &repeats{seed: maphash.MakeSeed(), next: 1,
		hashes: make([]uint64, size), older: make([]uint32, size), newest: make([]uint32, size)}
}

// sum is the event's hash: of id, type and data.
func (r *repeats) sum(ev sse.Event) uint64 {
	return maphash.String(r.seed, ev.Data) ^
		bits.RotateLeft64(maphash.String(r.seed, ev.ID), 21) ^
		bits.RotateLeft64(maphash.String(r.seed, ev.Type), 42)
}

// has tells whether the window has an event of this hash.
func (r *repeats) has(sum uint64) bool {
	mask := uint32(len(r.hashes) - 1)
	for n := r.newest[uint32(sum)&mask]; n != 0 && r.next-n <= mask+1; n = r.older[n&mask] {
		if r.hashes[n&mask] == sum {
			return true
		}
	}
	return false
}

// add remembers an event that is done. One that is not done may come again.
func (r *repeats) add(sum uint64) {
	mask := uint32(len(r.hashes) - 1)
	r.hashes[r.next&mask] = sum
	r.older[r.next&mask] = r.newest[uint32(sum)&mask]
	r.newest[uint32(sum)&mask] = r.next
	if r.next++; r.next == 0 { // after four thousand million events
		r.forget()
	}
}

func (r *repeats) forget() {
	clear(r.newest)
	r.next = 1
}

// repeated tells whether the event is one of the last once more. Such a one is
// dropped, and is no success: a server that repeats its last event to each
// connection and then drops it is not healthy.
func (r *run) repeated(ev sse.Event) bool {
	if r.repeats == nil || !hasOwnID(ev) {
		return false
	}
	r.sum = r.repeats.sum(ev)
	if !r.repeats.has(r.sum) && !r.pending.has(r.sum) {
		return false
	}
	r.mu.Lock()
	r.stats.Repeats++
	r.mu.Unlock()
	return true
}

// hasOwnID tells whether the event's block named it. An empty id is no name but a
// reset; servers that have no ids send it with each event.
func hasOwnID(ev sse.Event) bool { return ev.HasID && ev.ID != "" }
