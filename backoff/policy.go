package backoff

import (
	"errors"
	"fmt"
	"math"
	"time"

	cenkalti "github.com/cenkalti/backoff/v4"
)

// Off switches off what the zero value leaves on, in any option field of this
// module: a limit, a jitter, a give-up. Other negative values are errors.
const Off = -1

// Off under names that say what is off.
const (
	NoJitter               = float64(Off) // Policy.Jitter: each delay exactly
	Never    time.Duration = Off          // Policy.GiveUp: go on for good
)

// A Policy says how delays grow and when an outage has lasted too long. The zero
// value is ready to use.
type Policy struct {
	Initial    time.Duration // shortest delay; 0 means 1 s
	Max        time.Duration // longest delay; 0 means 30 s, or Initial if that is more
	Multiplier float64       // from one delay to the next, at least 1; 0 means 2
	Jitter     float64       // spread above a delay, as a part of it; 0 means 0.5, [Off] none
	GiveUp     time.Duration // no attempt later than this into an outage; 0 means 5 min, [Off] never
}

func (p Policy) withDefaults() Policy {
	if p.Initial == 0 {
		p.Initial = time.Second
	}
	if p.Max == 0 {
		p.Max = max(30*time.Second, p.Initial)
	}
	if p.Multiplier == 0 {
		p.Multiplier = 2
	}
	switch p.Jitter {
	case 0:
		p.Jitter = 0.5
	case NoJitter:
		p.Jitter = 0
	}
	if p.GiveUp == 0 {
		p.GiveUp = 5 * time.Minute
	}
	return p
}

// Validate says what makes no sense, all of it. Nothing is repaired.
func (p Policy) Validate() error {
	p = p.withDefaults()
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("backoff: "+format, args...)) }
	if p.Initial < 0 {
		bad("Initial %v is negative", p.Initial)
	}
	if p.Max < p.Initial {
		bad("Max %v is less than Initial %v", p.Max, p.Initial)
	}
	if !(p.Multiplier >= 1) || math.IsInf(p.Multiplier, 0) {
		bad("Multiplier %v is less than 1", p.Multiplier)
	}
	if !(p.Jitter >= 0) || math.IsInf(p.Jitter, 0) {
		bad("Jitter %v is neither positive nor Off", p.Jitter)
	}
	if p.GiveUp < 0 && p.GiveUp != Never {
		bad("GiveUp %v is neither positive nor Off", p.GiveUp)
	}
	return errors.Join(errs...)
}

// delays returns v4's ExponentialBackOff with the parameters that make its
// spread [d, d·(1+Jitter)], below the cap. p has its defaults.
func (p Policy) delays() *cenkalti.ExponentialBackOff {
	j := p.Jitter
	return cenkalti.NewExponentialBackOff(
		cenkalti.WithInitialInterval(scale(p.Initial, 1+j/2)),
		cenkalti.WithRandomizationFactor(j/(2+j)),
		cenkalti.WithMultiplier(p.Multiplier),
		cenkalti.WithMaxInterval(scale(p.base(), 1+j/2)),
		cenkalti.WithMaxElapsedTime(0), // counted by Schedule
	)
}

// base is what the longest delay is spread above: so that it stays below Max, or
// Initial where that is too near to Max. A spread that gave way to Max would vanish,
// and bring all clients back at one moment.
func (p Policy) base() time.Duration { return max(scale(p.Max, 1/(1+p.Jitter)), p.Initial) }

// longest is the end of the longest delay's spread.
func (p Policy) longest() time.Duration { return max(p.Max, scale(p.Initial, 1+p.Jitter)) }

// scale multiplies, as far as durations go.
func scale(d time.Duration, by float64) time.Duration {
	if by == 1 {
		return d // exactly: a float64 can't hold every duration
	}
	if f := math.Round(float64(d) * by); f < math.MaxInt64 {
		return time.Duration(f)
	}
	return math.MaxInt64
}
