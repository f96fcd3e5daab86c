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
// It grows with the events, from 16 of them: most streams are idle. For 256 it
// takes 4 KiB.
type repeats struct {
	seed   maphash.Seed
	window int      // events to remember, a power of two
	next   uint32   // sequence number of the next entry; the first is 1
	hashes []uint64 // by sequence number modulo their count, a power of two up to window
	older  []uint32 // the next entry of the chain
	newest []uint32 // first entry of each chain
}

const minRepeats = 16

// newRepeats returns a window of at least n events, nil if n is 0.
func newRepeats(n int) *repeats {
	if n == 0 {
		return nil
	}
	return &repeats{seed: maphash.MakeSeed(), window: 1 << bits.Len(uint(n-1)), next: 1}
}

// sum is the event's hash: of id, type and data.
func (r *repeats) sum(ev sse.Event) uint64 {
	return maphash.String(r.seed, ev.Data) ^
		bits.RotateLeft64(maphash.String(r.seed, ev.ID), 21) ^
		bits.RotateLeft64(maphash.String(r.seed, ev.Type), 42)
}

// has tells whether the window has an event of this hash.
func (r *repeats) has(sum uint64) bool {
	if r.next == 1 {
		return false
	}
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
	if len(r.hashes) < r.window && r.next > uint32(len(r.hashes)) {
		r.grow()
	}
	r.put(r.next, sum)
	if r.next++; r.next == 0 { // after four thousand million events
		r.forget()
	}
}

func (r *repeats) put(n uint32, sum uint64) {
	mask := uint32(len(r.hashes) - 1)
	r.hashes[n&mask] = sum
	r.older[n&mask] = r.newest[uint32(sum)&mask]
	r.newest[uint32(sum)&mask] = n
}

// grow makes room for twice as many events as there are.
func (r *repeats) grow() {
	old := r.hashes
	size := min(max(2*len(old), minRepeats), r.window)
	r.hashes, r.older, r.newest = make([]uint64, size), make([]uint32, size), make([]uint32, size)
	for n := r.next - uint32(len(old)); n != r.next; n++ {
		r.put(n, old[n&uint32(len(old)-1)])
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
