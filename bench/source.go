package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// sourceRole serves streams with as little effort as can be: /N is a stream of N
// events, as fast as it is read, and any other path one that says hello and no
// more. It speaks HTTP/1.1 and unencrypted HTTP/2.
func sourceRole() role {
	return func(cmd command) (reply, error) {
		if cmd.Do != "start" {
			return reply{}, nil
		}
		url, err := serve(http.HandlerFunc(source))
		return reply{URL: url}, err
	}
}

func source(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil {
		io.WriteString(w, ": hello\n\n")
		rc.Flush()
		<-r.Context().Done()
		return
	}
	for ; n >= stretchFrames; n -= stretchFrames {
		if _, err := w.Write(stretch); err != nil {
			return
		}
	}
	w.Write(stretch[:n*len(frame)])
}

// serve serves on a loopback port until the process ends.
func serve(h http.Handler) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	go srv.Serve(l)
	return "http://" + l.Addr().String(), nil
}

// streamURL is where a source has n events.
func streamURL(base string, n int) string { return fmt.Sprintf("%s/%d", base, n) }
