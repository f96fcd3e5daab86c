// The adapter of github.com/tmaxmax/go-sse.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/OneStepAt4time/resilient-sse/certify/adapter"
)

func main() {
	adapter.EndWithStdin()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, adapter.URL(), http.NoBody)
	if err != nil {
		adapter.End(err)
	}
	req.Header.Set("Authorization", "Bearer "+adapter.Token())
	c := &sse.Client{Backoff: sse.Backoff{
		InitialInterval: adapter.Initial(), Multiplier: 2, Jitter: 0.5, MaxInterval: 30 * time.Second,
	}}
	conn := c.NewConnection(req)
	conn.Buffer(nil, 16<<20)
	conn.SubscribeToAll(func(ev sse.Event) { adapter.Show(&ev.LastEventID, ev.Type, ev.Data) })
	adapter.End(conn.Connect())
}
