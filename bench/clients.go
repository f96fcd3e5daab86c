package main

import (
	"context"
	"io"
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
	follow func(hc *http.Client, url string, n int) (int, error)
}

// followers has ours first.
var followers = []follower{
	{"resilient-sse", followOurs},
	{"go-sse", followGoSSE},
	{"launchdarkly", followLaunchDarkly},
	{"r3labs", followR3labs},
}

func followOurs(hc *http.Client, url string, n int) (got int, err error) {
	es, err := client.New(url, &client.Options{HTTPClient: hc})
	if err != nil {
		return 0, err
	}
	for ev, err := range es.Events(context.Background()) {
		if err != nil {
			return got, err
		}
		if got += whole(ev.Data); got == n {
			break
		}
	}
	return got, nil
}

func followGoSSE(hc *http.Client, url string, n int) (got int, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	conn := (&gosse.Client{HTTPClient: hc, Backoff: gosse.Backoff{MaxRetries: -1}}).NewConnection(req)
	conn.SubscribeToAll(func(ev gosse.Event) {
		if got += whole(ev.Data); got == n {
			cancel()
		}
	})
	err = conn.Connect()
	return got, err
}

func followLaunchDarkly(hc *http.Client, url string, n int) (got int, err error) {
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
		if got += whole(ev.Data()); got == n {
			stream.Close()
			return got, nil
		}
	}
	return got, failure
}

func followR3labs(hc *http.Client, url string, n int) (got int, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := r3labs.NewClient(url)
	c.Connection = hc
	err = c.SubscribeRawWithContext(ctx, func(ev *r3labs.Event) {
		if got += whole(ev.Data); got == n {
			cancel()
		}
	})
	return got, err
}

// inMemory is a client whose every response is a stream of n events, without a
// network.
func inMemory(n int) *http.Client { return &http.Client{Transport: memoryTransport(n)} }

type memoryTransport int

func (n memoryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"text/event-stream"}}, ContentLength: -1,
		Body: io.NopCloser(events(int(n))), Request: r,
	}, nil
}
