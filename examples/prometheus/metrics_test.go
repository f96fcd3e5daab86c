package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

// A stream that is cut behind each of its events, and ends after three. Its second
// replay starts too late.
func brief(w http.ResponseWriter, r *http.Request) {
	next := map[string]string{"": "1", "1": "2", "2": "4"}[r.Header.Get("Last-Event-ID")]
	if next == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if next == "4" {
		w.Header().Set("Last-Event-ID", "3")
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Write([]byte("id: " + next + "\ndata: x\n\n"))
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// Two sources, one observer: each has its series, and they add up.
func TestMetrics(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(brief))
	defer srv.Close()
	registry := prometheus.NewRegistry()
	metrics := NewMetrics(registry)

	var wg sync.WaitGroup
	for _, name := range []string{"orders", "prices"} {
		es, err := client.New(srv.URL, &client.Options{
			Name:     name,
			Backoff:  backoff.Policy{Initial: time.Millisecond, Max: time.Second},
			Observer: metrics.Observe,
		})
		if err != nil {
			t.Fatal(err)
		}
		metrics.Add(es)
		wg.Go(func() {
			for _, err := range es.Events(t.Context()) {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()

	want := `
# HELP sse_reconnects_total Streams opened again after an outage.
# TYPE sse_reconnects_total counter
sse_reconnects_total{target="orders"} 2
sse_reconnects_total{target="prices"} 2
# HELP sse_gaps_total Times that events were lost, or may have been (certain=false).
# TYPE sse_gaps_total counter
sse_gaps_total{certain="true",target="orders"} 1
sse_gaps_total{certain="true",target="prices"} 1
# HELP sse_up 1 while the stream is open.
# TYPE sse_up gauge
sse_up{target="orders"} 0
sse_up{target="prices"} 0
# HELP sse_events_total Events yielded.
# TYPE sse_events_total counter
sse_events_total{target="orders"} 3
sse_events_total{target="prices"} 3
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "sse_reconnects_total", "sse_gaps_total", "sse_up", "sse_events_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(registry, "sse_outage_seconds"); n != 2 || err != nil {
		t.Errorf("%d series of sse_outage_seconds, %v; want one for each source", n, err)
	}
}

// A source that gives up is counted, and its outage has no end.
func TestMetricsOfGiveUp(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	registry := prometheus.NewRegistry()
	metrics := NewMetrics(registry)
	es, err := client.New(srv.URL, &client.Options{
		Name:     "gone",
		Backoff:  backoff.Policy{Initial: time.Millisecond, Max: time.Second, GiveUp: 10 * time.Millisecond},
		Observer: metrics.Observe,
	})
	if err != nil {
		t.Fatal(err)
	}
	for range es.Events(t.Context()) {
	}
	if n := testutil.ToFloat64(metrics.giveUps.WithLabelValues("gone")); n != 1 {
		t.Errorf("%v give-ups, want 1", n)
	}
}

// The command as a whole: streams in, metrics out.
func TestFollow(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(brief))
	defer srv.Close()
	registry := prometheus.NewRegistry()
	web := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer web.Close()
	if err := follow(t.Context(), NewMetrics(registry), []string{srv.URL + "/a?token=secret", srv.URL + "/b"}); err != nil {
		t.Fatal(err)
	}
	text := scrape(t, web.URL)
	for _, want := range []string{`sse_events_total{target="` + srv.URL + `/b"} 3`, "sse_last_event_timestamp_seconds{"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Errorf("a token is in the metrics:\n%s", text)
	}
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if err := resp.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
