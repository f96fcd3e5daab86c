package server_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/server"
)

// An outer handler ends a stream by the request's context, whoever has the connection.
func TestOuterHandlerEndsAStream(t *testing.T) {
	for _, noHijack := range []bool{false, true} {
		srv, err := server.New(&server.Options{NoHijack: noHijack})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := srv.Session("abc"); err != nil {
			t.Fatal(err)
		}
		end := make(chan struct{})
		hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			go func() {
				<-end
				cancel()
			}()
			srv.ServeHTTP(w, r.WithContext(ctx))
		}))
		resp, err := http.Get(hs.URL + "/v1/sessions/abc/events")
		if err != nil {
			t.Fatal(err)
		}
		close(end)
		_, _ = io.Copy(io.Discard, resp.Body) // until it is cut
		resp.Body.Close()
		srv.Shutdown(t.Context())
		hs.Close()
	}
}
