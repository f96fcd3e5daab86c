package client

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The window is that of the last events, exactly, also while it grows.
func TestRepeatWindowGrows(t *testing.T) {
	for _, window := range []int{1, 4, 16, 64} {
		rng := rand.New(rand.NewPCG(1, uint64(window)))
		r := newRepeats(window)
		for round := range 2 {
			var added []uint64
			for range 4 * window {
				last := added[max(len(added)-window, 0):]
				for sum := range uint64(2 * window) {
					if got, want := r.has(sum<<20), slices.Contains(last, sum<<20); got != want {
						t.Fatalf("window %d, round %d, after %d events: has is %v, want %v", window, round, len(added), got, want)
					}
				}
				sum := rng.Uint64N(uint64(2*window)) << 20 // all in one chain
				r.add(sum)
				added = append(added, sum)
			}
			if len(r.hashes) != window {
				t.Errorf("window %d has room for %d", window, len(r.hashes))
			}
			r.forget()
		}
	}
	r := newRepeats(256)
	if r.add(1); len(r.hashes) != minRepeats {
		t.Errorf("the first event takes room for %d", len(r.hashes))
	}
}
