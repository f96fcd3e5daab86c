package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

const (
	restartSessions = 100
	perTurn         = 5                // events of each session: before, during and after the outage
	restartLimit    = 10 * time.Minute // for anything that is waited for
)

// What the streams of a crowd are over.
const (
	http1 = "HTTP/1.1"
	http2 = "HTTP/2"
)

// restart: many streams in one process, and a server that goes away and comes
// back. Events happen while it is away too.
func restart(streams int, protocol string, down time.Duration) ([]row, error) {
	srv, err := startChild("sessions", command{N: restartSessions})
	if err != nil {
		return nil, err
	}
	defer srv.close()
	c := newCrowd(protocol)
	ctx, cancel := context.WithTimeout(context.Background(), restartLimit)
	defer c.running.Wait()
	defer cancel()
	for i := range streams {
		if err := c.follow(ctx, srv.url, i); err != nil {
			return nil, err
		}
	}
	if err := c.await(ctx, "streams to open", func() bool { return c.open.Load() == int64(streams) }); err != nil {
		return nil, err
	}
	if _, err := srv.do(command{Do: "publish", N: perTurn}); err != nil {
		return nil, err
	}
	if err := c.await(ctx, "events", func() bool { return c.events.Load() == int64(streams*perTurn) }); err != nil {
		return nil, err
	}
	if _, err := srv.do(command{Do: "restart", N: perTurn, Every: down}); err != nil {
		return nil, err
	}
	up := time.Now()
	if _, err := srv.do(command{Do: "publish", N: perTurn}); err != nil {
		return nil, err
	}
	if err := c.await(ctx, "events after the restart", func() bool {
		return c.open.Load() == int64(streams) && c.events.Load() == int64(3*streams*perTurn)
	}); err != nil {
		return nil, err
	}
	back := time.Since(up)
	bad := c.lost.Load() + c.repeated.Load()
	return []row{
		{what: fmt.Sprintf("%d streams over %s, server down %v: events lost or repeated", streams, protocol, down),
			figure: fmt.Sprintf("%d of %d", bad, c.events.Load()), ratio: float64(bad), target: 0},
		{what: fmt.Sprintf("%d streams over %s: all back and caught up, in delays of the outage", streams, protocol),
			figure: back.Round(time.Millisecond).String(), beside: "delay " + c.longestDelay().Round(time.Millisecond).String(),
			ratio: ratio(back, c.longestDelay()), target: 2},
	}, nil
}

// A crowd is many followers, counted together.
type crowd struct {
	hc             *http.Client
	breaker        *backoff.Breaker
	running        sync.WaitGroup
	open, events   atomic.Int64
	lost, repeated atomic.Int64
	delay          atomic.Int64 // the longest of the outage
	moved          chan struct{}
	firstError     error
	failing        sync.Once
	failed         chan struct{}
}

func newCrowd(protocol string) *crowd {
	c := &crowd{hc: &http.Client{Transport: client.NewTransport()}, moved: make(chan struct{}, 1), failed: make(chan struct{})}
	if protocol == http2 {
		c.hc.Transport = overHTTP2()
	}
	c.breaker, _ = backoff.NewBreaker(backoff.Policy{}, &backoff.BreakerOptions{Observer: func(ch backoff.Change) {
		if int64(ch.Delay) > c.delay.Load() {
			c.delay.Store(int64(ch.Delay))
		}
	}})
	return c
}

func (c *crowd) longestDelay() time.Duration { return time.Duration(c.delay.Load()) }

// follow starts one follower.
func (c *crowd) follow(ctx context.Context, base string, i int) error {
	es, err := client.Session(base, sessionID(i%restartSessions), &client.Options{
		HTTPClient: c.hc,
		Breaker:    c.breaker,
		Observer: func(t client.Transition) {
			switch {
			case t.State == t.From:
				return
			case t.State == client.Open:
				c.open.Add(1)
			case t.From == client.Open:
				c.open.Add(-1)
			}
			c.move()
		},
	})
	if err != nil {
		return err
	}
	c.running.Go(func() {
		next := 1
		for ev, err := range es.Events(ctx) {
			if err != nil {
				if ctx.Err() == nil {
					c.failing.Do(func() { c.firstError = err; close(c.failed) })
				}
				return
			}
			n := numberOf(ev)
			switch {
			case n > next:
				c.lost.Add(int64(n - next))
			case n < next:
				c.repeated.Add(1)
			}
			next = n + 1
			c.events.Add(1)
			c.move()
		}
	})
	return nil
}

// move wakes whoever awaits a change.
func (c *crowd) move() {
	select {
	case c.moved <- struct{}{}:
	default:
	}
}

// await waits until something is true.
func (c *crowd) await(ctx context.Context, what string, done func() bool) error {
	for !done() {
		select {
		case <-c.moved:
		case <-c.failed:
			return c.firstError
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s: %d open, %d events, %d lost, %d repeated",
				what, c.open.Load(), c.events.Load(), c.lost.Load(), c.repeated.Load())
		}
	}
	return nil
}

func sessionID(i int) string { return fmt.Sprintf("s%d", i) }

// numbered is the data of the events of this measurement.
type numbered struct {
	N int `json:"n"`
}

func numberOf(ev sse.Event) int {
	var data numbered
	if env, err := session.Parse(ev); err != nil || json.Unmarshal(env.Data, &data) != nil {
		return 0 // counts as repeated: it is not what was sent
	}
	return data.N
}

// sessionsRole is a server with some sessions, which can publish, and be away for a
// while: its connections are cut, and its port is shut. It keeps its events.
func sessionsRole() role {
	var (
		handler  *server.Server
		sessions []*server.Session
		web      *http.Server
		address  = "127.0.0.1:0"
		n        int
	)
	publish := func(count int) {
		for range count {
			n++
			for _, s := range sessions {
				s.Emit(session.Status, numbered{n})
			}
		}
	}
	open := func() error {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		address = l.Addr().String()
		web = overBoth(handler)
		go web.Serve(l)
		return nil
	}
	return func(cmd command) (r reply, err error) {
		switch cmd.Do {
		case "start":
			if handler, err = server.New(&server.Options{NoHijack: true}); err != nil { // a connection that is taken over would not be cut
				return r, err
			}
			for i := range cmd.N {
				s, err := handler.Session(sessionID(i))
				if err != nil {
					return r, err
				}
				sessions = append(sessions, s)
			}
			err = open()
			r.URL = "http://" + address
		case "publish":
			publish(cmd.N)
		case "restart":
			web.Close()
			time.Sleep(cmd.Every / 2)
			publish(cmd.N)
			time.Sleep(cmd.Every / 2)
			err = open()
		}
		return r, err
	}
}
