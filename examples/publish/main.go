// Command publish is a service that publishes a session, a count that goes on, with
// package server, and ends gracefully at Ctrl-C. Follow it with
//
//	sse-tail http://127.0.0.1:9100/v1/sessions/count/events
//
// and restart it meanwhile.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9100", "where to listen")
	every := flag.Duration("every", time.Second, "between two events")
	flag.Parse()
	srv, err := server.New(&server.Options{Observer: func(a server.Activity) { log.Println(a.What, a.Stream, a.Why) }})
	if err != nil {
		log.Fatal(err)
	}
	s, err := srv.Session("count")
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() {
		for n := 1; ctx.Err() == nil; n++ {
			s.Message("assistant", fmt.Sprint(n))
			time.Sleep(*every)
		}
	}()
	hs := &http.Server{Addr: *addr, Handler: srv}
	go func() {
		<-ctx.Done()
		deadline, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		log.Println(errors.Join(srv.Shutdown(deadline), hs.Shutdown(deadline)))
	}()
	log.Println(hs.ListenAndServe())
}
