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
	holdBare      = "bare http.Get, HTTP/1.1"
	holdPlain     = "plain, HTTP/1.1"
	holdSession   = "session, HTTP/1.1"
	holdHTTP2     = "plain, HTTP/2"
	holdBareHTTP2 = "bare Client.Get, HTTP/2"
)

var holds = []string{holdBare, holdPlain, holdSession, holdHTTP2, holdBareHTTP2}

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
	more := func(what, how string, allowed float64) row {
		return row{what: fmt.Sprintf("idle %s stream: KiB more than a bare http.Get", what), figure: perStream(memory[how]), beside: perStream(memory[holdBare]),
			ratio: float64(memory[how].Bytes-memory[holdBare].Bytes) / 1024, target: allowed}
	}
	part := func(what, how string, target float64) row {
		return row{what: what, figure: perStream(memory[how]), beside: perStream(memory[holdPlain]),
			ratio: float64(memory[how].Bytes) / float64(memory[holdPlain].Bytes), target: target}
	}
	return []row{
		more("plain", holdPlain, 2),
		more("session", holdSession, 3),
		{what: "idle stream: goroutines more than a bare http.Get", figure: perStream(memory[holdPlain]), beside: perStream(memory[holdBare]),
			ratio: float64(memory[holdPlain].Goroutines-memory[holdBare].Goroutines) / idleStreams, target: 0},
		part("idle stream on HTTP/2: memory beside HTTP/1.1", holdHTTP2, 0.5),
		part("the same, of a bare Client.Get on HTTP/2", holdBareHTTP2, 0.5),
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
	hc := &http.Client{Transport: client.NewTransport()}
	var source func(*client.Options) (*client.EventSource, error)
	switch how {
	case holdBare:
		return func(opened func()) error { return holdResponse(http.DefaultClient, url, opened) }, nil
	case holdBareHTTP2:
		hc.Transport = overHTTP2()
		return func(opened func()) error { return holdResponse(hc, url, opened) }, nil
	case holdHTTP2:
		hc.Transport = overHTTP2()
		fallthrough
	case holdPlain:
		source = func(o *client.Options) (*client.EventSource, error) { return client.New(url+"/hold", o) }
	case holdSession:
		source = func(o *client.Options) (*client.EventSource, error) { return client.Session(url, "abc", o) }
	default:
		return nil, fmt.Errorf("no way to hold a stream is called %q", how)
	}
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

// overHTTP2 returns a transport that speaks HTTP/2 without TLS, whose connections would
// be most of the memory otherwise.
func overHTTP2() *http.Transport {
	t := client.NewTransport()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetUnencryptedHTTP2(true)
	return t
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
func holdResponse(hc *http.Client, url string, opened func()) error {
	resp, err := hc.Get(url + "/hold")
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
