package client_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

const secretKey = "s3cret-api-key"

func tokenSource(t *testing.T, base string, hc *http.Client) *session.TokenSource {
	t.Helper()
	tokens, err := session.NewTokenSource(base, secretKey, hc)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// A stream lives through twenty reconnects to a server that wants a fresh
// single-use token for each connection, and no text of ours ever holds one.
func TestSingleUseTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t, &testserver.Options{Tokens: []string{secretKey}, SSETokens: true})
		s := srv.Session("abc")
		srv.Inject(fault.Cut().AfterEvents(1).Times(20), fault.Status(401).Conn(5), fault.CutAfter(10).Conn(9))
		texts := new(strings.Builder)
		log := slog.New(slog.NewTextHandler(texts, nil))
		opts := &client.Options{
			HTTPClient: srv.Client(), LastEventID: "0",
			Request:  client.Request{Prepare: tokenSource(t, srv.URL, srv.Client()).Prepare},
			Observer: func(tr client.Transition) { log.Info("stream", "sse", tr); fmt.Fprintln(texts, tr.Cause) },
		}
		es, err := client.Session(srv.URL, "abc", opts)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 22 {
			s.Message("user", fmt.Sprint(n))
		}
		time.AfterFunc(time.Hour, func() { s.Ended("done") })
		data, err := collect(t, es)
		if err != nil || len(data) != 23 {
			t.Errorf("got %d events, %v; want 23", len(data), err)
		}
		if n := es.Stats().Reconnects; n < 20 {
			t.Errorf("%d reconnects, want 20 at least", n)
		}
		fmt.Fprintln(texts, es.Target(), err)
		for _, secret := range []string{secretKey, "sse_", "token="} {
			if strings.Contains(texts.String(), secret) {
				t.Errorf("%q in a text:\n%s", secret, texts)
			}
		}
	})
}

// An exchange that is refused is judged as the stream's own response would be,
// and a server that is down is waited for.
func TestTokenRefused(t *testing.T) {
	for _, tt := range []struct {
		status   int
		attempts int // 0: until the give-up
	}{
		{http.StatusUnauthorized, 1}, {http.StatusForbidden, 1}, {http.StatusNotFound, 1},
		{http.StatusTooManyRequests, 0}, {http.StatusServiceUnavailable, 0},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					rw.Header().Set("Retry-After", "100")
					rw.WriteHeader(tt.status)
				})
				_, err := collect(t, w.source(client.Options{Backoff: exact, Request: client.Request{Prepare: tokenSource(t, streamURL, w.client).Prepare}}))
				refused, ok := errors.AsType[*session.TokenError](err)
				if !ok || refused.StatusCode != tt.status || strings.Contains(err.Error(), secretKey) {
					t.Errorf("got %v, want a TokenError of %d", err, tt.status)
				}
				if tt.attempts != 0 {
					equal(t, "attempts", len(w.asked), tt.attempts)
					return
				}
				equal(t, "attempts", w.asked, seconds(0, 100, 200, 300)) // Retry-After is a floor
			})
		})
	}
}

// A dead server that is asked for tokens counts as dead: the streams that share
// a breaker do not all ask.
func TestTokenExchangeCountsForTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.down.Store(true)
		breaker := newBreaker(t, backoff.Policy{Jitter: backoff.NoJitter})
		done := make(chan error)
		const streams = 100
		for range streams {
			es := mustNew(t, streamURL, client.Options{HTTPClient: w.client, Backoff: exact, Breaker: breaker, Request: client.Request{Prepare: tokenSource(t, streamURL, w.client).Prepare}})
			go func() {
				_, err := collect(t, es)
				done <- err
			}()
		}
		for range streams {
			if err := <-done; !errors.Is(err, errRefused) {
				t.Errorf("got %v, want the refused connection", err)
			}
		}
		if got, most := len(w.asked), streams+20; got > most {
			t.Errorf("%d attempts for %d streams, want %d at most", got, streams, most)
		}
	})
}
