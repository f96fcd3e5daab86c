package sse

import (
	"context"
	"errors"
	"time"

	engine "github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	wire "github.com/OneStepAt4time/resilient-sse/sse"
	"gopkg.in/cenkalti/backoff.v1"
)

// giveUp is how long an outage may last without a ReconnectStrategy.
const giveUp = 15 * time.Minute

// options are the engine's for this subscription.
func (s *subscription) options() *client.Options {
	if s.begun.tune != nil {
		s.begun.tune(&s.tuned)
	}
	o := s.tuned
	o.HTTPClient = s.httpClient()
	o.Request.Header = s.begun.header()
	o.LastEventID = s.id
	if s.begun.maxEventSize != 0 {
		o.MaxEventSize = s.begun.maxEventSize
	}
	limit := giveUp
	if strategy := s.begun.strategy; strategy != nil {
		o.Delays = &delays{access: &s.c.strategyAccess, strategy: strategy}
		limit = engine.Never
	}
	if o.Backoff.GiveUp == 0 {
		o.Backoff.GiveUp = limit
	}
	o.Request.Prepare = s.prepare
	o.Retryable = s.retryable
	o.Observer = s.observe
	o.BeforeWait = s.beforeWait
	return &o
}

// retryable lets the strategy decide, as r3labs does: whatever fails is tried
// again until it says Stop. A caller in a loop, which gets a refusal back, would
// ask again without a delay. But for an event over the limit: what comes before it
// ends the outage each time.
func (s *subscription) retryable(err error, opened bool) bool {
	if _, ok := errors.AsType[*backoff.PermanentError](err); ok {
		return false
	}
	if s.tuned.Retryable != nil {
		return s.tuned.Retryable(err, opened)
	}
	_, isGap := errors.AsType[*client.GapError](err)
	_, isLimit := errors.AsType[*wire.LimitError](err)
	return !isGap && !isLimit && !engine.IsPermanent(err) && !s.isOneShot(err)
}

// isOneShot tells whether the stream has ended cleanly, as the caller expects of
// it: it brought events and no means to go on from them, neither an id nor a
// reconnection time. Another request would bring the same events once more. Who
// reads a channel does not see an end, and expects none.
func (s *subscription) isOneShot(err error) bool {
	return s.returns && errors.Is(err, client.ErrEnded) && s.brought && !s.resumable && s.source.LastEventID() == ""
}

// observe turns the engine's transitions into callbacks.
func (s *subscription) observe(t client.Transition) {
	if t.From != t.State {
		s.enter(t)
	}
	if s.tuned.Observer != nil {
		s.tuned.Observer(t)
	}
}

func (s *subscription) enter(t client.Transition) {
	if s.endWait != nil {
		s.endWait()
		s.endWait = nil
	}
	s.disconnected()
	switch t.State {
	case client.Open:
		s.connected()
	case client.Waiting:
		if s.now.notify != nil {
			s.now.notify(inTheirWords(t.Cause), t.Delay)
		}
		if strategy, ok := s.begun.strategy.(backoff.BackOffContext); ok {
			s.endWait = context.AfterFunc(strategy.Context(), func() { s.cancel(t.Cause) })
		}
	}
}

func (s *subscription) connected() {
	s.isOpen, s.seam, s.brought = true, true, false
	callback := s.c.count(+1)
	if !s.wasOpen {
		s.wasOpen = true
		close(s.opened)
	}
	callback(s.c)
}

// disconnected does nothing unless the stream is open.
func (s *subscription) disconnected() {
	if s.isOpen {
		s.isOpen = false
		callback := s.c.count(-1)
		callback(s.c)
	}
}

// count counts the open streams, and returns the callback that is to know.
func (c *Client) count(n int) ConnCallback {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open += n
	c.Connected = c.open > 0
	callback := c.onConnect
	if n < 0 {
		callback = c.onDisconnect
	}
	if callback == nil {
		return func(*Client) {}
	}
	return callback
}

// beforeWait takes over a position that moved without an event.
func (s *subscription) beforeWait() error {
	s.moved(s.source.LastEventID())
	if s.tuned.BeforeWait != nil {
		return s.tuned.BeforeWait()
	}
	return nil
}
