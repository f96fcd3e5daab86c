package main

import (
	"fmt"
	"time"
)

// A pace is how fast something went, and what it took of the processors.
type pace struct {
	rate float64       // a second
	cpu  time.Duration // of this process, for each
}

// better keeps the better of each.
func (p *pace) better(o pace) {
	if p.rate == 0 {
		*p = o
	}
	p.rate, p.cpu = max(p.rate, o.rate), min(p.cpu, o.cpu)
}

func (p pace) String() string {
	return fmt.Sprintf("%11s/s %9.2f µs of processor each", grouped(p.rate), float64(p.cpu)/float64(time.Microsecond))
}

// A moment is when something began.
type moment struct {
	at  time.Time
	cpu time.Duration
}

func now() moment { return moment{time.Now(), cpuTime()} }

// pace returns that of n things since the moment.
func (m moment) pace(n int) pace {
	return pace{float64(n) / time.Since(m.at).Seconds(), (cpuTime() - m.cpu) / time.Duration(n)}
}
