package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	launchdarkly "github.com/launchdarkly/eventsource"
	r3labs "github.com/r3labs/sse/v2"
	gosse "github.com/tmaxmax/go-sse"

	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// A publisher is a server with one stream. It publishes an event to all who
// read it.
type publisher func(id int, data string) error

// servers by name: each serves, and returns where its stream is. A burst is how
// many events may have to wait for a reader.
var servers = map[string]func(burst int) (url string, publish publisher, err error){
	serverOurs: serveOurs(nil), serverNetHTTP: serveOurs(&server.Options{NoHijack: true}), serverTest: serveTest, serverGoSSE: serveGoSSE, serverLaunchDarkly: serveLaunchDarkly, serverR3labs: serveR3labs,
	serverBare: serveBare,
}

const (
	serverOurs         = "server"
	serverNetHTTP      = "server, net/http"
	serverTest         = "testserver"
	serverGoSSE        = "go-sse"
	serverLaunchDarkly = "launchdarkly"
	serverR3labs       = "r3labs"
	serverBare         = "Write and Flush"
)

// ours are our servers: for production with both ways of writing, and for tests.
var ours = []string{serverOurs, serverNetHTTP, serverTest}

func serveOurs(opts *server.Options) func(int) (string, publisher, error) {
	return func(int) (string, publisher, error) {
		srv, err := server.New(opts)
		if err != nil {
			return "", nil, err
		}
		stream, err := srv.Stream("s")
		if err != nil {
			return "", nil, err
		}
		url, err := serve(srv)
		return url + stream.URL(), sendTo(stream), err
	}
}

func serveTest(int) (string, publisher, error) {
	srv, err := testserver.Start(nil)
	if err != nil {
		return "", nil, err
	}
	return srv.URL + "/events?stream=s", sendTo(srv.Stream("s")), nil
}

func sendTo(stream *server.Stream) publisher {
	return func(id int, data string) error {
		return stream.Send(sse.Event{ID: strconv.Itoa(id), HasID: true, Data: data})
	}
}

func serveGoSSE(int) (string, publisher, error) {
	srv := new(gosse.Server)
	url, err := serve(srv)
	return url, func(id int, data string) error {
		m := &gosse.Message{ID: gosse.ID(strconv.Itoa(id))}
		m.AppendData(data)
		return srv.Publish(m)
	}, err
}

func serveLaunchDarkly(burst int) (string, publisher, error) {
	srv := launchdarkly.NewServer()
	srv.BufferSize = burst + 100 // a reader that is further behind is dropped
	url, err := serve(srv.Handler("s"))
	return url, func(id int, data string) error {
		srv.Publish([]string{"s"}, ldEvent{strconv.Itoa(id), data})
		return nil
	}, err
}

type ldEvent struct{ id, data string }

func (e ldEvent) Id() string    { return e.id }
func (e ldEvent) Event() string { return "" }
func (e ldEvent) Data() string  { return e.data }

func serveR3labs(int) (string, publisher, error) {
	srv := r3labs.New()
	srv.AutoReplay = false // it keeps its log for ever
	srv.CreateStream("s")
	url, err := serve(srv)
	return url + "/?stream=s", func(id int, data string) error {
		srv.Publish("s", &r3labs.Event{ID: strconv.AppendInt(nil, int64(id), 10), Data: []byte(data)})
		return nil
	}, err
}

// serveBare is the least that a server can do for each event and connection: one
// Write and one Flush, on the publisher's goroutine.
func serveBare(int) (string, publisher, error) {
	var mu sync.Mutex
	var conns []http.ResponseWriter
	url, err := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		http.NewResponseController(w).Flush()
		mu.Lock()
		conns = append(conns, w)
		mu.Unlock()
		<-r.Context().Done()
		mu.Lock()
		defer mu.Unlock()
		conns = slices.DeleteFunc(conns, func(c http.ResponseWriter) bool { return c == w })
	}))
	var buf []byte
	return url, func(id int, data string) error {
		buf = fmt.Appendf(buf[:0], "id: %d\ndata: %s\n\n", id, data)
		mu.Lock()
		defer mu.Unlock()
		for _, w := range conns {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
		}
		return nil
	}, err
}
