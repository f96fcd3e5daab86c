package main

import (
	"fmt"
	"runtime"
	"time"
)

// A contender does one piece of work, the same as the others beside it.
type contender struct {
	name string
	run  func() error
}

// A cost is what a piece of work took.
type cost struct {
	wall time.Duration
	cpu  time.Duration // of this process
}

// compare lets the contenders take turns, for some rounds, and returns the least
// that each of them needed: noise of the machine only ever adds.
func compare(rounds int, contenders []contender) (map[string]cost, error) {
	least := make(map[string]cost)
	for range rounds {
		for _, c := range contenders {
			got, err := measure(c.run)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if before, ok := least[c.name]; ok {
				got.wall, got.cpu = min(got.wall, before.wall), min(got.cpu, before.cpu)
			}
			least[c.name] = got
		}
	}
	return least, nil
}

func measure(run func() error) (cost, error) {
	runtime.GC() // the garbage of the one before is not this one's
	cpu, began := cpuTime(), time.Now()
	err := run()
	return cost{wall: time.Since(began), cpu: cpuTime() - cpu}, err
}

// fastest returns the contender, other than the first, that took the least time.
func fastest(contenders []contender, costs map[string]cost) string {
	name := contenders[1].name
	for _, c := range contenders[2:] {
		if costs[c.name].wall < costs[name].wall {
			name = c.name
		}
	}
	return name
}

// ratio of two durations.
func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }

// each is the share of one of n.
func each(d time.Duration, n int) time.Duration { return d / time.Duration(max(n, 1)) }
