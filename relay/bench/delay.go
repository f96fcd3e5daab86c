package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

const (
	delayEvents = 1000
	delayEvery  = 5 * time.Millisecond
)

// delay measures the time from an event's emission to its reader, directly and over a
// relay, at 200 events a second.
func delay(ctx context.Context, t *table) error {
	for _, replicas := range []int{0, 1, 3} {
		var p50, p99 time.Duration
		for round := range rounds {
			d, err := delayOver(ctx, replicas)
			if err != nil {
				return err
			}
			half, most := d[len(d)/2], d[len(d)*99/100]
			if round == 0 {
				p50, p99 = half, most
			}
			p50, p99 = min(p50, half), min(p99, most)
		}
		what := "following the upstream directly"
		if replicas > 0 {
			what = fmt.Sprintf("over a relay, R%d", replicas)
		}
		t.row(what, "p50 %8s   p99 %8s", p50.Round(10*time.Microsecond), p99.Round(10*time.Microsecond))
	}
	return nil
}

// delayOver measures over a relay with so many replicas; 0: directly.
func delayOver(ctx context.Context, replicas int) ([]time.Duration, error) {
	if replicas == 0 {
		return measureDelay(ctx, nil)
	}
	j, err := newJet(ctx, replicas)
	if err != nil {
		return nil, err
	}
	defer j.close()
	if _, err := j.open(ctx); err != nil {
		return nil, err
	}
	return measureDelay(ctx, j)
}

// measureDelay returns the delays of all events, in ascending order.
func measureDelay(ctx context.Context, j *jet) ([]time.Duration, error) {
	up, err := testserver.Start(nil)
	if err != nil {
		return nil, err
	}
	defer up.Close()
	s := up.Session("s1")
	s.Message("assistant", "first")
	base := up.URL
	if j != nil {
		r, err := serveRelay(ctx, j, up.URL, 1)
		if err != nil {
			return nil, err
		}
		defer r.stop()
		if err := until(ctx, "the first event", func() bool { return r.Relay.Stats().Counter >= 1 }); err != nil {
			return nil, err
		}
		base = r.base
	}
	o := quick()
	o.LastEventID = "0"
	es, err := client.Session(base, "s1", &o)
	if err != nil {
		return nil, err
	}
	emitted := make([]time.Time, 0, delayEvents)
	times := make(chan time.Time, delayEvents)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	began := make(chan struct{})
	go func() {
		defer close(times)
		n := 0
		for ev, err := range es.Events(ctx) {
			if err != nil {
				return
			}
			if session.KindOf(ev) != session.Message {
				continue
			}
			if n++; n == 1 {
				close(began)
				continue
			}
			if times <- time.Now(); n > delayEvents {
				return
			}
		}
	}()
	select {
	case <-began:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	tick := time.NewTicker(delayEvery)
	defer tick.Stop()
	for range delayEvents {
		<-tick.C
		emitted = append(emitted, time.Now())
		s.Message("assistant", payload)
	}
	var d []time.Duration
	for at := range times {
		d = append(d, at.Sub(emitted[len(d)]))
	}
	if len(d) != delayEvents {
		return nil, fmt.Errorf("%d of %d events arrived", len(d), delayEvents)
	}
	slices.Sort(d)
	return d, nil
}
