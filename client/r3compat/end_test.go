package sse_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
)

// traffic sends events for as long as the client takes them.
func traffic(_ int, w http.ResponseWriter, r *http.Request) {
	for send := stream(w, ""); r.Context().Err() == nil; {
		send("data: a\n\n")
	}
}

// brief sends one event and ends cleanly. The id says that there may be more.
func brief(n int, w http.ResponseWriter, _ *http.Request) {
	stream(w, fmt.Sprintf("id: %d\ndata: a\n\n", n))
}

func down(_ int, w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusServiceUnavailable)
}

func silent(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// TestCancel: whatever a subscription is doing, it returns at the very moment in
// which its context is cancelled, and the bubble shows that nothing of it is left.
func TestCancel(t *testing.T) {
	for name, tt := range map[string]struct {
		answer  answer
		handler error
	}{
		"in traffic":            {traffic, nil},
		"on a quiet stream":     {open(""), nil},
		"between streams":       {brief, nil},
		"in an outage":          {down, context.Canceled},
		"waiting for an answer": {silent, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.answer)
				const after = 7300 * time.Millisecond
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(after, cancel)
				ended := make(chan error)
				for range 10 {
					go func() {
						ended <- w.client().SubscribeWithContext(ctx, "", func(*sse.Event) { time.Sleep(time.Millisecond) })
					}()
				}
				for range 10 {
					if err := <-ended; err != tt.handler {
						t.Errorf("got %v, want %v", err, tt.handler)
					}
				}
				if d := time.Since(w.start); d < after || d > after+time.Millisecond { // a handler's
					t.Errorf("returned after %v, want %v", d, after)
				}
			})
		})
	}
}

// TestCancelOfChannels: the same without a reader.
func TestCancelOfChannels(t *testing.T) {
	for name, answer := range map[string]answer{"in traffic": traffic, "on a quiet stream": open("")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, answer)
				ctx, cancel := context.WithCancel(t.Context())
				c, ended := w.client(), make(chan error)
				c.OnEnd(func(_ chan *sse.Event, err error) { ended <- err })
				must(t, c.SubscribeChanWithContext(ctx, "", make(chan *sse.Event)))
				must(t, c.SubscribeChanRawWithContext(ctx, make(chan *sse.Event)))
				time.Sleep(time.Second)
				cancel()
				must(t, <-ended)
				must(t, <-ended)
				equal(t, "time", time.Since(w.start), time.Second)
			})
		})
	}
}

// TestOtherEndsOfContexts: a deadline and a cause are reported; r3labs went on
// after a deadline.
func TestOtherEndsOfContexts(t *testing.T) {
	cause := errors.New("enough")
	for name, answer := range map[string]answer{"in traffic": traffic, "in an outage": down} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, answer)
				c := w.client()
				handler := func(*sse.Event) { time.Sleep(time.Millisecond) }

				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := c.SubscribeRawWithContext(ctx, handler); err != context.DeadlineExceeded {
					t.Errorf("got %v, want a deadline exceeded", err)
				}
				equal(t, "time", time.Since(w.start).Round(time.Second), time.Minute)

				caused, cancelWith := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Minute, func() { cancelWith(cause) })
				if err := c.SubscribeWithContext(caused, "", handler); err != cause {
					t.Errorf("got %v, want the cause", err)
				}
			})
		})
	}
}

// TestUnsubscribe: it returns at once whatever the subscription is doing, also when
// called twice at a time, and the channel may be closed then.
func TestUnsubscribe(t *testing.T) {
	for name, answer := range map[string]answer{
		"nobody reads":       traffic,
		"nothing comes":      open("data: a\n\ndata: a\n\n"),
		"waiting to connect": bodies("", ""),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, answer)
				c, ch, ended := w.client(), make(chan *sse.Event), make(chan error, 1)
				c.OnEnd(func(of chan *sse.Event, err error) {
					if of != ch {
						t.Error("OnEnd was given another channel")
					}
					ended <- err
				})
				must(t, c.SubscribeChanRaw(ch))
				synctest.Wait()
				twice := make(chan bool)
				for range 2 {
					go func() {
						c.Unsubscribe(ch)
						twice <- true
					}()
				}
				<-twice
				<-twice
				close(ch)
				must(t, <-ended)
				c.Unsubscribe(ch)
				equal(t, "time", time.Since(w.start), 0)
			})
		})
	}
}

// TestUnsubscribeBeforeOpen ends a SubscribeChan that has not returned.
func TestUnsubscribeBeforeOpen(t *testing.T) {
	for name, answer := range map[string]answer{"no answer": silent, "an outage": down} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, answer)
				c, ch := w.client(), make(chan *sse.Event)
				c.OnEnd(func(chan *sse.Event, error) { t.Error("OnEnd without a subscription") })
				time.AfterFunc(10*time.Second, func() { c.Unsubscribe(ch) })
				if err := c.SubscribeChanRaw(ch); err != context.Canceled {
					t.Errorf("got %v, want %v", err, context.Canceled)
				}
				equal(t, "time", time.Since(w.start), 10*time.Second)
			})
		})
	}
}

func TestUnsubscribeInCallbacks(t *testing.T) {
	for name, register := range map[string]func(c *sse.Client, unsubscribe func()){
		"OnConnect":       func(c *sse.Client, f func()) { c.OnConnect(func(*sse.Client) { f() }) },
		"OnDisconnect":    func(c *sse.Client, f func()) { c.OnDisconnect(func(*sse.Client) { f() }) },
		"ReconnectNotify": func(c *sse.Client, f func()) { c.ReconnectNotify = func(error, time.Duration) { f() } },
		"OnEnd":           func(c *sse.Client, f func()) { c.OnEnd(func(chan *sse.Event, error) { f() }) },
		"ResponseValidator": func(c *sse.Client, f func()) {
			n := 0
			c.ResponseValidator = func(*sse.Client, *http.Response) error {
				if n++; n > 1 {
					f()
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, bodies("data: a\n\n", "data: a\n\n"))
				c, ch := w.client(), make(chan *sse.Event, 9)
				called := make(chan bool, 9)
				register(c, func() {
					c.Unsubscribe(ch)
					called <- true
				})
				must(t, c.SubscribeChanRaw(ch))
				<-called
			})
		})
	}
}

// TestNothingIsLostBetweenSubscriptions: an event that nobody took is not behind
// the position, although LastEventID was that of the event on offer.
func TestNothingIsLostBetweenSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			rest := map[string]string{
				"":  "id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n",
				"1": "id: 2\ndata: b\n\nid: 3\ndata: c\n\n",
			}
			open(rest[r.Header.Get("Last-Event-ID")])(0, w, r)
		})
		c, ch := w.client(), make(chan *sse.Event)
		must(t, c.SubscribeChanRaw(ch))
		equal(t, "messages", receive(ch, 1), messages{"1||a"})
		synctest.Wait() // it offers the second one
		equal(t, "LastEventID", lastID(c), "2")
		c.Unsubscribe(ch)
		synctest.Wait() // and takes it back
		equal(t, "LastEventID", lastID(c), "1")
		must(t, c.SubscribeChanRaw(ch))
		equal(t, "messages", receive(ch, 2), messages{"2||b", "3||c"})
		c.Unsubscribe(ch)
	})
}

// TestOneChannelOfTwoStreams: both are unsubscribed.
func TestOneChannelOfTwoStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, open("data: a\n\n"))
		c, ch := w.client(), make(chan *sse.Event)
		must(t, c.SubscribeChan("a", ch))
		must(t, c.SubscribeChan("b", ch))
		receive(ch, 2)
		c.Unsubscribe(ch)
	})
}

// TestPanicOfHandler passes through, and leaves nothing behind.
func TestPanicOfHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, open("data: a\n\n"))
		c := w.client()
		defer func() {
			if recover() == nil || c.Connected {
				t.Error("no panic, or still connected")
			}
		}()
		c.SubscribeRaw(func(*sse.Event) { panic("handler") })
	})
}
