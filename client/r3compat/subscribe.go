package sse

import (
	"context"
	"maps"
)

// Subscribe follows a stream and calls the handler for each event, on the calling
// goroutine, until the stream is over. The stream's name is sent as the query
// parameter stream; "" sends none.
//
// Whatever fails is tried again until the ReconnectStrategy says Stop. It then
// returns the last failure in r3labs' words, with a *client.GiveUpError inside and,
// if a response was refused, a *client.ResponseError.
//
// It returns nil if the server has declared the stream over (204), and where a
// stream that gave neither ids nor a reconnection time has ended cleanly, behind
// an event: another request would bring the same once more. See the package's
// table for how to choose.
func (c *Client) Subscribe(stream string, handler func(msg *Event)) error {
	return c.SubscribeWithContext(context.Background(), stream, handler)
}

// SubscribeWithContext is Subscribe until the context is done. It then returns at
// once, though not before a handler that is under way. The error is the context's
// cause, or nil if that is [context.Canceled] and the stream has been open.
func (c *Client) SubscribeWithContext(ctx context.Context, stream string, handler func(msg *Event)) error {
	s, err := c.newSubscription(ctx, stream)
	if err != nil {
		return err
	}
	defer s.cancel(nil)
	s.returns = true
	return s.follow(func(id string, msg *Event) bool {
		s.moved(id)
		handler(msg)
		return true
	})
}

// SubscribeChan sends the events of a stream to the channel, from a goroutine of
// its own. It returns when the stream is open, or with the error that [Client.Subscribe]
// would return if it never was.
//
// The channel is never closed. See [Client.Unsubscribe] and [Client.OnEnd] for
// when the caller may.
func (c *Client) SubscribeChan(stream string, ch chan *Event) error {
	return c.SubscribeChanWithContext(context.Background(), stream, ch)
}

// SubscribeChanWithContext is SubscribeChan until the context is done.
func (c *Client) SubscribeChanWithContext(ctx context.Context, stream string, ch chan *Event) error {
	s, err := c.newSubscription(ctx, stream)
	if err != nil {
		return err
	}
	c.add(ch, s)
	never := make(chan error, 1) // was it open
	go func() {
		defer s.cancel(nil)
		err := s.follow(func(id string, msg *Event) bool {
			takeBack := s.announce(id)
			if !s.send(ch, msg) {
				takeBack()
				return false
			}
			s.moved(id)
			return true
		})
		c.remove(ch, s)
		if !s.wasOpen {
			never <- err
			if err != nil {
				return
			}
		}
		c.ended(ch, err)
	}()
	select {
	case <-s.opened:
		return nil
	case err := <-never:
		return err
	}
}

// SubscribeRaw is [Client.Subscribe] without the name of a stream.
func (c *Client) SubscribeRaw(handler func(msg *Event)) error {
	return c.Subscribe("", handler)
}

// SubscribeRawWithContext is [Client.SubscribeWithContext] without the name of a
// stream.
func (c *Client) SubscribeRawWithContext(ctx context.Context, handler func(msg *Event)) error {
	return c.SubscribeWithContext(ctx, "", handler)
}

// SubscribeChanRaw is [Client.SubscribeChan] without the name of a stream.
func (c *Client) SubscribeChanRaw(ch chan *Event) error {
	return c.SubscribeChan("", ch)
}

// SubscribeChanRawWithContext is [Client.SubscribeChanWithContext] without the
// name of a stream.
func (c *Client) SubscribeChanRawWithContext(ctx context.Context, ch chan *Event) error {
	return c.SubscribeChanWithContext(ctx, "", ch)
}

// Unsubscribe ends all subscriptions of the channel. When it returns, nothing is
// sent on the channel any more, so the caller may close it. It waits for no
// reader, no server and no callback, and may be called from a callback, twice, and
// for a channel that has no subscription.
func (c *Client) Unsubscribe(ch chan *Event) {
	for s := range c.of(ch) {
		s.stop()
	}
}

func (c *Client) add(ch chan *Event, s *subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscriptions == nil {
		c.subscriptions = map[chan *Event]map[*subscription]bool{}
	}
	if c.subscriptions[ch] == nil {
		c.subscriptions[ch] = map[*subscription]bool{}
	}
	c.subscriptions[ch][s] = true
}

func (c *Client) remove(ch chan *Event, s *subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.subscriptions[ch], s); len(c.subscriptions[ch]) == 0 {
		delete(c.subscriptions, ch)
	}
}

// of returns the subscriptions of a channel.
func (c *Client) of(ch chan *Event) map[*subscription]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.subscriptions[ch])
}

func (c *Client) ended(ch chan *Event, err error) {
	c.mu.Lock()
	fn := c.onEnd
	c.mu.Unlock()
	if fn != nil {
		fn(ch, err)
	}
}
