package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"

	"github.com/OneStepAt4time/resilient-sse/client"
)

const idleStreams = 4000

// How an idle stream can be held.
const (
	holdBare    = "bare http.Get, HTTP/1.1"
	holdPlain   = "plain, HTTP/1.1"
	holdSession = "session, HTTP/1.1"
	holdHTTP2   = "plain, HTTP/2"
)

var holds = []string{holdBare, holdPlain, holdSession, holdHTTP2}

// idle: the memory of streams on which nothing happens.
func idle() ([]row, error) {
	src, err := startChild("source", command{})
	if err != nil {
		return nil, err
	}
	defer src.close()
	memory := make(map[string]reply)
	for _, how := range holds {
		if memory[how], err = hold(src.url, how, idleStreams); err != nil {
			return nil, fmt.Errorf("%s: %w", how, err)
		}
	}
	more := func(what, how, beside string, allowed int64) row {
		return row{what: what, figure: perStream(memory[how]), beside: perStream(memory[beside]),
			ratio: float64(memory[how].Bytes-memory[beside].Bytes) / float64(allowed), target: 1}
	}
	return []row{
		more("idle plain stream: memory over a bare http.Get's, in 6 KiB", holdPlain, holdBare, 6<<10),
		more("idle session stream: memory over a bare http.Get's, in 10 KiB", holdSession, holdBare, 10<<10),
		{what: "idle stream: goroutines over a bare http.Get's", figure: perStream(memory[holdPlain]), beside: perStream(memory[holdBare]),
			ratio: float64(memory[holdPlain].Goroutines-memory[holdBare].Goroutines) / idleStreams, target: 0},
		{what: "idle stream on HTTP/2: memory beside HTTP/1.1", figure: perStream(memory[holdHTTP2]), beside: perStream(memory[holdPlain]),
			ratio: float64(memory[holdHTTP2].Bytes) / float64(memory[holdPlain].Bytes), target: 0.5},
	}, nil
}

func perStream(r reply) string {
	return fmt.Sprintf("%.1f KiB, %.1f goroutines", float64(r.Bytes)/1024, float64(r.Goroutines)/idleStreams)
}

// hold opens streams in a process that does nothing else, and returns the bytes
// of one and the goroutines of all.
func hold(url, how string, n int) (reply, error) {
	c, err := startChild("holder", command{})
	if err != nil {
		return reply{}, err
	}
	defer c.close()
	return c.do(command{Do: how, URL: url, N: n})
}

// holderRole holds streams.
func holderRole() role {
	return func(cmd command) (reply, error) {
		if cmd.Do == "start" {
			return reply{}, nil
		}
		open, err := opener(cmd.Do, cmd.URL)
		if err != nil {
			return reply{}, err
		}
		bytes, goroutines := footprint()
		for range cmd.N { // one by one: all at once would leave stacks of dialling behind, which are nobody's
			opened, failed := make(chan struct{}), make(chan error, 1)
			go func() { failed <- open(func() { close(opened) }) }()
			select {
			case <-opened:
			case err := <-failed:
				return reply{}, fmt.Errorf("a stream has ended: %w", err)
			}
		}
		moreBytes, moreGoroutines := footprint()
		return reply{Bytes: int64(moreBytes-bytes) / int64(cmd.N), Goroutines: moreGoroutines - goroutines}, nil
	}
}

// opener returns what holds one stream for good, and calls opened when the hello
// has come and nothing more will.
func opener(how, url string) (func(opened func()) error, error) {
	if how == holdBare {
		return func(opened func()) error { return holdResponse(url, opened) }, nil
	}
	transport := client.NewTransport()
	var source func(*client.Options) (*client.EventSource, error)
	switch how {
	case holdHTTP2:
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
		fallthrough
	case holdPlain:
		source = func(o *client.Options) (*client.EventSource, error) { return client.New(url+"/hold", o) }
	case holdSession:
		source = func(o *client.Options) (*client.EventSource, error) { return client.Session(url, "abc", o) }
	default:
		return nil, fmt.Errorf("no way to hold a stream is called %q", how)
	}
	hc := &http.Client{Transport: transport}
	return func(opened func()) error {
		return holdSource(source(&client.Options{HTTPClient: hc, BeforeWait: third(opened)}))
	}, nil
}

func holdSource(es *client.EventSource, err error) error {
	if err != nil {
		return err
	}
	for _, err := range es.Events(context.Background()) {
		if err != nil {
			return err
		}
	}
	return nil
}

// third returns a function that calls f when it is called for the third time: a
// source waits for the response, for the hello, and for what comes after it.
func third(f func()) func() error {
	n := 0
	return func() error {
		if n++; n == 3 {
			f()
		}
		return nil
	}
}

// holdResponse is the least that reads a stream: a small buffer, and no more.
func holdResponse(url string, opened func()) error {
	resp, err := http.Get(url + "/hold")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	buf := make([]byte, 512)
	if _, err := resp.Body.Read(buf); err != nil {
		return err
	}
	opened()
	_, err = resp.Body.Read(buf)
	return err
}

// footprint is the memory in use, with the stacks, and the goroutines.
func footprint() (bytes uint64, goroutines int) {
	var m runtime.MemStats
	for range 3 { // pools are emptied in two steps
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse, runtime.NumGoroutine()
}
