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

	mu      sync.Mutex
	timer   *time.Timer // nil until first armed
	cause   error       // nil while nothing is waited for
	due     time.Time   // a bite before then belongs to an earlier wait
	opening bool        // the transport's reports count
	openBy  time.Time   // no phase of opening goes beyond, if it is set
}

// arm begins to wait for something else: for d at most, and until the given time
// if it is set. A d of 0 is no limit.
func (w *watchdog) arm(d time.Duration, until time.Time, cause error) {
	d = within(d, until)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set(d, cause)
}

// open begins to wait for a response: arm, and from now on [watchdog.phase] counts.
func (w *watchdog) open(d time.Duration, until time.Time, cause error) {
	w.mu.Lock()
	w.opening, w.openBy = true, until
	w.mu.Unlock()
	w.arm(d, until, cause)
}

// phase is arm for a transport that reports how far opening has come. A report that
// comes when the response is there is too late: it must not set a limit of opening
// on the stream.
func (w *watchdog) phase(d time.Duration, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opening {
		w.set(within(d, w.openBy), cause)
	}
}

// within cuts d to what is left until the given time, if that is set.
func within(d time.Duration, until time.Time) time.Duration {
	if until.IsZero() {
		return d
	}
	left := max(time.Until(until), 1)
	if d == 0 {
		return left
	}
	return min(d, left)
}

// set is for who holds the lock.
func (w *watchdog) set(d time.Duration, cause error) {
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
	w.cause, w.opening = nil, false
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
