// The adapter of github.com/donovanhide/eventsource.
package main

import (
	"net/http"

	"github.com/donovanhide/eventsource"

	"github.com/OneStepAt4time/resilient-sse/certify/adapter"
)

func main() {
	adapter.EndWithStdin()
	req, err := http.NewRequest(http.MethodGet, adapter.URL(), nil)
	if err != nil {
		adapter.End(err)
	}
	req.Header.Set("Authorization", "Bearer "+adapter.Token())
	stream, err := eventsource.SubscribeWithRequest("", req)
	if err != nil {
		adapter.End(err)
	}
	go func() {
		for range stream.Errors {
		}
	}()
	for ev := range stream.Events {
		// Id is that of the event's own block: the one in force can't be told.
		adapter.Show(nil, ev.Event(), ev.Data())
	}
}
