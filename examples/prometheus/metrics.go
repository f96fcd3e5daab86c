package main

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// Metrics are those of any number of sources. What happens is counted as it is
// observed; what can be read off a source is read when the metrics are asked for,
// so that an event costs nothing.
//
// The label target is [client.EventSource.Target]. It holds no secret, but one
// series for each stream: give streams that come and go names of their own
// (client.Options.Name), or one for all of a kind.
type Metrics struct {
	reconnects *prometheus.CounterVec   // by target
	outages    *prometheus.HistogramVec // by target
	gaps       *prometheus.CounterVec   // by target, certain
	giveUps    *prometheus.CounterVec   // by target

	mu      sync.Mutex
	sources []*client.EventSource
	lost    map[string]time.Time // since when, by target
}

// NewMetrics returns metrics that are registered.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		reconnects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sse_reconnects_total", Help: "Streams opened again after an outage."}, []string{"target"}),
		outages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sse_outage_seconds", Help: "From the loss of a stream to its return.",
			Buckets: []float64{1, 2, 5, 15, 60, 300, 1800}}, []string{"target"}),
		gaps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sse_gaps_total", Help: "Times that events were lost, or may have been (certain=false)."}, []string{"target", "certain"}),
		giveUps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sse_give_ups_total", Help: "Outages that lasted too long."}, []string{"target"}),
		lost: map[string]time.Time{},
	}
	r.MustRegister(m.reconnects, m.outages, m.gaps, m.giveUps, m)
	return m
}

// Add makes a source's counters part of the metrics. Their targets must differ.
func (m *Metrics) Add(es *client.EventSource) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = append(m.sources, es)
}

// Observe is for client.Options.Observer, of all sources: a source calls it on the
// goroutine that ranges over it, hence the lock.
func (m *Metrics) Observe(t client.Transition) {
	if gap, ok := errors.AsType[*client.GapError](t.Cause); ok {
		m.gaps.WithLabelValues(t.Target, strconv.FormatBool(gap.Certain)).Inc()
	}
	if t.From == t.State {
		return // a report, not a change
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch since, lost := m.lost[t.Target]; {
	case t.State == client.Open && lost:
		m.reconnects.WithLabelValues(t.Target).Inc()
		m.outages.WithLabelValues(t.Target).Observe(time.Since(since).Seconds())
		delete(m.lost, t.Target)
	case t.State == client.Waiting && t.From == client.Open:
		m.lost[t.Target] = time.Now()
	case t.State == client.Closed:
		delete(m.lost, t.Target)
		if _, gaveUp := errors.AsType[*client.GiveUpError](t.Cause); gaveUp {
			m.giveUps.WithLabelValues(t.Target).Inc()
		}
	}
}

var (
	up     = prometheus.NewDesc("sse_up", "1 while the stream is open.", []string{"target"}, nil)
	events = prometheus.NewDesc("sse_events_total", "Events yielded.", []string{"target"}, nil)
	bytes  = prometheus.NewDesc("sse_bytes_total", "Bytes of the streams' bodies.", []string{"target"}, nil)
	last   = prometheus.NewDesc("sse_last_event_timestamp_seconds", "When the last event came.", []string{"target"}, nil)
)

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- up
	ch <- events
	ch <- bytes
	ch <- last
}

// Collect implements [prometheus.Collector].
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, es := range m.sources {
		s, target := es.Stats(), es.Target()
		open := 0.0
		if s.State == client.Open {
			open = 1
		}
		ch <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, open, target)
		ch <- prometheus.MustNewConstMetric(events, prometheus.CounterValue, float64(s.Events), target)
		ch <- prometheus.MustNewConstMetric(bytes, prometheus.CounterValue, float64(s.Bytes), target)
		if !s.LastEvent.IsZero() {
			ch <- prometheus.MustNewConstMetric(last, prometheus.GaugeValue, float64(s.LastEvent.UnixMilli())/1000, target)
		}
	}
}
