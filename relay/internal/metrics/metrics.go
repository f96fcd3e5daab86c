// Package metrics counts what a relay does, for Prometheus. Every name begins with
// sse_relay_. docs/relay.md says what each means and what to alarm on.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// A Set is the metrics of one relay. It is safe for concurrent use.
type Set struct {
	reg prometheus.Registerer

	in, gaps    *prometheus.CounterVec
	dropped     *prometheus.CounterVec
	outages     *prometheus.CounterVec
	conflicts   prometheus.Counter
	storeErrors prometheus.Counter
	refused     *prometheus.CounterVec
	readers     *prometheus.GaugeVec
	unfollowed  prometheus.Gauge
	upstreamLag prometheus.Histogram
	storeLag    *prometheus.GaugeVec
}

// New registers a relay's metrics. The error says that one is registered already.
func New(reg prometheus.Registerer) (*Set, error) {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "sse_relay", Name: name, Help: help}
	}
	gauge := func(name, help string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Namespace: "sse_relay", Name: name, Help: help}
	}
	lag := prometheus.ExponentialBuckets(0.001, 2, 16) // 1 ms to 33 s
	s := &Set{
		reg:         reg,
		in:          prometheus.NewCounterVec(counter("events_in_total", "Events that came from upstream, by kind of stream and by what became of them: stored by this relay, or known: stored already."), []string{"kind", "result"}),
		gaps:        prometheus.NewCounterVec(counter("upstream_gaps_total", "Places where the upstream has lost events for this relay, certainly or possibly."), []string{"kind", "certain"}),
		dropped:     prometheus.NewCounterVec(counter("events_dropped_total", "Events that the store does not take, however often it is asked; each is a gap for readers."), []string{"kind"}),
		outages:     prometheus.NewCounterVec(counter("upstream_outages_total", "Streams of the upstream that were lost."), []string{"kind"}),
		conflicts:   prometheus.NewCounter(counter("store_conflicts_total", "Publishes that another relay was quicker with. They cost a read each, and nothing else.")),
		storeErrors: prometheus.NewCounter(counter("store_errors_total", "Requests to JetStream that failed and are tried again.")),
		refused:     prometheus.NewCounterVec(counter("readers_refused_total", "Requests for a stream that were refused, by status."), []string{"status"}),
		readers:     prometheus.NewGaugeVec(gauge("readers", "Readers that are connected, by kind of stream."), []string{"kind"}),
		unfollowed:  prometheus.NewGauge(gauge("sessions_unfollowed", "Sessions whose events are lost: there is no stream left for them, and the upstream's global stream has no ids.")),
		upstreamLag: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "sse_relay", Name: "upstream_lag_seconds", Help: "From an event's time upstream to its coming here. It holds the difference of the clocks.", Buckets: lag}),
		storeLag:    prometheus.NewGaugeVec(gauge("store_lag_events", "Events that are stored and not yet given to readers, by kind of stream, as of the last look."), []string{"kind"}),
	}
	for _, c := range []prometheus.Collector{s.in, s.gaps, s.dropped, s.outages, s.conflicts, s.storeErrors, s.refused, s.readers, s.unfollowed, s.upstreamLag, s.storeLag} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// In counts an event that came from upstream.
func (s *Set) In(k store.Key, stored bool, emitted time.Time) {
	result := "known"
	if stored {
		result = "stored"
		if !emitted.IsZero() {
			s.upstreamLag.Observe(max(0, time.Since(emitted).Seconds()))
		}
	}
	s.in.WithLabelValues(string(k.Kind), result).Inc()
}

// Conflict counts a publish that another relay was quicker with.
func (s *Set) Conflict() { s.conflicts.Inc() }

// StoreFailed counts a request to JetStream that failed.
func (s *Set) StoreFailed() { s.storeErrors.Inc() }

// Dropped counts an event that the store does not take.
func (s *Set) Dropped(k store.Key) { s.dropped.WithLabelValues(string(k.Kind)).Inc() }

// Gap counts a place where the upstream has lost events.
func (s *Set) Gap(k store.Key, certain bool) {
	word := "no"
	if certain {
		word = "yes"
	}
	s.gaps.WithLabelValues(string(k.Kind), word).Inc()
}

// Outage counts a stream of the upstream that was lost.
func (s *Set) Outage(k store.Key) { s.outages.WithLabelValues(string(k.Kind)).Inc() }

// Unfollowed says how many sessions can't be followed.
func (s *Set) Unfollowed(n int) { s.unfollowed.Set(float64(n)) }

// Lag says how many events are stored and not yet given to readers.
func (s *Set) Lag(kind store.Kind, n uint64) {
	s.storeLag.WithLabelValues(string(kind)).Set(float64(n))
}

// Opened counts a reader that has connected.
func (s *Set) Opened(kind string) { s.readers.WithLabelValues(kind).Inc() }

// Ended counts a reader that has left.
func (s *Set) Ended(kind string) { s.readers.WithLabelValues(kind).Dec() }

// Delivered registers the count of events that were written to readers.
func (s *Set) Delivered(count func() float64) error {
	return s.reg.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: "sse_relay", Name: "events_out_total", Help: "Events written to readers.",
	}, count))
}

// Refused counts a request that was refused.
func (s *Set) Refused(status string) { s.refused.WithLabelValues(status).Inc() }
