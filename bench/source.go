package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

// sourceRole serves streams with as little effort as can be. /bulk/N is a stream
// of N events, in the largest pieces that the connection takes; /each/N the same
// with each event flushed, as servers of live events do; /ticks has an event a second;
// any other path says hello and no more. It speaks HTTP/1.1 and unencrypted HTTP/2.
func sourceRole() role {
	return func(cmd command) (reply, error) {
		if cmd.Do != "start" {
			return reply{}, nil
		}
		mux := http.NewServeMux()
		mux.HandleFunc("/bulk/{n}", func(w http.ResponseWriter, r *http.Request) { send(w, r, medium, medium.frames) })
		mux.HandleFunc("/each/{n}", func(w http.ResponseWriter, r *http.Request) { send(w, r, medium, 1) })
		mux.HandleFunc("/session/{n}", func(w http.ResponseWriter, r *http.Request) { send(w, r, talk, talk.frames) })
		mux.HandleFunc("/ticks", ticks)
		mux.HandleFunc("/", hello)
		url, err := serve(mux)
		return reply{URL: url}, err
	}
}

// send sends the events of a feed, so many at once: all of its piece, or one.
func send(w http.ResponseWriter, r *http.Request, f feed, atOnce int) {
	size := len(f.piece) / f.frames
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	n, _ := strconv.Atoi(r.PathValue("n"))
	for n > 0 {
		k := min(n, atOnce)
		if _, err := w.Write(f.piece[:k*size]); err != nil {
			return
		}
		if err := rc.Flush(); err != nil {
			return
		}
		n -= k
	}
}

func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(w, ": hello\n\n")
	http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// ticks sends an event each second, which says when it was sent, from some moment of
// the first second on.
func ticks(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	rc.Flush()
	time.Sleep(rand.N(time.Second))
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for id := 1; r.Context().Err() == nil; id++ {
		fmt.Fprintf(w, "id: %d\ndata: %d\n\n", id, time.Now().UnixNano())
		rc.Flush()
		<-tick.C
	}
}

// serve serves on a loopback port until the process ends.
func serve(h http.Handler) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go overBoth(h).Serve(l)
	return "http://" + l.Addr().String(), nil
}

// overBoth returns a server that speaks HTTP/1.1 and unencrypted HTTP/2.
func overBoth(h http.Handler) *http.Server {
	srv := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	return srv
}

// How a source sends the events of a stream, and how the table says it.
var ways = []struct {
	path, words string
	serverBound bool // the server is slower than a client can be
}{
	{"each", "each event flushed", true},
	{"bulk", "64 KiB at once", false},
}

// streamURL is where a source has n events, sent one of the ways.
func streamURL(base, way string, n int) string { return fmt.Sprintf("%s/%s/%d", base, way, n) }
