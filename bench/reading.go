package main

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"
)

// How much the measurements of reading read in one turn.
const (
	memoryBytes    = 16 << 20
	memoryRounds   = 12
	loopbackEvents = 100_000
	loopbackRounds = 7
)

// decoding: events from memory, without a client.
func decoding() (rows []row, err error) {
	for _, f := range plainFeeds {
		n := memoryBytes / f.size
		var contenders []contender
		for _, d := range decoders {
			contenders = append(contenders, contender{d.name, func() error {
				got, err := d.decode(f.events(n), f)
				return allOf(got, n, err)
			}})
		}
		contenders = append(contenders, contender{copying, func() error {
			got, err := copyAlone(f.events(n), f)
			return allOf(got, n, err)
		}})
		for _, peer := range followers {
			if peer.name == "r3labs" { // has no decoder that could be used alone
				contenders = append(contenders, following(peer, f, n))
			}
		}
		costs, err := compare(memoryRounds, contenders)
		if err != nil {
			return nil, err
		}
		ours := costs["resilient-sse"].wall
		beside := func(what, name string, target float64) row {
			theirs := costs[name].wall
			return row{what: "decode " + f.name + ": speed beside " + what, figure: rate(ours, n), beside: name + ": " + rate(theirs, n),
				ratio: ratio(theirs, ours), atLeast: true, target: target}
		}
		rows = append(rows, row{what: "decode " + f.name + ": time beside copying alone", figure: rate(ours, n),
			beside: rate(costs[copying].wall, n), ratio: ratio(ours, costs[copying].wall), target: 2})
		if f.name == small.name {
			rows = append(rows, beside("go-sse's Read", "go-sse Read", 4))
			continue // what r3labs does with small events is a client's matter
		}
		rows = append(rows, beside("go-sse's Read", "go-sse Read", 5), beside("r3labs' client", "r3labs", 15))
	}
	return append(rows, allocations()), nil
}

func allocations() row {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, _ := decodeOurs(medium.events(memoryBytes/medium.size), medium)
	runtime.ReadMemStats(&after)
	per := float64(after.Mallocs-before.Mallocs) / float64(n)
	return row{what: "decode 1 KiB: allocations an event", figure: fmt.Sprintf("%.3f", per),
		ratio: per, target: 1.01} // the buffer's few are among them
}

// inMemoryClients: the whole client, over a transport without a network.
func inMemoryClients() (rows []row, err error) {
	measure := func(f feed, ours follower, target float64) error {
		n := memoryBytes / f.size
		contenders := []contender{following(ours, f, n)}
		for _, peer := range followers[1:] {
			contenders = append(contenders, following(peer, f, n))
		}
		costs, err := compare(memoryRounds, contenders)
		if err != nil {
			return err
		}
		rows = append(rows, besideFastest("client in memory, "+f.name+": speed beside the fastest peer", contenders, costs, n, target))
		return nil
	}
	for _, f := range plainFeeds {
		if err := measure(f, followers[0], 5); err != nil {
			return nil, err
		}
	}
	return rows, measure(talk, follower{"resilient-sse", followSession}, 4)
}

// following is a follower with an in-memory transport as a contender.
func following(who follower, f feed, n int) contender {
	return contender{who.name, func() error {
		got, err := who.follow(f.client(n), "http://memory.test", f, n)
		return allOf(got, n, err)
	}}
}

// besideFastest compares the first contender with the fastest other one.
func besideFastest(what string, contenders []contender, costs map[string]cost, n int, target float64) row {
	ours, peer := costs[contenders[0].name].wall, fastest(contenders, costs)
	return row{what: what, figure: rate(ours, n), beside: peer + ": " + rate(costs[peer].wall, n),
		ratio: ratio(costs[peer].wall, ours), atLeast: true, target: target}
}

// rate says how many of n a second.
func rate(d time.Duration, n int) string {
	perSecond := float64(n) / d.Seconds()
	if perSecond >= 1e6 {
		return fmt.Sprintf("%.2f M/s", perSecond/1e6)
	}
	return fmt.Sprintf("%.0f k/s", perSecond/1e3)
}

// loopbackClients: the whole client and a real server, in another process.
func loopbackClients() (rows []row, err error) {
	src, err := startChild("source", command{})
	if err != nil {
		return nil, err
	}
	defer src.close()
	for _, way := range ways {
		url := streamURL(src.url, way.path, loopbackEvents)
		contenders := []contender{{discarding, func() error { return discard(url) }}}
		for _, f := range followers {
			contenders = append(contenders, overLoopback(f, url))
			if way.serverBound { // speed would be the server's, not ours
				break
			}
		}
		costs, err := compare(loopbackRounds, contenders)
		if err != nil {
			return nil, err
		}
		ours, bare := costs[followers[0].name].cpu, costs[discarding].cpu
		rows = append(rows, row{what: "loopback, " + way.words + ": CPU beside reading and discarding", figure: perEvent(ours, loopbackEvents),
			beside: perEvent(bare, loopbackEvents), ratio: ratio(ours, bare), target: 1.5})
		if !way.serverBound {
			rows = append(rows, besideFastest("loopback, "+way.words+": speed beside the fastest peer", contenders[1:], costs, loopbackEvents, 3))
		}
	}
	return rows, nil
}

// overLoopback is a follower with a connection of its own as a contender.
func overLoopback(f follower, url string) contender {
	return contender{f.name, func() error {
		hc := &http.Client{Transport: &http.Transport{}}
		defer hc.CloseIdleConnections()
		n, err := f.follow(hc, url, medium, loopbackEvents)
		return allOf(n, loopbackEvents, err)
	}}
}

const discarding = "discarding"

// discard reads a response's body and does nothing with it.
func discard(url string) error {
	hc := &http.Client{Transport: &http.Transport{}}
	defer hc.CloseIdleConnections()
	resp, err := hc.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// perEvent says what one of n events cost.
func perEvent(d time.Duration, n int) string { return each(d, n).String() + " an event" }
