package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// The server in a ServeMux beside other routes, behind a handler that logs requests.
func Example() {
	srv, err := server.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", srv)
	mux.Handle("/events", srv)
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "fine\n") })
	hs := httptest.NewServer(logging(mux))
	defer hs.Close()
	defer srv.Shutdown(context.Background())

	s, err := srv.Session("abc")
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Message("assistant", "hi")
	s.Ended("done")

	resp, err := http.DefaultClient.Do(ask(hs.URL+s.URL(), "0"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Header.Get("X-Request-Id"), resp.Header.Get("Content-Type"))
	for ev, err := range sse.Read(resp.Body) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if !session.IsControl(ev) {
			fmt.Println(ev.ID, session.KindOf(ev))
		}
	}
	// Output:
	// r-1 text/event-stream
	// 2 message
	// 3 ended
}

// logging gives requests an id and notes their status. Its writer has Unwrap, so that
// handlers inside can stream and take the connection over.
func logging(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "r-1")
		next.ServeHTTP(&statusWriter{ResponseWriter: w}, r)
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ask returns a request for a stream, behind an id.
func ask(url, id string) *http.Request {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Last-Event-ID", id)
	return req
}

// TLS and HTTP/2 need nothing but a server that speaks them.
func ExampleNew_http2() {
	srv, err := server.New(&server.Options{Heartbeat: 15 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	hs := httptest.NewUnstartedServer(srv)
	hs.EnableHTTP2 = true
	hs.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	hs.StartTLS()
	defer hs.Close()
	defer srv.Shutdown(context.Background())

	s, err := srv.Session("abc")
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Status("working", "")
	resp, err := hs.Client().Do(ask(hs.URL+s.URL(), "0"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body := bufio.NewScanner(resp.Body)
	for body.Scan() && !strings.HasPrefix(body.Text(), "id:") {
	}
	fmt.Println(resp.Proto, body.Text())
	// Output:
	// HTTP/2.0 id: 2
}

// A plain stream takes any events, and any ids.
func ExampleServer_Stream() {
	srv, err := server.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	hs := httptest.NewServer(srv)
	defer hs.Close()

	st, err := srv.Stream("orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, id := range []string{"ord_7f", "ord_80", "ord_81"} {
		if err := st.Send(sse.Event{ID: id, HasID: true, Type: "order", Data: `{"paid":true}`}); err != nil {
			fmt.Println(err)
			return
		}
	}
	st.End() // readers get what is left
	resp, err := http.DefaultClient.Do(ask(hs.URL+st.URL(), "ord_7f"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	for ev, err := range sse.Read(resp.Body) {
		fmt.Println(ev.Type, ev.ID, err)
	}
	// Output:
	// order ord_80 <nil>
	// order ord_81 <nil>
}

// A graceful stop: each client gets all that was published and a clean end, and
// resumes at the process that comes next.
func ExampleServer_Shutdown() {
	srv, err := server.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	hs := &http.Server{Handler: srv}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go hs.Serve(l)

	st, err := srv.Stream("orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := http.Get("http://" + l.Addr().String() + st.URL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	st.Send(sse.Event{ID: "1", HasID: true, Data: "the last one"})

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	hs.RegisterOnShutdown(func() { ended <- srv.Shutdown(ctx) })
	if err := errors.Join(hs.Shutdown(ctx), <-ended); err != nil {
		fmt.Println(err) // some were cut
		return
	}
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%q %v\n", body, err)
	// Output:
	// "id: 1\ndata: the last one\n\n" <nil>
}

// Tokens that are good for some sessions only.
func ExampleOptions_authorize() {
	allowed := map[string][]string{"t-1": {"abc"}, "t-2": {"abc", "xyz"}}
	srv, err := server.New(&server.Options{Authorize: func(r *http.Request, stream server.StreamID) error {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		names, known := allowed[token]
		if !known {
			return server.ErrUnauthorized
		}
		for _, name := range names {
			if stream.Kind == server.OfSession && stream.Name == name {
				return nil
			}
		}
		return fmt.Errorf("%s is not for this token", stream)
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	hs := httptest.NewServer(srv)
	defer hs.Close()
	defer srv.Shutdown(context.Background())
	for _, name := range []string{"abc", "xyz"} {
		if _, err := srv.Session(name); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, q := range []struct{ token, path string }{
		{"", "/v1/sessions/abc/events"},
		{"t-1", "/v1/sessions/abc/events"},
		{"t-1", "/v1/sessions/xyz/events"},
		{"t-2", "/v1/sessions/xyz/events"},
		{"t-2", "/v1/events"}, // all sessions are more than two
	} {
		req := ask(hs.URL+q.path, "0")
		req.Header.Set("Authorization", "Bearer "+q.token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(q.token, q.path, resp.StatusCode)
	}
	// Output:
	//  /v1/sessions/abc/events 401
	// t-1 /v1/sessions/abc/events 200
	// t-1 /v1/sessions/xyz/events 403
	// t-2 /v1/sessions/xyz/events 200
	// t-2 /v1/events 403
}
