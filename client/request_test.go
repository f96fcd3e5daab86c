package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/google/go-cmp/cmp"
)

// quick is a policy for tests on real sockets, where time is real.
var quick = backoff.Policy{Initial: time.Millisecond, Max: 4 * time.Millisecond, GiveUp: 2 * time.Minute}

// script answers the n-th request with its n-th handler, and the later ones
// with 204.
type script struct {
	*httptest.Server
	mu       sync.Mutex
	handlers []http.HandlerFunc
	requests []*http.Request
	bodies   []string
}

func newScript(t *testing.T, handlers ...http.HandlerFunc) *script {
	t.Helper()
	s := &script{handlers: handlers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		n := len(s.requests)
		s.requests = append(s.requests, r)
		s.bodies = append(s.bodies, string(body))
		s.mu.Unlock()
		if n < len(s.handlers) {
			s.handlers[n](w, r)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s
}

func events(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, body)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Error(w, "refused: "+http.StatusText(code), code) }
}

// collect ranges to the end and returns the data of the events and the error.
func collect(t *testing.T, es *client.EventSource) (data []string, err error) {
	t.Helper()
	for ev, e := range es.Events(t.Context()) {
		if e != nil {
			err = e
			continue
		}
		data = append(data, ev.Data)
	}
	return data, err
}

func mustNew(t *testing.T, url string, opts client.Options) *client.EventSource {
	t.Helper()
	es, err := client.New(url, &opts)
	if err != nil {
		t.Fatal(err)
	}
	return es
}

// The header of a request says what the standard asks for, and nothing that a
// proxy would take as a wish for compression.
func TestRequestHeader(t *testing.T) {
	srv := newScript(t)
	es := mustNew(t, srv.URL+"?q=1", client.Options{
		Request:     client.Request{Header: http.Header{"x-lower": {"a", "b"}, "Host": {"stream.test"}}},
		LastEventID: "é 7",
	})
	if _, err := collect(t, es); err != nil {
		t.Fatal(err)
	}
	r := srv.requests[0]
	got := map[string]string{"host": r.Host, "url": r.URL.String()}
	for _, name := range []string{"Accept", "Accept-Encoding", "Cache-Control", "Last-Event-ID"} {
		got[name] = r.Header.Get(name)
	}
	got["X-Lower"] = strings.Join(r.Header.Values("X-Lower"), ",")
	want := map[string]string{
		"host": "stream.test", "url": "/?q=1", "Accept": "text/event-stream", "Accept-Encoding": "identity",
		"Cache-Control": "no-cache", "Last-Event-ID": "é 7", "X-Lower": "a,b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestPrepareIsCalledBeforeEachAttempt(t *testing.T) {
	srv := newScript(t, events("id: 1\ndata: a\n\n"), status(503), events("id: 2\ndata: b\n\n"))
	n := 0
	es := mustNew(t, srv.URL, client.Options{Backoff: quick, Request: client.Request{Prepare: func(ctx context.Context, r *http.Request) error {
		n++
		r.Header.Set("Authorization", fmt.Sprintf("Bearer token-%d", n))
		return nil
	}}})
	if _, err := collect(t, es); err != nil {
		t.Fatal(err)
	}
	for i, r := range srv.requests {
		if got, want := r.Header.Get("Authorization"), fmt.Sprintf("Bearer token-%d", i+1); got != want {
			t.Errorf("attempt %d: Authorization %q, want %q", i+1, got, want)
		}
	}
}

func TestPrepareError(t *testing.T) {
	srv := newScript(t, events("data: a\n\n"))
	t.Run("is retried", func(t *testing.T) {
		n := 0
		es := mustNew(t, srv.URL, client.Options{Backoff: quick, Request: client.Request{Prepare: func(context.Context, *http.Request) error {
			if n++; n < 3 {
				return errors.New("token service is down")
			}
			return nil
		}}})
		if data, err := collect(t, es); err != nil || len(data) != 1 {
			t.Errorf("got %q, %v, want one event after two failures", data, err)
		}
	})
	t.Run("is final when marked", func(t *testing.T) {
		revoked := errors.New("key revoked")
		es := mustNew(t, srv.URL, client.Options{Backoff: quick, Request: client.Request{Prepare: func(context.Context, *http.Request) error {
			return backoff.Permanent(revoked)
		}}})
		if _, err := collect(t, es); !errors.Is(err, revoked) || es.Stats().Attempts != 1 {
			t.Errorf("got %v after %d attempts, want the marked error after 1", err, es.Stats().Attempts)
		}
	})
}

// A token that has just expired costs one immediate second try; a second 401 is
// an answer.
func TestUnauthorizedIsTriedOnceMoreWithPrepare(t *testing.T) {
	prepare := func(context.Context, *http.Request) error { return nil }
	t.Run("fresh token helps", func(t *testing.T) {
		srv := newScript(t, status(401), events("data: a\n\n"), status(401), events("data: b\n\n"))
		var delays []time.Duration
		es := mustNew(t, srv.URL, client.Options{Request: client.Request{Prepare: prepare}, Backoff: quick, Observer: func(tr client.Transition) {
			if tr.State == client.Waiting && tr.Cause.Error() == "client: server answered 401 Unauthorized" {
				delays = append(delays, tr.Delay)
			}
		}})
		data, err := collect(t, es)
		if diff := cmp.Diff([]string{"a", "b"}, data); diff != "" || err != nil {
			t.Errorf("got %q, %v", data, err)
		}
		if diff := cmp.Diff([]time.Duration{0, 0}, delays); diff != "" {
			t.Errorf("delays after 401 (-want +got):\n%s", diff)
		}
	})
	t.Run("only once", func(t *testing.T) {
		srv := newScript(t, status(401), status(401), events("data: a\n\n"))
		es := mustNew(t, srv.URL, client.Options{Request: client.Request{Prepare: prepare}, Backoff: quick})
		_, err := collect(t, es)
		if e, ok := errors.AsType[*client.ResponseError](err); !ok || e.StatusCode != 401 || len(srv.requests) != 2 {
			t.Errorf("got %v after %d requests, want the second 401", err, len(srv.requests))
		}
	})
	t.Run("not without Prepare", func(t *testing.T) {
		srv := newScript(t, status(401), events("data: a\n\n"))
		es := mustNew(t, srv.URL, client.Options{Backoff: quick})
		if _, err := collect(t, es); err == nil || len(srv.requests) != 1 {
			t.Errorf("got %v after %d requests, want the first 401", err, len(srv.requests))
		}
	})
}

// A request that is not a GET is repeated while nothing was received, and after
// that only when asked for (fetch-event-source#36).
func TestPostIsNotRepeatedOnceOpen(t *testing.T) {
	post := client.Options{Request: client.Request{Method: "POST", Body: []byte(`{"q":1}`)}, Backoff: quick}
	t.Run("refused, then a stream that ends", func(t *testing.T) {
		srv := newScript(t, status(503), events("data: a\n\n"), events("data: again\n\n"))
		data, err := collect(t, mustNew(t, srv.URL, post))
		if diff := cmp.Diff([]string{"a"}, data); diff != "" || err != nil {
			t.Errorf("got %q, %v, want one event and a quiet end", data, err)
		}
		if diff := cmp.Diff([]string{`{"q":1}`, `{"q":1}`}, srv.bodies); diff != "" {
			t.Errorf("bodies (-want +got):\n%s", diff)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		srv := newScript(t, events("data: a\n\ndata: cut"), events("data: again\n\n"))
		data, err := collect(t, mustNew(t, srv.URL, post))
		if e, ok := errors.AsType[*client.InterruptedError](err); !ok || !errors.Is(e, io.ErrUnexpectedEOF) || len(data) != 1 {
			t.Errorf("got %q, %v, want one event and an InterruptedError", data, err)
		}
	})
	t.Run("when asked", func(t *testing.T) {
		srv := newScript(t, events("data: a\n\n"), events("data: b\n\n"))
		opts := post
		opts.Request.Repeat = true
		data, err := collect(t, mustNew(t, srv.URL, opts))
		if diff := cmp.Diff([]string{"a", "b"}, data); diff != "" || err != nil {
			t.Errorf("got %q, %v", data, err)
		}
	})
}

// A Timeout on the user's http.Client bounds opening and does not kill the
// stream, as it would if it were net/http's.
func TestHTTPClientTimeoutBoundsOpening(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	timeout := 50 * time.Millisecond
	srv := newScript(t,
		func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: first\n\n")
			http.NewResponseController(w).Flush()
			<-time.After(3 * timeout)
			io.WriteString(w, "data: second\n\n")
		})
	var causes []string
	es := mustNew(t, srv.URL, client.Options{
		HTTPClient: &http.Client{Timeout: timeout}, Backoff: quick,
		Observer: func(tr client.Transition) {
			if tr.State == client.Waiting {
				causes = append(causes, tr.Cause.Error())
			}
		},
	})
	data, err := collect(t, es)
	if diff := cmp.Diff([]string{"first", "second"}, data); diff != "" || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
	if diff := cmp.Diff([]string{client.ErrHeaderTimeout.Error(), client.ErrEnded.Error()}, causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
}

// What a bad option is called, all of them at once, before the network is
// touched. Secrets are not repeated.
func TestNewNamesAllThatIsWrong(t *testing.T) {
	_, err := client.New("ftp://user:s3cret@host/?token=s3cret", &client.Options{
		Backoff: backoff.Policy{Initial: -1, Multiplier: 0.5},
		Request: client.Request{Method: "GE T", Header: http.Header{"Authorization": {"Bearer s3cret\n"}, "a b": {"x"}}},

		MaxEventSize: -1,
		RepeatWindow: 1 << 20,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"scheme", "Initial", "Multiplier", "Method", "Authorization", `"a b"`, "MaxEventSize", "RepeatWindow"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error gives a secret away:\n%v", err)
	}
	for _, bad := range []string{"", "http://", "http://[::1", "://", "example.com/stream", "http://host/%zz?token=s3cret"} {
		if _, err := client.New(bad, nil); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("New(%q): got %v, want an error without the query", bad, err)
		}
	}
}

func TestHTTPClientTimeoutBoundsAllHops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(9 * time.Second):
			case <-r.Context().Done():
			}
			rw.Header().Set("Location", "/next")
			rw.WriteHeader(302)
		})
		w.client.Timeout = 10 * time.Second
		collect(t, w.source(client.Options{FailFast: true}))
		equal(t, "opening took", w.now(), 10*time.Second)
	})
}

// Both values of a name in two spellings are sent.
func TestTwoSpellingsOfAHeader(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		srv := newScript(t)
		collect(t, mustNew(t, srv.URL, client.Options{Request: client.Request{Header: http.Header{"x-a": {"1"}, "X-A": {"2"}}}}))
		v := srv.requests[0].Header.Values("X-A")
		seen[v[0]] = true
		if len(v) == 2 {
			return
		}
	}
	if len(seen) > 1 {
		t.Errorf("one at random: %v", seen)
	}
}

// A second loop is the caller's wish for a second request, refused or not.
func TestSecondLoopOfAPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			switch n {
			case 1, 3:
				stream(rw)("data: x\n\n")
			case 2:
				rw.WriteHeader(503)
			}
		})
		es := w.source(client.Options{Request: client.Request{Method: "POST"}})
		_, err := collect(t, es)
		equal(t, "first loop", err, nil)
		_, err = collect(t, es)
		if err != nil {
			t.Errorf("second loop, refused before it was open: %v", err)
		}
	})
}

func TestProxyPasswordStaysSecret(t *testing.T) {
	tr := client.NewTransport()
	tr.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://u:s3cret@127.0.0.1:1/") }
	_, err := collect(t, mustNew(t, "https://h.test/?token=s3cret", client.Options{HTTPClient: &http.Client{Transport: tr}, FailFast: true}))
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "s3cret") {
		t.Error(err)
	}
}
