package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	cenkalti "github.com/cenkalti/backoff/v4"
)

var exact = backoff.Policy{Jitter: backoff.NoJitter}

// The schedule of the original, to the nanosecond: 1, 2, 4, 8, 16, 30, 30 … s, no
// attempt later than five minutes into the outage, and one exactly then.
func TestOutageScheduleIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.down.Store(true)
		_, err := collect(t, w.source(client.Options{Backoff: exact}))

		equal(t, "attempts", w.asked, seconds(0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181, 211, 241, 271, 300))
		equal(t, "delays", w.delays(), seconds(1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30, 29))
		e, ok := errors.AsType[*client.GiveUpError](err)
		if !ok || !errors.Is(err, errRefused) {
			t.Fatalf("got %v, want a GiveUpError over the last failure", err)
		}
		if e.Outage != 5*time.Minute || e.Attempts != 15 || w.now() != 5*time.Minute {
			t.Errorf("gave up %v into the outage, after %d attempts, at %v; want 5m, 15, 5m", e.Outage, e.Attempts, w.now())
		}
	})
}

// With jitter every delay lies in [Initial, Max], and the give-up is as exact.
func TestOutageScheduleWithJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.down.Store(true)
		_, err := collect(t, w.source(client.Options{}))
		if _, ok := errors.AsType[*client.GiveUpError](err); !ok {
			t.Fatalf("got %v, want a GiveUpError", err)
		}
		delays := w.delays()
		for i, d := range delays[:len(delays)-1] {
			base := min(time.Second<<i, 20*time.Second)
			if d < base || d > base*3/2 {
				t.Errorf("delay %d: got %v, want within [%v, %v]", i+1, d, base, base*3/2)
			}
		}
		if last := w.asked[len(w.asked)-1]; last != 5*time.Minute {
			t.Errorf("last attempt at %v, want exactly 5m", last)
		}
	})
}

// An attempt that is under way when the time is up may still succeed.
func TestOutageLastAttemptMaySucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			time.Sleep(10 * time.Second) // in the bubble: slow headers
			send := stream(rw)
			send("data: back\n\n")
			untilGone(r)
		})
		w.down.Store(true)
		es := w.source(client.Options{Backoff: exact, Observer: func(tr client.Transition) {
			w.down.Store(w.now() < 5*time.Minute)
		}})
		for ev, err := range es.Events(t.Context()) {
			if err != nil || ev.Data != "back" || w.now() != 310*time.Second {
				t.Errorf("got %q, %v at %v, want the event at 5m10s", ev.Data, err, w.now())
			}
			break
		}
	})
}

// An hour of health, then a drop: an outage begins, with the first delay. This
// is where cenkalti's MaxElapsedTime would stop at once.
func TestOutageBeginsWithTheFirstFailureAfterHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n == 3 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			send := stream(rw)
			for range 60 {
				send(":\n\n")
				time.Sleep(time.Minute)
			}
		})
		_, err := collect(t, w.source(client.Options{Backoff: exact}))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "attempts", w.asked, []time.Duration{0, time.Hour + time.Second, 2*time.Hour + 2*time.Second})
	})
}

// A server that accepts and drops at once meets growing delays and the give-up,
// not a reconnect each second for good (nanobot#346, and the original).
func TestOutageAcceptAndDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) { stream(rw) })
		_, err := collect(t, w.source(client.Options{Backoff: exact}))
		if e, ok := errors.AsType[*client.GiveUpError](err); !ok || !errors.Is(e, client.ErrEnded) {
			t.Fatalf("got %v, want a GiveUpError over ErrEnded", err)
		}
		equal(t, "first delays", w.delays()[:7], seconds(1, 2, 4, 8, 16, 30, 30))
		equal(t, "last attempt", w.asked[len(w.asked)-1], 5*time.Minute)
	})
}

// What counts as success: an event, or HealthyAfter of being open.
func TestSuccess(t *testing.T) {
	type handler = func(http.ResponseWriter)
	open := func(d time.Duration) handler {
		return func(w http.ResponseWriter) { stream(w); time.Sleep(d) }
	}
	event := func(w http.ResponseWriter) { stream(w)("data: x\n\n") }
	idOnly := func(w http.ResponseWriter) { stream(w)("id: 1\n\n: comment\n\n") }
	for _, tt := range []struct {
		name    string
		opts    client.Options
		handler handler
		want    []time.Duration // delays after 503, 503, the handler's stream, 503
	}{
		{"an event", client.Options{}, event, seconds(1, 2, 1, 2)},
		{"open for 5 s", client.Options{}, open(5 * time.Second), seconds(1, 2, 1, 2)},
		{"open for less", client.Options{}, open(5*time.Second - 1), seconds(1, 2, 4, 8)},
		{"no event in what came", client.Options{}, idOnly, seconds(1, 2, 4, 8)},
		{"the response alone, where asked for", client.Options{HealthyAfter: -1}, open(0), seconds(1, 2, 1, 2)},
		{"a shorter HealthyAfter", client.Options{HealthyAfter: time.Second}, open(time.Second), seconds(1, 2, 1, 2)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					switch n {
					case 3:
						tt.handler(rw)
					case 5:
						rw.WriteHeader(http.StatusNoContent)
					default:
						rw.WriteHeader(http.StatusServiceUnavailable)
					}
				})
				tt.opts.Backoff = exact
				if _, err := collect(t, w.source(tt.opts)); err != nil {
					t.Fatal(err)
				}
				equal(t, "delays", w.delays(), tt.want)
			})
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value func() string
		want  time.Duration
	}{
		{"seconds", func() string { return "7" }, 7 * time.Second},
		{"date", func() string { return time.Now().Add(11 * time.Second).UTC().Format(http.TimeFormat) }, 11 * time.Second},
		{"shorter than the delay", func() string { return "0" }, time.Second},
		{"date in the past", func() string { return "Sat, 02 Jan 1999 15:04:05 GMT" }, time.Second},
		{"nonsense", func() string { return "soon" }, time.Second},
		{"negative", func() string { return "-5" }, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					if n == 2 {
						rw.WriteHeader(http.StatusNoContent)
						return
					}
					rw.Header().Set("Retry-After", tt.value())
					rw.WriteHeader(http.StatusTooManyRequests)
				})
				if _, err := collect(t, w.source(client.Options{Backoff: exact})); err != nil {
					t.Fatal(err)
				}
				equal(t, "delays", w.delays(), []time.Duration{tt.want})
			})
		})
	}
}

// A Retry-After past the give-up is clipped to it, and named.
func TestRetryAfterBeyondTheGiveUp(t *testing.T) {
	for _, value := range []string{"3600", "99999999999999999999"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Retry-After", value)
				rw.WriteHeader(http.StatusServiceUnavailable)
			})
			_, err := collect(t, w.source(client.Options{Backoff: exact}))
			equal(t, "attempts", w.asked, seconds(0, 300))
			if e, ok := errors.AsType[*client.GiveUpError](err); !ok || e.RetryAfter < time.Hour {
				t.Errorf("got %v, want a GiveUpError that names the Retry-After", err)
			}
		})
	}
}

// The retry field becomes the initial delay, clamped; it neither shortens the
// policy's own nor restarts growth.
func TestRetryField(t *testing.T) {
	for _, tt := range []struct {
		retry string
		want  []time.Duration
	}{
		{"3000", seconds(3, 6, 12)},
		{"10", seconds(1, 2, 4)},
		{"999999999999", seconds(30, 30, 30)},
		{"-1", seconds(1, 2, 4)},
	} {
		t.Run(tt.retry, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					if n == 4 {
						rw.WriteHeader(http.StatusNoContent)
						return
					}
					stream(rw)("retry: " + tt.retry + "\n\n")
				})
				if _, err := collect(t, w.source(client.Options{Backoff: exact})); err != nil {
					t.Fatal(err)
				}
				equal(t, "delays", w.delays(), tt.want)
			})
		})
	}
}

// A BackOff of the user's own gives the delays; the give-up is still ours.
func TestForeignBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.down.Store(true)
		_, err := collect(t, w.source(client.Options{Delays: constant(2 * time.Minute)}))
		equal(t, "attempts", w.asked, seconds(0, 120, 240, 300))
		if _, ok := errors.AsType[*client.GiveUpError](err); !ok {
			t.Errorf("got %v, want a GiveUpError", err)
		}
	})
}

type constant time.Duration

func (c constant) NextBackOff() time.Duration { return time.Duration(c) }
func (c constant) Reset()                     {}

// Permanent refusals end the loop at the first answer, and what they may turn
// into once the stream has been open.
func TestRetryableAndPermanentResponses(t *testing.T) {
	notFound := `{"error":"Session not found"}`
	for _, tt := range []struct {
		code           int
		contentType    string
		body           string
		first, resumed bool // retried at the start; after the stream was open
	}{
		{400, "", "", false, false},
		{401, "", "", false, false},
		{403, "", "", false, false},
		{404, "", "", false, true},
		{404, "application/json", notFound, false, false},
		{405, "", "", false, false},
		{408, "", "", true, true},
		{410, "", "", false, false},
		{425, "", "", true, true},
		{429, "", "", true, true},
		{500, "", "", true, true},
		{501, "", "", false, false},
		{502, "", "", true, true},
		{503, "", "", true, true},
		{504, "", "", true, true},
		{505, "", "", false, false},
		{599, "", "", true, true},
		{200, "text/html", "<p>hello", false, true},
		{200, "", "", false, true},
		{202, "text/event-stream", "", false, false},
		{206, "text/event-stream", "", false, false},
		{304, "", "", false, false},
	} {
		for _, resumed := range []bool{false, true} {
			want := tt.first
			if resumed {
				want = tt.resumed
			}
			t.Run(fmt.Sprintf("%d %s resumed=%v", tt.code, tt.contentType, resumed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
						switch {
						case n == 1 && resumed:
							stream(rw)("data: x\n\n")
						case n <= 2:
							rw.Header()["Content-Type"] = []string{tt.contentType}
							rw.WriteHeader(tt.code)
							if tt.body != "" {
								fmt.Fprint(rw, tt.body)
							}
						default:
							rw.WriteHeader(http.StatusNoContent)
						}
					})
					_, err := collect(t, w.source(client.Options{Backoff: exact}))
					if want {
						if err != nil {
							t.Errorf("got %v, want it retried", err)
						}
						return
					}
					e, ok := errors.AsType[*client.ResponseError](err)
					if !ok || e.StatusCode != tt.code || string(e.Body) != tt.body {
						t.Errorf("got %v, want a permanent ResponseError with status and body", err)
					}
				})
			})
		}
	}
}

func TestContentTypeMayHaveParameters(t *testing.T) {
	for _, ct := range []string{"text/event-stream;charset=UTF-8", "Text/Event-Stream ; x=1"} {
		srv := newScript(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", ct)
			fmt.Fprint(w, "data: x\n\n")
		})
		if data, err := collect(t, mustNew(t, srv.URL, client.Options{Backoff: quick})); err != nil || len(data) != 1 {
			t.Errorf("%q: got %q, %v, want the event", ct, data, err)
		}
	}
}

// A refused response is kept, but not more of it than a KiB, and not for longer
// than a hostile server would like.
func TestResponseErrorBodyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			rw.WriteHeader(http.StatusForbidden)
			if n == 1 {
				fmt.Fprintf(rw, "%2048d", 1)
				return
			}
			fmt.Fprint(rw, "slow")
			http.NewResponseController(rw).Flush()
			untilGone(r)
		})
		for _, want := range []int{1024, 4} {
			_, err := collect(t, w.source(client.Options{}))
			if e, ok := errors.AsType[*client.ResponseError](err); !ok || len(e.Body) != want {
				t.Errorf("got %v with %d bytes of body, want %d", err, len(e.Body), want)
			}
		}
		if w.now() > 10*time.Second {
			t.Errorf("took %v", w.now())
		}
	})
}

func TestFailFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n == 2 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			stream(rw)("data: x\n\n")
		})
		w.down.Store(true)
		es := w.source(client.Options{FailFast: true, Backoff: exact})
		if _, err := collect(t, es); !errors.Is(err, errRefused) || w.now() != 0 {
			t.Errorf("got %v at %v, want the first attempt's error at once", err, w.now())
		}
		w.down.Store(false)
		if data, err := collect(t, es); err != nil || len(data) != 1 {
			t.Errorf("got %q, %v: once it was open, the stream must be retried", data, err)
		}
	})
}

func TestReplacedClassifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			rw.WriteHeader([]int{418, 418, 503}[n-1])
		})
		_, err := collect(t, w.source(client.Options{Retryable: func(err error, opened bool) bool {
			e, ok := errors.AsType[*client.ResponseError](err)
			return ok && e.StatusCode == 418 && !opened
		}}))
		if e, ok := errors.AsType[*client.ResponseError](err); !ok || e.StatusCode != 503 {
			t.Errorf("got %v, want the 503 that the classifier does not let pass", err)
		}
	})
}

// Cancelling in any state returns at once with the context's cause; the bubble
// fails if a goroutine is left.
func TestCancelInEachState(t *testing.T) {
	stop := errors.New("enough")
	for _, state := range []client.State{client.Connecting, client.Open, client.Waiting} {
		t.Run(state.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					if state == client.Waiting {
						rw.WriteHeader(http.StatusServiceUnavailable)
						return
					}
					if state == client.Open {
						stream(rw)
					}
					untilGone(r)
				})
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(500*time.Millisecond, func() { cancel(stop) })
				es := w.source(client.Options{Backoff: exact})
				var got error
				for _, err := range es.Events(ctx) {
					got = err
				}
				if got != stop || w.now() != 500*time.Millisecond {
					t.Errorf("got %v at %v, want the cause at 500ms", got, w.now())
				}
				if last := w.observed[len(w.observed)-1]; last.From != state || last.State != client.Closed || last.Cause != stop {
					t.Errorf("last transition: got %+v, want from %v to closed with the cause", last, state)
				}
			})
		})
	}
}

// A context that is done before the loop begins, and one that is cancelled in
// the body while more events are buffered.
func TestCancelBeforeAndInTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("data: 1\n\ndata: 2\n\ndata: 3\n\n")
			untilGone(r)
		})
		done, cancel := context.WithCancel(t.Context())
		cancel()
		es := w.source(client.Options{})
		for ev, err := range es.Events(done) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, %v, want context.Canceled", ev, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		for _, err := range es.Events(ctx) {
			if err == nil {
				n++
				cancel()
			}
		}
		if n != 1 {
			t.Errorf("got %d events after the cancel in the first one's body, want 1", n)
		}
	})
}

// v4's own time limit counts from its Reset; an hour of health is no outage.
func TestForeignBackOffAfterAnHourOfHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n == 2 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			send := stream(rw)
			for range 60 {
				send("data: x\n\n")
				time.Sleep(time.Minute)
			}
		})
		_, err := collect(t, w.source(client.Options{Delays: cenkalti.NewExponentialBackOff()}))
		if err != nil {
			t.Errorf("an hour of health, then one drop: %v", err)
		}
	})
}

// What an outage of one loop has used up is there again for the next.
func TestForeignBackOffInALaterLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n == 2 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			stream(rw)("data: x\n\n")
		})
		w.down.Store(true)
		es := w.source(client.Options{Delays: cenkalti.WithMaxRetries(cenkalti.NewConstantBackOff(time.Second), 2)})
		collect(t, es)
		w.down.Store(false)
		_, err := collect(t, es)
		if err != nil {
			t.Errorf("a later loop, an event, one drop: %v", err)
		}
	})
}

// The time that callbacks take is part of the delay, not added to it.
func TestGiveUpIsExactWithSlowCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.down.Store(true)
		collect(t, w.source(client.Options{Backoff: exact, Observer: func(tr client.Transition) {
			if tr.State == client.Waiting {
				time.Sleep(900 * time.Millisecond)
			}
		}}))
		for _, at := range w.asked {
			if at > w.asked[0]+5*time.Minute {
				t.Errorf("attempt at %v", at)
			}
		}
	})
}

// The stream's reconnection time is the source's, not the loop's.
func TestRetryFieldOfAnEarlierLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			switch n {
			case 1:
				stream(rw)("retry: 9000\ndata: x\n\n")
				untilGone(r)
			case 2:
				rw.WriteHeader(503)
			default:
				rw.WriteHeader(204)
			}
		})
		es := w.source(client.Options{Backoff: exact})
		for range es.Events(t.Context()) {
			es.Commit()
			break
		}
		collect(t, es)
		equal(t, "delays", w.delays(), seconds(9))
	})
}

// A give-up inside of what Prepare returns is not this loop's.
func TestPrepareThatGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played())
		n := 0
		_, err := collect(t, w.source(client.Options{Request: client.Request{Prepare: func(context.Context, *http.Request) error {
			if n++; n == 1 {
				return &client.GiveUpError{Err: errors.New("token stream")}
			}
			return nil
		}}}))
		if err != nil {
			t.Errorf("got %v, want it retried", err)
		}
	})
}
