package sse_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
)

// TestCallbacks: in order, on one goroutine (what they note needs no lock), each
// OnConnect before the connection's first event, and an OnDisconnect for each.
func TestCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 2:
				down(n, w, r)
			case 3:
				brief(n, w, r)
				panic(http.ErrAbortHandler) // a cut
			case 5:
				w.WriteHeader(http.StatusNoContent)
			default:
				brief(n, w, r)
			}
		})
		c := w.client()
		var got []string
		note := func(what string) { got = append(got, fmt.Sprint(what, " ", c.Connected)) }
		c.OnConnect(func(of *sse.Client) { note("connect") })
		c.OnDisconnect(func(of *sse.Client) { note("disconnect") })
		c.ReconnectNotify = func(err error, d time.Duration) {
			if err == nil || d < time.Second {
				t.Errorf("notified of %v, %v", err, d)
			}
			note("notify")
		}
		must(t, c.SubscribeRaw(func(*sse.Event) { note("event") }))
		one := []string{"connect true", "event true", "disconnect false", "notify false"}
		equal(t, "calls", got, slices.Concat(one, []string{"notify false"}, one, one))
	})
}

// TestConnectWithoutEvent: r3labs waited for the first event.
func TestConnectWithoutEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, open(""))
		c, ch, connected := w.client(), make(chan *sse.Event), make(chan bool)
		c.OnConnect(func(*sse.Client) { connected <- true }) // it may wait for whoever subscribes
		must(t, c.SubscribeChanRaw(ch))
		<-connected
		c.Unsubscribe(ch)
	})
}

// TestConnectedCountsStreams: it holds until the last one is gone.
func TestConnectedCountsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, open(""))
		c, a, b := w.client(), make(chan *sse.Event), make(chan *sse.Event)
		must(t, c.SubscribeChan("a", a))
		must(t, c.SubscribeChan("b", b))
		for _, step := range []struct {
			ch   chan *sse.Event
			want bool
		}{{a, true}, {b, false}} {
			c.Unsubscribe(step.ch)
			synctest.Wait()
			if c.Connected != step.want {
				t.Errorf("Connected is %v, want %v", c.Connected, step.want)
			}
		}
	})
}

// TestCallbacksSetWhileRunning: the race detector looks on.
func TestCallbacksSetWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, traffic)
		c, ch := w.client(), make(chan *sse.Event)
		must(t, c.SubscribeChanRaw(ch))
		receive(ch, 1)
		disconnected := make(chan bool)
		c.OnDisconnect(func(*sse.Client) { disconnected <- true })
		c.OnConnect(func(*sse.Client) {})
		c.Unsubscribe(ch)
		<-disconnected
	})
}

// TestEndOfChannel: who reads a channel learns that no more will come, and why,
// and may close it there.
func TestEndOfChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, _ *http.Request) {
			if n > 1 {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			stream(w, "data: a\n\n")
		})
		c, ch := w.client(), make(chan *sse.Event)
		var why error
		c.OnEnd(func(ch chan *sse.Event, err error) {
			why = err
			close(ch)
		})
		must(t, c.SubscribeChanRaw(ch))
		var got messages
		for msg := range ch {
			got.add(msg)
		}
		equal(t, "messages", got, messages{"||a"})
		if !refused(why, 403) {
			t.Errorf("ended with %v, want 403", why)
		}
	})
}
