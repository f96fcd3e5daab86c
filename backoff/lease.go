package backoff

import "time"

// A Lease is the permission for one attempt. It ends with the first call of
// Succeed, Fail or Release; later ones do nothing. It is about opening the
// connection and not about the stream that follows: it ends with the response,
// so that nobody holds it while busy with events. A nil Lease may be ended too.
type Lease struct {
	breaker *Breaker
	spell   uint64      // of the breaker when it was given
	expiry  *time.Timer // of a probe
	ended   bool
}

// Succeed tells that the origin has answered. Any answer but 502, 503 and 504
// proves that it is alive, a refusal as well. It closes the breaker, even if the
// lease has expired.
func (l *Lease) Succeed() {
	if b := l.end(); b != nil {
		b.close()
		b.unlock()
	}
}

// Fail tells that there was no answer, or one of 502, 503 and 504. The next
// attempt is not made before floor, such as that answer's Retry-After. The cause
// is for [Breaker.Err], and may be nil. If the breaker has opened or closed
// since the attempt began, its failure is no news.
func (l *Lease) Fail(cause error, floor time.Duration) {
	b := l.end()
	if b == nil {
		return
	}
	if b.spell == l.spell && (b.state == Closed || l.expiry != nil) {
		b.probe = nil
		b.fail(cause, floor)
	}
	b.unlock()
}

// Release tells that the attempt has proved nothing: it was cancelled before it
// had an answer. Another one is the probe, if this one was.
func (l *Lease) Release() {
	if b := l.end(); b != nil {
		b.pass(l)
		b.unlock()
	}
}

// expire makes way for another probe. The lease is not ended: its answer may
// still come, and counts, a failure too unless another probe has failed before.
func (l *Lease) expire() {
	l.breaker.mu.Lock()
	l.breaker.pass(l)
	l.breaker.unlock()
}

// pass gives a probe's turn to the next.
func (b *Breaker) pass(l *Lease) {
	if b.probe == l {
		b.nextProbe()
	}
}

// end ends the lease and returns the breaker, locked; nil if it had ended.
func (l *Lease) end() *Breaker {
	if l == nil {
		return nil
	}
	b := l.breaker
	b.mu.Lock()
	if l.ended {
		b.mu.Unlock()
		return nil
	}
	l.ended = true
	b.underWay--
	b.idleSince = time.Now()
	if l.expiry != nil {
		l.expiry.Stop()
	}
	return b
}
