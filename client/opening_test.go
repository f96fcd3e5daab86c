package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

// Prepare has a time limit, which ends its context; an answer behind it is a failed
// attempt, and nothing was asked of a shared origin.
func TestPrepareIsBounded(t *testing.T) {
	for name, prepare := range map[string]func(ctx context.Context) error{
		"looks at its context": func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) },
		"is just late":         func(ctx context.Context) error { time.Sleep(30*time.Second + 1); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, played("data: x\n\n"))
				var b backoff.Breaker
				calls := 0
				es := w.source(client.Options{Backoff: exact, Breaker: &b, Request: client.Request{Prepare: func(ctx context.Context, _ *http.Request) error {
					if calls++; calls == 1 {
						return prepare(ctx)
					}
					return nil
				}}})
				data, err := collect(t, es)
				if err != nil || len(data) != 1 || w.asked[0].Truncate(time.Second) != 31*time.Second {
					t.Errorf("got %q, %v, asked at %v; want the event after 30s and a delay", data, err, w.asked)
				}
				if got := w.observed[1].Cause; !errors.Is(got, client.ErrPrepareTimeout) {
					t.Errorf("cause %v, want ErrPrepareTimeout", got)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played("data: x\n\n"))
		calls := 0
		es := w.source(client.Options{Timeouts: client.Timeouts{Prepare: backoff.Off}, Request: client.Request{Prepare: func(ctx context.Context, _ *http.Request) error {
			if calls++; calls == 1 {
				time.Sleep(time.Hour)
			}
			return ctx.Err()
		}}})
		if data, err := collect(t, es); err != nil || len(data) != 1 || w.asked[0] != time.Hour {
			t.Errorf("off: %q, %v, asked at %v", data, err, w.asked)
		}
	})
}

// Prepare is not called on a context that is done, whoever has ended it.
func TestPrepareIsNotCalledInVain(t *testing.T) {
	for _, where := range []string{"before", "observer", "BeforeWait", "drain"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, played("data: x\n\n"))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var es *client.EventSource
			opts := client.Options{Request: client.Request{Prepare: func(context.Context, *http.Request) error {
				t.Errorf("%s: Prepare was called", where)
				return nil
			}}}
			opts.Observer = func(tr client.Transition) {
				switch {
				case where == "observer" && tr.State == client.Connecting:
					cancel()
				case where == "drain" && tr.State == client.Connecting:
					es.Drain()
				}
			}
			opts.BeforeWait = func() error {
				if where == "BeforeWait" {
					cancel()
				}
				return nil
			}
			if where == "before" {
				cancel()
			}
			es = w.source(opts)
			var last error
			for _, err := range es.Events(ctx) {
				last = err
			}
			if where != "drain" && !errors.Is(last, context.Canceled) || where == "drain" && last != nil {
				t.Errorf("%s: got %v", where, last)
			}
		})
	}
}

// The largest limits are limits, and no overflow.
func TestLargestTimeouts(t *testing.T) {
	for _, traced := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Hour)
				rw.WriteHeader(http.StatusNoContent)
			})
			if !traced {
				w.client = untraced(w.client)
			}
			const most = math.MaxInt64
			es := w.source(client.Options{FailFast: true, HealthyAfter: most,
				Timeouts: client.Timeouts{Prepare: most, Connect: most, Header: most, Idle: most, Event: most}})
			if _, err := collect(t, es); err != nil || w.now() != time.Hour {
				t.Errorf("got %v after %v, want the 204 after 1h", err, w.now())
			}
		})
	}
}

// untraced is a client whose transport keeps the reports of its progress to itself.
func untraced(hc *http.Client) *http.Client {
	tr := hc.Transport
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		ctx, cancel := context.WithCancel(context.Background())
		context.AfterFunc(r.Context(), cancel)
		resp, err := tr.RoundTrip(r.Clone(ctx))
		if err == nil {
			resp.Request = r
		}
		return resp, err
	})}
}

// Where a transport does not trace, one limit holds for connecting and the response:
// their sum, or, if connecting has none, that of the response.
func TestTimeoutsWithoutTrace(t *testing.T) {
	for _, tt := range []struct {
		timeouts client.Timeouts
		want     time.Duration
	}{
		{client.Timeouts{Connect: 5 * time.Second, Header: 10 * time.Second}, 15 * time.Second},
		{client.Timeouts{Connect: backoff.Off, Header: 10 * time.Second}, 10 * time.Second},
		{client.Timeouts{}, 75 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) { untilGone(r) })
			w.client = untraced(w.client)
			_, err := collect(t, w.source(client.Options{FailFast: true, Timeouts: tt.timeouts}))
			if !errors.Is(err, client.ErrHeaderTimeout) || w.now() != tt.want {
				t.Errorf("%+v: got %v after %v, want ErrHeaderTimeout after %v", tt.timeouts, err, w.now(), tt.want)
			}
		})
	}
}

// A report of the transport's that comes when the stream is open sets no limit on it.
func TestLateTraceDoesNotEndTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			send := stream(rw)
			send("data: x\n\n")
			time.Sleep(80 * time.Second)
			send("data: y\n\n")
			untilGone(r)
		})
		tr := w.client.Transport
		w.client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := tr.RoundTrip(r)
			trace := httptrace.ContextClientTrace(r.Context())
			time.AfterFunc(time.Second, func() { // a spare connection, say
				trace.GetConn("stream.test:80")
				trace.GotConn(httptrace.GotConnInfo{})
			})
			return resp, err
		})}
		es := w.source(client.Options{Timeouts: client.Timeouts{Connect: time.Second, Header: time.Second}})
		var got []string
		for ev, err := range es.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, ev.Data); len(got) == 2 {
				break
			}
		}
		equal(t, "attempts", len(w.asked), 1)
	})
}

// A server that sends its header with the first event, late, is reachable with a
// breaker as it is alone, although a probe's lease has run out by then.
func TestLateHeadersWithABreaker(t *testing.T) {
	for _, b := range []*backoff.Breaker{nil, new(backoff.Breaker)} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(50 * time.Second):
				case <-r.Context().Done():
					return
				}
				stream(rw)("data: x\n\n")
			})
			es := w.source(client.Options{Backoff: exact, Breaker: b})
			n := 0
			for _, err := range es.Events(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == 4 {
					break
				}
			}
			// The streams end, so the second attempt and the later ones are probes.
			equal(t, "asked", w.asked, seconds(0, 51, 102, 153))
		})
	}
}

// An attempt that has used up its whole header limit is a failure, also if its lease
// has run out before.
func TestHeaderTimeoutOpensTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) { untilGone(r) })
		b := newBreaker(t, exact)
		b.Suspect()
		collect(t, w.source(client.Options{FailFast: true, Breaker: b}))
		if w.now() != time.Minute || b.State() != backoff.Open || !errors.Is(b.Err(), client.ErrHeaderTimeout) {
			t.Errorf("after %v: %v over %v, want it open after a minute", w.now(), b.State(), b.Err())
		}
	})
}

// The name of a run is echoed, and must not grow a request that servers refuse; not in
// this process, nor in one that has it from a cursor of old.
func TestSseRunIsBounded(t *testing.T) {
	for _, run := range []string{strings.Repeat("r", 257), strings.Repeat("r", 100_000)} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Sse-Run"); got != "" {
					t.Errorf("%d bytes of Sse-Run were sent", len(got))
				}
				rw.Header().Set("Sse-Run", run)
				five(n, rw, r)
			})
			c := newMemCursor()
			data, err := collect(t, w.source(client.Options{Backoff: exact, Cursor: c}))
			if err != nil || len(data) != 5 {
				t.Errorf("got %q, %v", data, err)
			}
			equal(t, "saved run", c.run, "")
			es := w.source(client.Options{Backoff: exact, Cursor: c})
			c.ids[es.Target()], c.run = "3", run
			if data, err := collect(t, es); err != nil || len(data) != 2 {
				t.Errorf("from an old cursor: got %q, %v", data, err)
			}
		})
	}
}

// A refused response whose body trickles is told within a second, with what came.
func TestTricklingRefusal(t *testing.T) {
	for _, pause := range []time.Duration{100 * time.Millisecond, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				rw.WriteHeader(http.StatusForbidden)
				for r.Context().Err() == nil {
					io.WriteString(rw, "x")
					http.NewResponseController(rw).Flush()
					select {
					case <-time.After(pause):
					case <-r.Context().Done():
					}
				}
			})
			_, err := collect(t, w.source(client.Options{}))
			e, ok := errors.AsType[*client.ResponseError](err)
			if !ok || len(e.Body) == 0 || w.now() > time.Second+time.Millisecond {
				t.Errorf("got %v after %v, want the refusal within a second", err, w.now())
			}
		})
	}
}

// One way to write off, and a word for each value that makes no sense.
func TestOptionsOff(t *testing.T) {
	off := client.Options{HealthyAfter: backoff.Off, RepeatWindow: backoff.Off,
		Timeouts: client.Timeouts{Prepare: backoff.Off, Connect: backoff.Off, Header: backoff.Off, Idle: backoff.Off, Event: backoff.Off},
		Backoff:  backoff.Policy{Jitter: backoff.Off, GiveUp: backoff.Off}}
	if _, err := client.New(streamURL, &off); err != nil {
		t.Error(err)
	}
	bad := client.Options{HealthyAfter: -2, RepeatWindow: -2, MaxEventSize: -1,
		Timeouts: client.Timeouts{Prepare: -2, Connect: -time.Second, Header: -2, Idle: -2, Event: -2},
		Backoff:  backoff.Policy{Jitter: -0.5, GiveUp: -2}}
	_, err := client.New(streamURL, &bad)
	for _, want := range []string{"HealthyAfter", "RepeatWindow", "MaxEventSize", "Prepare", "Connect", "Header", "Idle", "Event", "Jitter", "GiveUp"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("the error does not name %s:\n%v", want, err)
		}
	}
	for _, method := range []string{"get", "Post"} {
		_, err := client.New(streamURL, &client.Options{Request: client.Request{Method: method}})
		if err == nil || !strings.Contains(err.Error(), strings.ToUpper(method)) {
			t.Errorf("Method %q: got %v, want an error with the right spelling", method, err)
		}
	}
}

// The name of a source is what its cursor, its observer and its log know it by.
func TestName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, five)
		c := newMemCursor()
		for _, name := range []string{"orders", "invoices"} {
			es := w.source(client.Options{Name: name, Backoff: exact, Cursor: c})
			collect(t, es)
			last := w.observed[len(w.observed)-1]
			if es.Target() != name || c.ids[name] != "5" || last.Target != name || !strings.Contains(last.LogValue().String(), "target="+name) {
				t.Errorf("%s: target %q, saved %v, last transition %v", name, es.Target(), c.ids, last.LogValue())
			}
		}
	})
}

// Comments are shown, between the events where they came; those inside an event
// before it.
func TestOnComment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played(": hello\n\ndata: a\n: inside\n\n:no blank\n\n"))
		var got []string
		es := w.source(client.Options{Backoff: exact, OnComment: func(text string) { got = append(got, "#"+text) }})
		for ev := range es.Events(t.Context()) {
			got = append(got, ev.Data)
		}
		equal(t, "in order", got, []string{"#hello", "#inside", "a", "#no blank"})
	})
}
