// Command prometheus follows streams and serves metrics of them: one observer for
// all its sources.
//
//	go run . -listen 127.0.0.1:9200 http://127.0.0.1:9100/events?stream=orders …
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9200", "serve /metrics on `ADDRESS`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	registry := prometheus.NewRegistry()
	metrics := NewMetrics(registry)
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	go func() { log.Fatal(http.ListenAndServe(*listen, nil)) }()
	if err := follow(ctx, metrics, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

// follow follows the streams until the context is done or each has ended.
func follow(ctx context.Context, metrics *Metrics, urls []string) error {
	var wg sync.WaitGroup
	for _, url := range urls {
		es, err := client.New(url, &client.Options{
			Backoff:  backoff.Policy{GiveUp: backoff.Never},
			Observer: metrics.Observe,
		})
		if err != nil {
			return err
		}
		metrics.Add(es)
		wg.Go(func() {
			for ev, err := range es.Events(ctx) {
				if err != nil {
					log.Print(err)
					return
				}
				fmt.Println(es.Target(), ev.Data)
			}
		})
	}
	wg.Wait()
	return nil
}
