package sse

import (
	"context"
	"errors"
	"sync"

	"github.com/OneStepAt4time/resilient-sse/client"
	wire "github.com/OneStepAt4time/resilient-sse/sse"
	"gopkg.in/cenkalti/backoff.v1"
)

// A subscription follows one stream. It lives on one goroutine, on which it also
// calls the callbacks; cancel, send and stop are for all.
type subscription struct {
	c      *Client
	stream string
	ctx    context.Context
	cancel context.CancelCauseFunc
	source *client.EventSource
	tuned  client.Options // before they became ours

	begun, now settings // at first, and of the attempt under way

	isOpen, wasOpen bool
	opened          chan struct{} // closed when wasOpen is set
	endWait         func() bool   // undoes what ends a wait early; nil outside of one

	returns   bool // to a caller, who is told of a clean end
	brought   bool // the connection has brought an event
	resumable bool // the stream has told how to come back

	id   string     // where the caller is
	seam bool       // nothing has come on this connection yet
	last wire.Event // what came last

	sending sync.Mutex // while an event is sent: not for long once ctx is done
}

func (c *Client) newSubscription(ctx context.Context, stream string) (*subscription, error) {
	s := &subscription{c: c, stream: stream, begun: c.settings(), opened: make(chan struct{})}
	s.now = s.begun
	s.id = c.begin(stream, s.begun.firstID)
	u, err := target(s.begun.url, stream)
	if err != nil {
		return nil, err
	}
	if s.source, err = client.New(u.String(), s.options()); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	return s, nil
}

// follow hands events to deliver, until that returns false, and then says why it
// is over.
func (s *subscription) follow(deliver func(id string, msg *Event) bool) error {
	defer s.disconnected() // also when the handler panics
	for ev, err := range s.source.Events(s.ctx) {
		if err != nil {
			return s.verdict(err)
		}
		s.brought = true
		s.resumable = s.resumable || ev.HasID || ev.Retry > 0
		if s.repeats(ev) {
			continue
		}
		if !deliver(ev.ID, s.message(ev)) {
			return s.verdict(context.Cause(s.ctx))
		}
	}
	return nil
}

// verdict is what the caller is told of the engine's last error.
func (s *subscription) verdict(err error) error {
	switch gaveUp, _ := errors.AsType[*client.GiveUpError](err); {
	case err == context.Canceled && s.wasOpen:
		return nil // as wished
	case errors.Is(err, client.ErrEnded) && (gaveUp == nil || s.begun.strategy != nil):
		return nil // a clean end that nobody wants to come back from
	}
	if p, ok := err.(*backoff.PermanentError); ok {
		return p.Err
	}
	return inTheirWords(err)
}

// repeats tells whether the event is the one before the connection was lost: some
// servers, r3labs' own for one, begin a replay with the event that they are told
// the client already has. Elsewhere equal events are different ones.
func (s *subscription) repeats(ev wire.Event) bool {
	again := s.seam && ev.HasID && ev.ID != "" && ev == s.last
	s.seam, s.last = false, ev
	return again
}

// send sends an event, unless the subscription is over.
func (s *subscription) send(ch chan *Event, msg *Event) bool {
	s.sending.Lock()
	defer s.sending.Unlock()
	if s.ctx.Err() != nil { // the channel may be closed
		return false
	}
	select {
	case ch <- msg:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// stop ends the subscription; when it returns, nothing is sent any more.
func (s *subscription) stop() {
	s.cancel(nil)
	s.sending.Lock() // when a send that is under way is over
	defer s.sending.Unlock()
}
