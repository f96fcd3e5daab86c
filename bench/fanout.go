package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	probeEvery  = 20 * time.Millisecond
	probeLimit  = 20 * time.Second
	burstLimit  = 60 * time.Second
	burstRounds = 3

	pacedReaders = 100
	pacedEvents  = 200
	pacedEvery   = 10 * time.Millisecond
	pacedRounds  = 3

	stalledReaders = 10
	stalledEvents  = 30_000 // of 1 KiB: more than any socket's buffers hold
	stalledRounds  = 5
)

// stalledData is the data of a large one.
var stalledData = strings.Repeat("0123456789abcdef", 64)

// shortData is the data of a small event, marked as one to be counted.
var shortData = string(eventMark) + strings.Repeat("x", 127)

// serverRole is one of the servers.
func serverRole() role {
	var publish publisher
	id := 0
	return func(cmd command) (r reply, err error) {
		switch cmd.Do {
		case "start":
			r.URL, publish, err = servers[cmd.Server](cmd.N)
			return r, err
		case "publish":
			var tick *time.Ticker
			if cmd.Every > 0 {
				tick = time.NewTicker(cmd.Every)
				defer tick.Stop()
			}
			for range cmd.N {
				if tick != nil {
					<-tick.C
				}
				id++
				if err := publish(id, cmd.Data); err != nil {
					return r, err
				}
			}
		}
		return r, nil
	}
}

// A delivery is how a server brought events to an audience.
type delivery struct {
	took    time.Duration // until the last reader had the last event
	publish time.Duration // until the publisher was done
	cpu     time.Duration // of the server's process
	part    float64       // of the events that came
}

// deliver starts a server and has it publish some events to some readers.
// Stalled connections ask for the stream too, and read nothing.
func deliver(server string, readers, stalled int, cmd command) (d delivery, err error) {
	srv, err := startChild("server", command{Server: server, N: cmd.N})
	if err != nil {
		return d, err
	}
	defer srv.close()
	for range stalled {
		conn, err := stall(srv.url)
		if err != nil {
			return d, err
		}
		defer conn.Close()
	}
	a, err := attend(srv.url, readers, cmd.N)
	if err != nil {
		return d, err
	}
	if err := probe(srv, a); err != nil {
		a.leave()
		return d, err
	}
	before, err := srv.do(command{Do: "cpu"})
	if err != nil {
		a.leave()
		return d, err
	}
	cmd.Do = "publish"
	began := time.Now()
	published := make(chan error, 1)
	go func() { // a server that blocks its publisher must not block us
		r, err := srv.do(cmd)
		d.publish = r.Took
		published <- err
	}()
	all := a.await(&a.done, burstLimit)
	d.took = time.Since(began)
	got := a.leave()
	if err := <-published; err != nil {
		return d, err
	}
	d.part = float64(got) / float64(readers*cmd.N)
	if !all && d.part == 1 {
		return d, errors.New("events came twice")
	}
	after, err := srv.do(command{Do: "cpu"})
	d.cpu = after.CPU - before.CPU
	return d, err
}

// probe publishes until each reader has had something: a connection that was
// accepted is not yet subscribed, and some servers answer with the first event.
func probe(srv *child, a *audience) error {
	deadline := time.Now().Add(probeLimit)
	for time.Now().Before(deadline) {
		if _, err := srv.do(command{Do: "publish", N: 1, Data: string(probeMark)}); err != nil {
			return err
		}
		if a.await(&a.probed, probeEvery) {
			return nil
		}
	}
	return fmt.Errorf("%d of %d readers were served within %v", a.probed.Load(), len(a.conns), probeLimit)
}

// stall opens a connection that asks for a stream and reads none of it.
func stall(stream string) (net.Conn, error) {
	u, err := url.Parse(stream)
	if err != nil {
		return nil, err
	}
	return dial(u)
}

// burst: events as fast as they go, to few and to many.
func burst() (rows []row, err error) {
	for _, size := range []struct{ readers, events int }{{1, 50_000}, {100, 5_000}, {1000, 1_000}} {
		best := make(map[string]delivery)
		for range burstRounds {
			for _, name := range slices.Sorted(maps.Keys(servers)) {
				if name == serverBare {
					continue
				}
				d, err := deliver(name, size.readers, 0, command{N: size.events, Data: shortData})
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				if b, ok := best[name]; !ok || (d.part >= b.part && d.took < b.took) {
					best[name] = d
				}
			}
		}
		rows = append(rows, burstRows(size.readers, size.readers*size.events, best)...)
	}
	return rows, nil
}

func burstRows(readers, events int, best map[string]delivery) (rows []row) {
	perSecond := func(d delivery) float64 { return d.part * float64(events) / d.took.Seconds() }
	peer := ""
	for name, d := range best {
		if !slices.Contains(ours, name) && (peer == "" || perSecond(d) > perSecond(best[peer])) {
			peer = name
		}
	}
	figure := func(d delivery) string { return fmt.Sprintf("%.0f k/s, %.1f %% came", perSecond(d)/1e3, 100*d.part) }
	for _, name := range ours {
		d := best[name]
		rows = append(rows,
			row{what: fmt.Sprintf("burst to %d, %s: speed beside the fastest peer", readers, name), figure: figure(d),
				beside: peer + ": " + figure(best[peer]), ratio: perSecond(d) / perSecond(best[peer]), atLeast: true, target: burstTargets[readers]},
			row{what: fmt.Sprintf("burst to %d, %s: part of the events that came", readers, name), figure: fmt.Sprintf("%.4f", d.part),
				ratio: d.part, atLeast: true, target: 1})
	}
	return rows
}

// burstTargets are by how much a burst to so many readers is to be faster.
var burstTargets = map[int]float64{1: 5, 100: 15, 1000: 20}

// paced: an event now and then, to a hundred readers.
func paced() (rows []row, err error) {
	const deliveries = pacedReaders * pacedEvents
	least := make(map[string]time.Duration)
	for range pacedRounds {
		for _, name := range append([]string{serverBare}, ours...) {
			d, err := deliver(name, pacedReaders, 0, command{N: pacedEvents, Every: pacedEvery, Data: shortData})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if d.part < 1 {
				return nil, fmt.Errorf("%s: %.2f %% of the events came", name, 100*d.part)
			}
			if before, ok := least[name]; !ok || d.cpu < before {
				least[name] = d.cpu
			}
		}
	}
	for _, name := range ours {
		rows = append(rows, row{what: "paced to 100, " + name + ": CPU beside one Write and Flush each", figure: perEvent(least[name], deliveries),
			beside: perEvent(least[serverBare], deliveries), ratio: ratio(least[name], least[serverBare]), target: 1.1})
	}
	return rows, nil
}

// stalled: one reader that reads nothing, and what it does to the others.
func stalled() ([]row, error) {
	least := make(map[int]delivery)
	for range stalledRounds {
		for _, n := range []int{0, 1} {
			d, err := deliver(serverOurs, stalledReaders, n, command{N: stalledEvents, Data: string(eventMark) + stalledData})
			if err != nil {
				return nil, err
			}
			if before, ok := least[n]; ok {
				d.took, d.publish = min(d.took, before.took), min(d.publish, before.publish)
				d.part = min(d.part, before.part)
			}
			least[n] = d
		}
	}
	without, with := least[0], least[1]
	return []row{
		{what: "a stalled reader: time of the others", figure: with.took.Round(time.Millisecond).String(),
			beside: without.took.Round(time.Millisecond).String() + " without", ratio: ratio(with.took, without.took), target: 1.15},
		{what: "a stalled reader: time of the publisher", figure: with.publish.Round(time.Millisecond).String(),
			beside: without.publish.Round(time.Millisecond).String() + " without", ratio: ratio(with.publish, without.publish), target: 1.15},
		{what: "a stalled reader: part of the others' events that came", figure: fmt.Sprintf("%.4f", with.part),
			ratio: with.part, atLeast: true, target: 1},
	}, nil
}
