// The adapter of package client/r3compat.
package main

import (
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/OneStepAt4time/resilient-sse/certify/adapter"
	"github.com/OneStepAt4time/resilient-sse/client"
	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
)

func main() {
	adapter.EndWithStdin()
	c := sse.NewClient(adapter.URL(), sse.ClientTune(func(o *client.Options) { o.Timeouts.Idle = adapter.Idle() }))
	c.Headers["Authorization"] = "Bearer " + adapter.Token()
	strategy := backoff.NewExponentialBackOff()
	strategy.InitialInterval, strategy.Multiplier, strategy.MaxInterval = adapter.Initial(), 2, 30*time.Second
	c.ReconnectStrategy = strategy
	adapter.End(c.SubscribeRaw(func(ev *sse.Event) {
		id := string(ev.ID)
		adapter.Show(&id, string(ev.Event), string(ev.Data))
	}))
}
