package sse_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	// This line is all that changes:
	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
)

func Example() {
	srv := sse.New()
	srv.CreateStream("orders")
	web := httptest.NewServer(srv)
	defer web.Close()

	c := sse.NewClient(web.URL)
	ch := make(chan *sse.Event)
	if err := c.SubscribeChan("orders", ch); err != nil {
		fmt.Println(err)
		return
	}
	defer c.Unsubscribe(ch)

	srv.Publish("orders", &sse.Event{Data: []byte("one tea")})
	srv.Publish("orders", &sse.Event{Data: []byte("two coffees")})
	for range 2 {
		msg := <-ch
		fmt.Printf("%s: %s\n", msg.ID, msg.Data)
	}
	// Output:
	// 0: one tea
	// 1: two coffees
}

// A stream that the server declares over with 204 ends Subscribe without an error.
func ExampleClient_Subscribe() {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") == "2" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 1\ndata: first\n\nid: 2\nevent: done\ndata: last\n\n")
	}))
	defer web.Close()

	c := sse.NewClient(web.URL, sse.ClientTune(func(o *client.Options) { o.Backoff.Initial = time.Millisecond }))
	err := c.Subscribe("orders", func(msg *sse.Event) {
		fmt.Printf("%s %q\n", msg.Data, msg.Event)
	})
	fmt.Println("over:", err)
	// Output:
	// first ""
	// last "done"
	// over: <nil>
}

// Who ranges over a channel wants it closed when no more will come, and wants to
// know why.
func ExampleClient_OnEnd() {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") != "" {
			http.Error(w, "no longer yours", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 1\ndata: first\n\n")
	}))
	defer web.Close()

	c := sse.NewClient(web.URL, sse.ClientTune(func(o *client.Options) {
		o.Backoff.Initial = time.Millisecond
		o.Retryable = client.Retryable // a refusal like this one is final
	}))
	var why error
	c.OnEnd(func(ch chan *sse.Event, err error) {
		why = err
		close(ch)
	})
	ch := make(chan *sse.Event)
	if err := c.SubscribeChanRaw(ch); err != nil {
		fmt.Println(err)
		return
	}
	for msg := range ch {
		fmt.Printf("%s\n", msg.Data)
	}
	fmt.Println(why)
	// Output:
	// first
	// could not connect to stream: Forbidden
}

// A token that expires is renewed in a callback: the attempt that follows has the
// new one.
func ExampleClient_headers() {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Authorization") {
		case "Bearer fresh":
			w.WriteHeader(http.StatusNoContent)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer web.Close()

	c := sse.NewClient(web.URL)
	c.Headers["Authorization"] = "Bearer stale"
	c.ReconnectNotify = func(err error, wait time.Duration) {
		fmt.Println(err, wait)
		c.Headers["Authorization"] = "Bearer fresh"
	}
	fmt.Println(c.SubscribeRaw(func(*sse.Event) {}))
	// Output:
	// could not connect to stream: Unauthorized 0s
	// <nil>
}
