package sse_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
)

// onR3labs runs a test in a bubble whose world is r3labs' server, with one stream
// named test. These tests ask of the client what r3labs' own ask of theirs.
func onR3labs(t *testing.T, test func(t *testing.T, srv *sse.Server, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		srv := sse.New()
		srv.CreateStream("test")
		t.Cleanup(func() {
			synctest.Wait() // its handlers hang if it closes before they have left
			srv.Close()
		})
		test(t, srv, newWorld(t, func(_ int, w http.ResponseWriter, r *http.Request) { srv.ServeHTTP(w, r) }))
	})
}

// publish publishes the data in turn, and returns the messages to expect.
func publish(srv *sse.Server, firstID int, data ...string) (want messages) {
	for i, data := range data {
		srv.Publish("test", &sse.Event{Data: []byte(data)})
		want = append(want, fmt.Sprintf("%d||%s", firstID+i, data))
	}
	return want
}

func TestServerToHandler(t *testing.T) {
	onR3labs(t, func(t *testing.T, srv *sse.Server, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		got, ended := make(chan *sse.Event), make(chan error)
		go func() {
			ended <- w.client().SubscribeWithContext(ctx, "test", func(msg *sse.Event) { got <- msg })
		}()
		want := publish(srv, 0, "a", "b", "c")
		equal(t, "replayed", receive(got, 3), want)
		want = publish(srv, 3, "d")
		equal(t, "live", receive(got, 1), want)
		cancel()
		must(t, <-ended)
	})
}

func TestServerToChannel(t *testing.T) {
	large := strings.Repeat("abcdefgh", 1<<15)
	for name, tt := range map[string]struct {
		split, base64 bool
		events        []*sse.Event
		want          messages
	}{
		"plain":       {events: []*sse.Event{{Data: []byte("a")}, {Data: []byte("b"), Event: []byte("e")}}, want: messages{"0||a", "1|e|b"}},
		"lines":       {split: true, events: []*sse.Event{{Data: []byte("{\n\t\"a\": 1\n}")}}, want: messages{"0||{\n\t\"a\": 1\n}"}},
		"blank lines": {events: []*sse.Event{{Data: []byte("\n")}, {Data: []byte("a")}}, want: messages{"0||", "1||a"}},
		"large":       {events: []*sse.Event{{Data: []byte(large)}}, want: messages{"0||" + large}},
		"comment":     {events: []*sse.Event{{Comment: []byte("c")}, {Data: []byte("a")}}, want: messages{"0||a"}},
		"base64":      {base64: true, events: []*sse.Event{{Data: []byte("\x00\r\n")}}, want: messages{"0||\x00\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			onR3labs(t, func(t *testing.T, srv *sse.Server, w *world) {
				srv.SplitData, srv.EncodeBase64 = tt.split, tt.base64
				c, ch := w.client(), make(chan *sse.Event)
				c.EncodingBase64 = tt.base64
				must(t, c.SubscribeChan("test", ch))
				for _, ev := range tt.events {
					srv.Publish("test", ev)
				}
				equal(t, "messages", receive(ch, len(tt.want)), tt.want)
				c.Unsubscribe(ch)
			})
		})
	}
}

// TestServerAfterCuts: what was published while the client was away arrives, and
// nothing arrives twice although the server repeats the last event each time.
func TestServerAfterCuts(t *testing.T) {
	onR3labs(t, func(t *testing.T, srv *sse.Server, w *world) {
		c, ch := w.client(), make(chan *sse.Event)
		var connects, disconnects int
		c.OnConnect(func(*sse.Client) { connects++ })
		c.OnDisconnect(func(*sse.Client) { disconnects++ })
		must(t, c.SubscribeChan("test", ch))
		for n := range 20 {
			want := publish(srv, 3*n, "a", "b")
			equal(t, "before the cut", receive(ch, 2), want)
			w.cut()
			want = publish(srv, 3*n+2, "c")
			equal(t, "after the cut", receive(ch, 1), want)
		}
		c.Unsubscribe(ch)
		synctest.Wait()
		equal(t, "connects", connects, 21)
		equal(t, "disconnects", disconnects, 21)
	})
}

// TestServerWithoutStream: it answers 500, and the stream may come.
func TestServerWithoutStream(t *testing.T) {
	onR3labs(t, func(t *testing.T, srv *sse.Server, w *world) {
		time.AfterFunc(time.Minute, func() { srv.CreateStream("later") })
		c, ch := w.client(), make(chan *sse.Event)
		must(t, c.SubscribeChan("later", ch))
		srv.Publish("later", &sse.Event{Data: []byte("a")})
		equal(t, "messages", receive(ch, 1), messages{"0||a"})
		c.Unsubscribe(ch)
	})
}

func TestServerWithCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		subscribed, unsubscribed := make(chan string), make(chan string)
		srv := sse.NewWithCallback(
			func(stream string, _ *sse.Subscriber) { subscribed <- stream },
			func(stream string, _ *sse.Subscriber) { unsubscribed <- stream })
		t.Cleanup(srv.Close)
		srv.CreateStream("test")
		w := newWorld(t, func(_ int, w http.ResponseWriter, r *http.Request) { srv.ServeHTTP(w, r) })
		c, ch := w.client(), make(chan *sse.Event)
		must(t, c.SubscribeChan("test", ch))
		equal(t, "subscribed", <-subscribed, "test")
		c.Unsubscribe(ch)
		equal(t, "unsubscribed", <-unsubscribed, "test") // the server is told that nobody reads
	})
}

func TestEventStreamReader(t *testing.T) {
	block, err := sse.NewEventStreamReader(strings.NewReader("data: a\n\n"), 1<<10).ReadEvent()
	if err != nil || string(block) != "data: a" {
		t.Errorf("got %q, %v", block, err)
	}
}
