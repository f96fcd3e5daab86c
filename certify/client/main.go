// The adapter of package client.
package main

import (
	"context"
	"net/http"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/certify/adapter"
	"github.com/OneStepAt4time/resilient-sse/client"
)

func main() {
	adapter.EndWithStdin()
	es, err := client.New(adapter.URL(), &client.Options{
		Request:  client.Request{Header: http.Header{"Authorization": {"Bearer " + adapter.Token()}}},
		Backoff:  backoff.Policy{Initial: adapter.Initial()},
		Timeouts: client.Timeouts{Idle: adapter.Idle()},
	})
	if err != nil {
		adapter.End(err)
	}
	for ev, err := range es.Events(context.Background()) {
		if err != nil {
			adapter.End(err)
		}
		adapter.Show(&ev.ID, ev.Type, ev.Data)
	}
}
