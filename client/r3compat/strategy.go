package sse

import (
	"sync"
	"time"

	"gopkg.in/cenkalti/backoff.v1"
)

// delays is a ReconnectStrategy as the engine takes it. The strategy is reset
// when the next outage begins and not when one ends: v1's MaxElapsedTime counts
// from Reset, and after an hour of health the first failure would be too late.
type delays struct {
	access   *sync.Mutex // the strategy is shared and knows no locks
	strategy backoff.BackOff
	inOutage bool
}

// NextBackOff is asked once for each failure.
func (d *delays) NextBackOff() time.Duration {
	d.access.Lock()
	defer d.access.Unlock()
	if !d.inOutage {
		d.inOutage = true
		d.strategy.Reset()
	}
	return d.strategy.NextBackOff()
}

// Reset is called when an outage is over.
func (d *delays) Reset() { d.inOutage = false }
