// The adapter of github.com/r3labs/sse.
package main

import (
	"time"

	"github.com/r3labs/sse/v2"
	"gopkg.in/cenkalti/backoff.v1"

	"github.com/OneStepAt4time/resilient-sse/certify/adapter"
)

func main() {
	adapter.EndWithStdin()
	c := sse.NewClient(adapter.URL(), sse.ClientMaxBufferSize(16<<20))
	c.Headers["Authorization"] = "Bearer " + adapter.Token()
	strategy := backoff.NewExponentialBackOff()
	strategy.InitialInterval, strategy.Multiplier, strategy.MaxInterval = adapter.Initial(), 2, 30*time.Second
	c.ReconnectStrategy = strategy
	adapter.End(c.SubscribeRaw(func(ev *sse.Event) {
		id := string(ev.ID)
		adapter.Show(&id, string(ev.Event), string(ev.Data))
	}))
}
