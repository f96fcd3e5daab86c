package main

import (
	"context"
	"net/http"

	launchdarkly "github.com/launchdarkly/eventsource"
	r3labs "github.com/r3labs/sse/v2"
	gosse "github.com/tmaxmax/go-sse"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// A follower follows a stream until it has had n events of the right size, or
// the stream has ended. It returns how many there were.
type follower struct {
	name   string
	follow func(hc *http.Client, url string, f feed, n int) (int, error)
}

// followers has ours first.
var followers = []follower{
	{"resilient-sse", followOurs},
	{"go-sse", followGoSSE},
	{"launchdarkly", followLaunchDarkly},
	{"r3labs", followR3labs},
}

func followOurs(hc *http.Client, url string, f feed, n int) (int, error) {
	es, err := client.New(url, &client.Options{HTTPClient: hc})
	return followSource(es, err, f, n)
}

// followSession follows the stream of a session, with all that is done for one.
func followSession(hc *http.Client, base string, f feed, n int) (int, error) {
	es, err := client.Session(base, "5e38af8b", &client.Options{HTTPClient: hc})
	return followSource(es, err, f, n)
}

func followSource(es *client.EventSource, err error, f feed, n int) (int, error) {
	got := f.count()
	if err != nil {
		return 0, err
	}
	for ev, err := range es.Events(context.Background()) {
		if err != nil {
			return got.n, err
		}
		if got.see(len(ev.Data)); got.n == n {
			break
		}
	}
	return got.n, nil
}

func followGoSSE(hc *http.Client, url string, f feed, n int) (int, error) {
	got := f.count()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	conn := (&gosse.Client{HTTPClient: hc, Backoff: gosse.Backoff{MaxRetries: -1}}).NewConnection(req)
	conn.SubscribeToAll(func(ev gosse.Event) {
		if got.see(len(ev.Data)); got.n == n {
			cancel()
		}
	})
	err = conn.Connect()
	return got.n, err
}

func followLaunchDarkly(hc *http.Client, url string, f feed, n int) (int, error) {
	got := f.count()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	var failure error
	stream, err := launchdarkly.SubscribeWithRequestAndOptions(req, launchdarkly.StreamOptionHTTPClient(hc),
		launchdarkly.StreamOptionErrorHandler(func(err error) launchdarkly.StreamErrorHandlerResult {
			failure = err
			return launchdarkly.StreamErrorHandlerResult{CloseNow: true}
		}))
	if err != nil {
		return 0, err
	}
	for ev := range stream.Events {
		if got.see(len(ev.Data())); got.n == n {
			stream.Close()
			return got.n, nil
		}
	}
	return got.n, failure
}

func followR3labs(hc *http.Client, url string, f feed, n int) (int, error) {
	got := f.count()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := r3labs.NewClient(url)
	c.Connection = hc
	err := c.SubscribeRawWithContext(ctx, func(ev *r3labs.Event) {
		if got.see(len(ev.Data)); got.n == n {
			cancel()
		}
	})
	return got.n, err
}
