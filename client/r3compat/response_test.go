package sse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	cenkalti "github.com/cenkalti/backoff/v4"
	v1 "gopkg.in/cenkalti/backoff.v1"

	"github.com/OneStepAt4time/resilient-sse/client"
	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
)

// first answers the first request with a status and the others with a stream that
// ends, and is then over.
func first(status int, header ...string) answer {
	then := bodies("data: a\n\n")
	return func(n int, w http.ResponseWriter, r *http.Request) {
		if n > 1 {
			then(n-1, w, r)
			return
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, "why")
	}
}

func TestRetriedStatuses(t *testing.T) {
	for _, status := range []int{408, 425, 429, 500, 502, 503, 504} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, first(status, "Retry-After", "7"))
				var got messages
				must(t, w.client().SubscribeRaw(got.add))
				equal(t, "messages", got, messages{"||a"})
				if at := w.askedAt(); at[1] < 7*time.Second || at[1] > 7500*time.Millisecond {
					t.Errorf("second request after %v, want Retry-After's 7s, and some jitter", at[1])
				}
			})
		})
	}
}

// TestRefusals: the strategy says how often one is asked again, and its last is
// what the caller gets, with r3labs' text and our types.
func TestRefusals(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 410, 500, 501} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(_ int, w http.ResponseWriter, _ *http.Request) { http.Error(w, "why", status) })
				for name, subscribe := range map[string]func(c *sse.Client) error{
					"handler": func(c *sse.Client) error { return c.SubscribeRaw(nil) },
					"channel": func(c *sse.Client) error { return c.SubscribeChanRaw(make(chan *sse.Event)) },
				} {
					w.requests = nil
					c := w.client()
					c.ReconnectStrategy = v1.WithMaxTries(v1.NewConstantBackOff(time.Second), 3)
					var notified []string
					c.ReconnectNotify = func(err error, _ time.Duration) { notified = append(notified, err.Error()) }
					err := subscribe(c)
					refused, ok := errors.AsType[*client.ResponseError](err)
					if !ok || refused.StatusCode != status || string(refused.Body) != "why\n" {
						t.Errorf("%s: got %v, want a *ResponseError with the body", name, err)
					}
					if _, ok := errors.AsType[*client.GiveUpError](err); !ok {
						t.Errorf("%s: got %#v, want a *GiveUpError inside", name, err)
					}
					text := "could not connect to stream: " + http.StatusText(status)
					equal(t, name+": text", err.Error(), text)
					equal(t, name+": notified", notified, []string{text, text, text})
					equal(t, name+": requests", len(w.requests), 4)
				}
			})
		})
	}
}

// TestLoopOverRefusal: a caller who asks for ever does so at the strategy's pace.
func TestLoopOverRefusal(t *testing.T) {
	for name, tt := range map[string]struct {
		strategy func() v1.BackOff
		most     int
	}{
		"none":     {func() v1.BackOff { return nil }, 2},
		"v1's own": {func() v1.BackOff { return v1.NewExponentialBackOff() }, 7},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(_ int, w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
				c := w.client()
				c.ReconnectStrategy = tt.strategy()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				for ctx.Err() == nil {
					if err := c.SubscribeWithContext(ctx, "", nil); err == nil {
						t.Error("a stream that was never there ended well")
					}
				}
				if n := len(w.askedAt()); n < 2 || n > tt.most {
					t.Errorf("%d requests in 2 s, want 2 to %d", n, tt.most)
				}
			})
		})
	}
}

// TestChannelRecovers: from whatever a server says for a while.
func TestChannelRecovers(t *testing.T) {
	for _, status := range []int{401, 403, 404, 503} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
				if n > 1 && time.Since(began) < 2*time.Second {
					w.WriteHeader(status)
					return
				}
				stream(w, fmt.Sprintf("id: %d\ndata: a\n\n", n))
				if n == 1 {
					panic(http.ErrAbortHandler)
				}
				<-r.Context().Done()
			})
			c, ch := w.client(), make(chan *sse.Event)
			must(t, c.SubscribeChanRaw(ch))
			if got := receive(ch, 2); got[0] != "1||a" || got[1] == "" {
				t.Errorf("%d: got %v", status, got)
			}
			c.Unsubscribe(ch)
		})
	}
}

// TestUnauthorized: the callback may bring a fresh token, and there is one more
// attempt, at once.
func TestUnauthorized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "fresh" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			bodies("data: a\n\n")(n-3, w, r)
		})
		c := w.client()
		c.Headers["authorization"] = "stale"
		c.ReconnectStrategy = v1.WithMaxTries(v1.NewConstantBackOff(time.Minute), 1)
		err := c.SubscribeRaw(nil)
		if !refused(err, 401) {
			t.Errorf("got %v, want 401", err)
		}
		equal(t, "requests", w.askedAt(), []time.Duration{0, 0})

		c.ReconnectNotify = func(error, time.Duration) { c.Headers["authorization"] = "fresh" }
		var got messages
		must(t, c.SubscribeRaw(got.add))
		equal(t, "messages", got, messages{"||a"})
		equal(t, "tokens", w.asked(func(r *http.Request) string { return r.Header.Get("Authorization") }),
			[]string{"stale", "stale", "stale", "fresh"})
	})
}

func TestNoContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, bodies())
		must(t, w.client().SubscribeRaw(nil))
		c, ch, ended := w.client(), make(chan *sse.Event), make(chan error, 1)
		c.OnEnd(func(_ chan *sse.Event, err error) { ended <- err })
		must(t, c.SubscribeChanRaw(ch))
		must(t, <-ended)
		equal(t, "requests", len(w.requests), 2)
	})
}

// TestWrongContentType: it is refused at once, although its body goes on.
func TestWrongContentType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		c := w.client()
		c.ReconnectStrategy = &v1.StopBackOff{}
		err := c.SubscribeRaw(nil)
		if refused, ok := errors.AsType[*client.ResponseError](err); !ok || refused.Reason == "" {
			t.Errorf("got %v, want a *ResponseError with a reason", err)
		}
		equal(t, "time", time.Since(w.start), 0)
	})
}

// TestValidatorAccepts: what it accepts is read as a stream, whatever it is.
func TestValidatorAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 1 {
				w.Header().Set("Location", "/moved")
				w.WriteHeader(http.StatusTemporaryRedirect)
				return
			}
			if n == 3 {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, "id: 1\ndata: a\n\n")
		})
		c := w.client()
		var statuses []int
		c.ResponseValidator = func(of *sse.Client, resp *http.Response) error {
			if of != c {
				t.Error("the validator was given another client")
			}
			statuses = append(statuses, resp.StatusCode)
			return nil
		}
		var got messages
		must(t, c.SubscribeRaw(got.add))
		equal(t, "messages", got, messages{"1||a"})
		equal(t, "validated", statuses, []int{202, 204}) // as r3labs: not the redirect
	})
}

// TestValidatorRefuses: an error is a failed attempt, and a permanent one is
// returned as it was before it was marked.
func TestValidatorRefuses(t *testing.T) {
	errRefused := errors.New("not to my taste")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, open("data: a\n\n"))
		c := w.client()
		var refusals int
		c.ResponseValidator = func(*sse.Client, *http.Response) error {
			if refusals++; refusals < 4 {
				return errRefused
			}
			return v1.Permanent(errRefused)
		}
		var causes []error
		c.ReconnectNotify = func(err error, _ time.Duration) { causes = append(causes, err) }
		if err := c.SubscribeRaw(nil); err != errRefused {
			t.Errorf("got %v, want the error itself", err)
		}
		if len(causes) != 3 || causes[0] != errRefused {
			t.Errorf("ReconnectNotify was given %v, want the error 3 times", causes)
		}

		c.ResponseValidator = func(*sse.Client, *http.Response) error { return cenkalti.Permanent(errRefused) }
		if err := c.SubscribeChanRaw(make(chan *sse.Event)); !errors.Is(err, errRefused) {
			t.Errorf("got %v, want the error", err)
		}
		equal(t, "requests", len(w.askedAt()), 5)
	})
}

// TestBodyOfRefusedResponse: the validator need not close it.
func TestBodyOfRefusedResponse(t *testing.T) {
	body := &closing{Reader: strings.NewReader("why")}
	c := sse.NewClient(streamURL)
	c.Connection = &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: body}, nil
	})}
	c.ResponseValidator = func(*sse.Client, *http.Response) error { return v1.Permanent(errors.New("refused")) }
	if c.SubscribeRaw(nil) == nil || !body.closed {
		t.Error("not refused, or not closed")
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}
