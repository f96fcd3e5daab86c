package client_test

import (
	"bytes"
	"context"
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
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// The observer sees each transition once, in order, with what belongs to it.
func TestObserverSeesEachTransition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			switch n {
			case 1, 4:
				stream(rw)("id: 7\ndata: x\n\n")
			case 2, 3:
				rw.WriteHeader(http.StatusServiceUnavailable)
			default:
				rw.WriteHeader(http.StatusNoContent)
			}
		})
		es := w.source(client.Options{Backoff: exact})
		var got []string
		for _, err := range es.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, tr := range w.observed {
			got = append(got, fmt.Sprintf("%v→%v attempt=%d delay=%v left=%v id=%q cause=%v",
				tr.From, tr.State, tr.Attempt, tr.Delay, tr.Left, tr.LastEventID, tr.Cause))
		}
		const down = "client: server answered 503 Service Unavailable"
		equal(t, "transitions", got, []string{
			`closed→connecting attempt=0 delay=0s left=0s id="" cause=<nil>`,
			`connecting→open attempt=0 delay=0s left=0s id="" cause=<nil>`,
			`open→waiting attempt=1 delay=1s left=5m0s id="7" cause=client: server ended the stream`,
			`waiting→connecting attempt=1 delay=0s left=4m59s id="7" cause=<nil>`,
			`connecting→waiting attempt=2 delay=2s left=4m59s id="7" cause=` + down,
			`waiting→connecting attempt=2 delay=0s left=4m57s id="7" cause=<nil>`,
			`connecting→waiting attempt=3 delay=4s left=4m57s id="7" cause=` + down,
			`waiting→connecting attempt=3 delay=0s left=4m53s id="7" cause=<nil>`,
			`connecting→open attempt=3 delay=0s left=4m53s id="7" cause=<nil>`,
			`open→waiting attempt=1 delay=1s left=5m0s id="7" cause=client: server ended the stream`,
			`waiting→connecting attempt=1 delay=0s left=4m59s id="7" cause=<nil>`,
			`connecting→closed attempt=1 delay=0s left=4m59s id="7" cause=<nil>`,
		})
	})
}

// The four callbacks of the original, each as often as it says.
func TestCallbacks(t *testing.T) {
	run := func(t *testing.T, handler func(int, http.ResponseWriter, *http.Request)) (calls []string, err error) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, handler)
			es := w.source(client.Options{Backoff: exact, Observer: client.Callbacks{
				OnOpen: func() { calls = append(calls, "open") },
				OnReconnecting: func(attempt int, delay time.Duration) {
					calls = append(calls, fmt.Sprintf("reconnecting %d %v", attempt, delay))
				},
				OnGiveUp: func() { calls = append(calls, "give up") },
				OnClose:  func() { calls = append(calls, "close") },
			}.Observe})
			_, err = collect(t, es)
		})
		return calls, err
	}
	t.Run("a stream that is over", func(t *testing.T) {
		calls, err := run(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 3 {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			stream(w)("data: x\n\n")
		})
		if err != nil {
			t.Error(err)
		}
		equal(t, "calls", calls, []string{"open", "reconnecting 1 1s", "open", "reconnecting 1 1s", "close"})
	})
	t.Run("give-up", func(t *testing.T) {
		calls, err := run(t, func(n int, w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) })
		if _, ok := errors.AsType[*client.GiveUpError](err); !ok {
			t.Error(err)
		}
		count := map[string]int{}
		for _, c := range calls {
			count[strings.Fields(c)[0]]++
		}
		equal(t, "counts", count, map[string]int{"reconnecting": 14, "give": 1, "close": 1})
		equal(t, "the end", calls[len(calls)-2:], []string{"give up", "close"})
	})
}

// A body that leaves or panics ends the loop with one Closed, and the source can
// be used again.
func TestObserverAtTheEndOfALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("id: 1\ndata: x\n\n")
			untilGone(r)
		})
		es := w.source(client.Options{})
		for range es.Events(t.Context()) {
			break
		}
		equal(t, "last state", w.observed[len(w.observed)-1].State, client.Closed)

		seen := len(w.observed)
		func() {
			defer func() { recover() }()
			for range es.Events(t.Context()) {
				panic("in the body")
			}
		}()
		equal(t, "state after a panic", es.Stats().State, client.Closed)
		equal(t, "last call before the panic", w.observed[len(w.observed)-1].State, client.Open)
		if n := len(w.observed) - seen; n != 2 {
			t.Errorf("%d calls in the loop that panicked, want 2 and none after", n)
		}
		for range es.Events(t.Context()) {
			break
		}
	})
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			switch n {
			case 1, 3:
				stream(rw)(fmt.Sprintf("id: %d\ndata: x\n\n", n))
			case 2:
				rw.WriteHeader(http.StatusBadGateway)
			default:
				rw.WriteHeader(http.StatusNoContent)
			}
		})
		es := w.source(client.Options{Backoff: exact})
		equal(t, "before", es.Stats(), client.Stats{})
		if _, err := collect(t, es); err != nil {
			t.Fatal(err)
		}
		got := es.Stats()
		if got.LastError != client.ErrEnded {
			t.Errorf("last error %v, want that of the last stream", got.LastError)
		}
		got.LastError = nil
		equal(t, "after", got, client.Stats{
			State: client.Closed, Since: w.start.Add(4 * time.Second), Attempts: 4, Failures: 3, Reconnects: 1, Events: 2, Bytes: 30,
			LastEventID: "3", LastEvent: w.start.Add(3 * time.Second),
		})
	})
}

// One log line for each change of state, none for an event, and no credentials
// in any of them, wherever they came in.
func TestTransitionLogValue(t *testing.T) {
	var buf bytes.Buffer
	log := slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	var errs []error
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			switch n {
			case 1:
				stream(rw)("id: 1\ndata: a\n\nid: 2\ndata: b\n\n")
			case 2:
				rw.Header().Set("Location", "gopher://host/?token=s3cret")
				rw.WriteHeader(http.StatusFound)
			}
		})
		es := mustNew(t, streamURL+"?token=s3cret", client.Options{
			HTTPClient: w.client, Backoff: exact, Request: client.Request{Header: http.Header{"Authorization": {"Bearer s3cret"}}},
			Observer: func(tr client.Transition) { log.Info("stream", "sse", tr); errs = append(errs, tr.Cause) },
		})
		_, err := collect(t, es)
		errs = append(errs, err)
		w.down.Store(true)
		_, err = collect(t, es)
		errs = append(errs, err)
		if strings.Contains(es.Target(), "s3cret") {
			t.Errorf("target %q", es.Target())
		}
	})
	first := strings.Join(strings.SplitAfterN(buf.String(), "\n", 6)[:5], "")
	equal(t, "log", first, `level=INFO msg=stream sse.state=connecting sse.target=http://stream.test/events
level=INFO msg=stream sse.state=open sse.target=http://stream.test/events
level=INFO msg=stream sse.state=waiting sse.target=http://stream.test/events sse.attempt=1 sse.delay=1s sse.left=5m0s sse.last_event_id=2 sse.cause="client: server ended the stream"
level=INFO msg=stream sse.state=connecting sse.target=http://stream.test/events sse.attempt=1 sse.left=4m59s sse.last_event_id=2
level=INFO msg=stream sse.state=closed sse.target=http://stream.test/events sse.attempt=1 sse.left=4m59s sse.last_event_id=2 sse.cause="client: redirect (302) not followed: Location is not an http or https URL"
`)
	if strings.Contains(buf.String(), "s3cret") {
		t.Errorf("a secret in the log:\n%s", buf.String())
	}
	for _, err := range errs {
		if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), "s3cret") {
			t.Errorf("a secret in an error: %v", err)
		}
	}
}

// An id that can't be sent is one gap, however many attempts there are.
func TestGapOncePerPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.down.Store(true)
		es := w.source(client.Options{Backoff: exact, LastEventID: "5\x01"})
		collect(t, es)
		equal(t, "gaps", es.Stats().Gaps, 1)
	})
}

func TestLastEventIsNoControlFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t)
		srv.Session("abc")
		es, err := client.Session(srv.URL, "abc", &client.Options{HTTPClient: srv.Client(), ControlFrames: true})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range es.Events(t.Context()) {
			if n++; n == 3 {
				break
			}
		}
		equal(t, "last event that was no control frame", es.Stats().LastEvent, time.Time{})
	})
}

// BeforeWait is where a batch is flushed: it is called before each wait, and not
// between events that have come together.
func TestBeforeWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n == 2 {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			send := stream(rw)
			send("data: a\n\ndata: b\n\n")
			time.Sleep(time.Second)
			send("data: c\n\n")
		})
		var batches []string
		var batch []string
		es := w.source(client.Options{BeforeWait: func() error {
			if len(batch) > 0 {
				batches = append(batches, strings.Join(batch, ""))
				batch = nil
			}
			return nil
		}})
		for ev, err := range es.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			batch = append(batch, ev.Data)
		}
		equal(t, "batches", batches, []string{"ab", "c"})
	})
}

// OnGiveUp is for the source's own give-up, not for one that comes from elsewhere, by
// Prepare, by a transport or by the context.
func TestOnGiveUpIsForOnesOwn(t *testing.T) {
	foreign := &client.GiveUpError{Err: errors.New("of another source")}
	for name, with := range map[string]func(o *client.Options, cancel context.CancelCauseFunc){
		"Prepare": func(o *client.Options, _ context.CancelCauseFunc) {
			o.Request.Prepare = func(context.Context, *http.Request) error { return backoff.Permanent(foreign) }
		},
		"transport": func(o *client.Options, _ context.CancelCauseFunc) {
			o.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, foreign })}
			o.FailFast = true
		},
		"context": func(o *client.Options, cancel context.CancelCauseFunc) {
			o.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { cancel(foreign); return nil, foreign })}
		},
	} {
		t.Run(name, func(t *testing.T) {
			gaveUp, closed := 0, 0
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			opts := client.Options{Observer: client.Callbacks{OnGiveUp: func() { gaveUp++ }, OnClose: func() { closed++ }}.Observe}
			with(&opts, cancel)
			es := mustNew(t, streamURL, opts)
			var last error
			for _, err := range es.Events(ctx) {
				last = err
			}
			if !errors.Is(last, foreign) || gaveUp != 0 || closed != 1 || es.Stats().GiveUps != 0 {
				t.Errorf("got %v, OnGiveUp %d times, OnClose %d times, counted %d", last, gaveUp, closed, es.Stats().GiveUps)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.down.Store(true)
		gaveUp := 0
		c := newMemCursor()
		c.fail = errors.New("disk full") // joined to the give-up
		es := w.source(client.Options{Cursor: c, Observer: client.Callbacks{OnGiveUp: func() { gaveUp++ }}.Observe})
		es.Seek("1")
		_, err := collect(t, es)
		if !errors.Is(err, c.fail) || gaveUp != 1 || es.Stats().GiveUps != 1 {
			t.Errorf("got %v, OnGiveUp %d times, counted %d", err, gaveUp, es.Stats().GiveUps)
		}
	})
}
