package server_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A server has no goroutine where there is no stream: the bubble would find it, and
// nobody has to close it.
func TestNoGoroutineWithoutAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := server.New(&server.Options{MaxAge: time.Hour, History: stored(3), Run: "r"})
		if err != nil {
			t.Fatal(err)
		}
		st, err := srv.Stream("s")
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Send(sse.Event{Data: "x"}); err != nil {
			t.Fatal(err)
		}
		st.End()
		if _, err := srv.Session("abc"); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/sessions/nobody/events", nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("got %d", w.Code)
		}
		time.Sleep(time.Hour) // the stream retires
	})
}

// A grabber is a response whose connection can be taken over.
type grabber struct {
	*httptest.ResponseRecorder
	grabbed bool
}

func (g *grabber) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	g.grabbed = true
	return nil, nil, http.ErrNotSupported
}

// With NoHijack no connection is taken over, and a writer that refuses it gets its
// stream anyway.
func TestNoHijack(t *testing.T) {
	for _, no := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv, err := server.New(&server.Options{NoHijack: no})
			if err != nil {
				t.Fatal(err)
			}
			st, _ := srv.Stream("s")
			st.Send(sse.Event{Data: "x"})
			st.End()
			g := &grabber{ResponseRecorder: httptest.NewRecorder()}
			req := httptest.NewRequest(http.MethodGet, "/events?stream=s", nil)
			req.Header.Set("Last-Event-ID", "0")
			srv.ServeHTTP(g, req)
			if g.grabbed == no || g.Body.String() != "data: x\n\n" {
				t.Errorf("NoHijack %v: taken over %v, %q", no, g.grabbed, g.Body)
			}
			if err := srv.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}
