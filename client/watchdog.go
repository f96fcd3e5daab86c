package client

import (
	"context"
	"sync"
	"time"
)

// A watchdog cancels an attempt that waits too long for one thing. Its callback
// runs on a goroutine of the timer's, and the phases of opening are reported from
// goroutines of the transport's; hence the lock.
type watchdog struct {
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer // nil until first armed
	cause error       // nil while nothing is waited for
	due   time.Time   // a bite before then belongs to an earlier wait
}

// arm begins to wait for something else: for d at most, and until the given time
// if it is set. A d of 0 is no limit.
func (w *watchdog) arm(d time.Duration, until time.Time, cause error) {
	if !until.IsZero() {
		if left := max(time.Until(until), 1); d == 0 || left < d {
			d = left
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if d == 0 {
		w.cause = nil
		return
	}
	w.cause, w.due = cause, time.Now().Add(d)
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.bite)
	} else {
		w.timer.Reset(d)
	}
}

// disarm ends the wait. An attempt is not cancelled once it has returned.
func (w *watchdog) disarm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cause = nil
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *watchdog) bite() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause != nil && !time.Now().Before(w.due) {
		w.cancel(w.cause)
	}
}
