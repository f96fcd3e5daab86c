package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

// Drain ends a loop at once whatever it waits for, quietly, with the position saved,
// and leaves nothing behind: the next loop is not drained.
func TestDrainCutsEachWait(t *testing.T) {
	hang := func(n int, rw http.ResponseWriter, r *http.Request) { untilGone(r) }
	for name, tt := range map[string]struct {
		handler func(n int, rw http.ResponseWriter, r *http.Request)
		opts    func(o *client.Options)
	}{
		"a read": {func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("id: 1\ndata: a\n\n")
			untilGone(r)
		}, nil},
		"a response": {hang, nil},
		"a delay":    {func(n int, rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(503) }, nil},
		"the breaker's turn": {nil, func(o *client.Options) {
			o.Breaker = new(backoff.Breaker)
			o.Breaker.TryAcquire().Fail(nil, time.Minute)
		}},
		"Prepare": {nil, func(o *client.Options) {
			o.Request.Prepare = func(ctx context.Context, _ *http.Request) error {
				<-ctx.Done()
				return context.Cause(ctx)
			}
		}},
		"the cursor's Load": {nil, func(o *client.Options) { o.Cursor = hangingCursor{} }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.handler)
				c := newMemCursor()
				opts := client.Options{Cursor: c, Backoff: backoff.Policy{Initial: 10 * time.Second}}
				if tt.opts != nil {
					tt.opts(&opts)
				}
				es := w.source(opts)
				time.AfterFunc(3*time.Second, es.Drain)
				data, err := collect(t, es)
				if err != nil || w.now() != 3*time.Second {
					t.Errorf("got %v after %v, want a quiet end at 3s", err, w.now())
				}
				if last := w.observed[len(w.observed)-1]; last.State != client.Closed || last.Cause != nil {
					t.Errorf("last transition %v, %v", last.State, last.Cause)
				}
				equal(t, "saves", len(c.saves), len(data))

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				var last error
				for _, err := range es.Events(ctx) {
					last = err
				}
				if !errors.Is(last, context.DeadlineExceeded) {
					t.Errorf("the next loop: got %v, want it to run", last)
				}
			})
		})
	}
}

// hangingCursor loads nothing for as long as it may.
type hangingCursor struct{}

func (hangingCursor) Load(ctx context.Context, _ string) (client.Position, bool, error) {
	<-ctx.Done()
	return client.Position{}, false, context.Cause(ctx)
}
func (hangingCursor) Save(context.Context, string, client.Position) error { return nil }

// The event at hand is done and committed; what came behind it comes again.
func TestDrainLetsTheBodyFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n")
			untilGone(r)
		})
		c := newMemCursor()
		es := w.source(client.Options{Cursor: c})
		n := 0
		for ev, err := range es.Events(t.Context()) {
			if n++; err != nil || n > 2 {
				t.Fatalf("pair %d: %q, %v", n, ev.Data, err)
			}
			if ev.ID == "2" {
				go es.Drain()
				time.Sleep(time.Minute)
			}
		}
		equal(t, "saves", c.saves, []string{"2"})
		equal(t, "requests", len(w.asked), 1)
	})
}

// A Drain while no loop runs, or in one that ends for another reason, ends the next.
func TestDrainIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, five)
		flushed := 0
		es := w.source(client.Options{Backoff: exact, BeforeWait: func() error { flushed++; return nil }})
		es.Drain()
		data, err := collect(t, es)
		if err != nil || len(data) != 0 || len(w.asked) != 0 || flushed != 1 {
			t.Errorf("got %q, %v, %d requests, flushed %d times", data, err, len(w.asked), flushed)
		}
		for range es.Events(t.Context()) {
			es.Drain()
			break
		}
		if data, err := collect(t, es); err != nil || len(data) != 0 || len(w.asked) != 1 {
			t.Errorf("behind a break: got %q, %v, %d requests", data, err, len(w.asked))
		}
		data, err = collect(t, es)
		if err != nil || len(data) != 5 {
			t.Errorf("then: got %q, %v", data, err)
		}
	})
}

// Drain comes from any goroutine at any time; the race detector looks on.
func TestDrainFromManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			for send := stream(rw); r.Context().Err() == nil; {
				send(fmt.Sprintf("id: %d\ndata: x\n\n", n))
			}
		})
		es := w.source(client.Options{Backoff: exact})
		var wg sync.WaitGroup
		defer wg.Wait()
		for range 20 {
			for range 3 {
				wg.Go(func() {
					time.Sleep(time.Second)
					es.Drain()
				})
			}
			for _, err := range es.Events(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
			}
		}
	})
}

// A gap that is an error is met again by each loop, whichever kind it is, also by
// another process with the same cursor; Accept goes on behind it, for good.
func TestAccept(t *testing.T) {
	for name, tt := range map[string]struct {
		given string // of each response to a request for "5"; "": none
		run   string // of the server now
		asked string // by the loop that goes on
		at    string // in run
	}{
		"replay starts later":       {"9", "A", "9", "A"},
		"new run, start given":      {"earliest", "B", "earliest", "B"},
		"new run, and no more said": {"", "B", "5", "A"}, // the same request has the same answer
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var runs []string
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					runs = append(runs, r.Header.Get("Sse-Run"))
					rw.Header().Set("Sse-Run", tt.run)
					asked := r.Header.Get("Last-Event-ID")
					if asked == "5" && tt.given != "" {
						rw.Header().Set("Last-Event-ID", tt.given)
					}
					if asked == "11" {
						rw.WriteHeader(http.StatusNoContent)
						return
					}
					stream(rw)("id: 11\ndata: x\n\n")
				})
				c := newMemCursor()
				var es *client.EventSource
				process := func() {
					es = w.source(client.Options{Backoff: exact, Cursor: c, FailOnGap: true})
					c.ids[es.Target()], c.run = "5", "A"
				}
				process()
				gapOf := func() *client.GapError {
					t.Helper()
					time.Sleep(time.Minute)
					_, err := collect(t, es)
					gap, ok := errors.AsType[*client.GapError](err)
					if !ok || !gap.Certain || gap.Asked != "5" || gap.NewRun != (tt.run == "B") {
						t.Fatalf("got %v, want the gap", err)
					}
					return gap
				}
				old := gapOf()
				gapOf() // again
				process()
				gap := gapOf() // and after a restart
				if err := es.Accept(old); err == nil {
					t.Error("the gap of another source was accepted")
				}
				if err := es.Accept(gap); err != nil {
					t.Fatal(err)
				}
				if err := es.Accept(gap); err == nil {
					t.Error("accepted twice")
				}
				w.ids, runs = nil, nil
				data, err := collect(t, es)
				if err != nil || len(data) != 1 {
					t.Fatalf("after Accept: %q, %v", data, err)
				}
				equal(t, "asked", w.ids, []string{tt.asked, "11"})
				equal(t, "in run", runs, []string{tt.at, tt.run})
				equal(t, "saved", c.ids[es.Target()]+" "+c.run, "11 "+tt.run)
			})
		})
	}
}

// What Accept has accepted is saved, so that the next process does not meet it again.
func TestAcceptIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Last-Event-ID", "9")
			stream(rw)
			untilGone(r)
		})
		c := newMemCursor()
		es := w.source(client.Options{Cursor: c, FailOnGap: true, LastEventID: "5"})
		_, err := collect(t, es)
		gap, _ := errors.AsType[*client.GapError](err)
		if err := es.Accept(gap); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Minute, es.Drain) // before any event
		if _, err := collect(t, es); err != nil {
			t.Fatal(err)
		}
		equal(t, "saves", c.saves, []string{"9"})
	})
}

// Seek moves the position, backwards too: what is remembered of it is forgotten.
func TestSeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs []string
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			runs = append(runs, r.Header.Get("Sse-Run"))
			rw.Header().Set("Sse-Run", "A")
			five(n, rw, r)
		})
		c := newMemCursor()
		es := w.source(client.Options{Backoff: exact, Cursor: c, RepeatWindow: 8})
		c.ids[es.Target()] = "4" // not asked for where Seek came first
		for _, id := range []string{"3", "1", ""} {
			if err := es.Seek(id); err != nil {
				t.Fatal(err)
			}
			equal(t, "position", es.LastEventID(), id)
			w.ids, runs = nil, nil
			var after int
			fmt.Sscan(id, &after)
			data, err := collect(t, es)
			if err != nil || len(data) != 5-after {
				t.Errorf("behind %q: %q, %v", id, data, err)
			}
			equal(t, "first request", w.ids[0]+"@"+runs[0], id+"@")
			equal(t, "saved", c.ids[es.Target()], "5")
		}
	})
}

// What must not happen during a loop says ErrBusy.
func TestSteeringDuringALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, five)
		es := w.source(client.Options{})
		for range es.Events(t.Context()) {
			for name, err := range map[string]error{
				"Seek": es.Seek("1"), "Accept": es.Accept(nil), "Forget": es.Forget(),
			} {
				if err != client.ErrBusy {
					t.Errorf("%s: got %v, want ErrBusy", name, err)
				}
			}
			break
		}
	})
}

// Forget drops the cursor's entry, and the end of a later loop does not bring it
// back.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, five)
		plain := newMemCursor()
		if err := w.source(client.Options{Cursor: plain}).Forget(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("a cursor that can't: %v", err)
		}
		c := &forgetfulCursor{memCursor: plain}
		es := w.source(client.Options{Backoff: exact, Cursor: c})
		collect(t, es)
		equal(t, "entries", len(c.ids), 1)
		if err := es.Forget(); err != nil {
			t.Fatal(err)
		}
		equal(t, "entries", len(c.ids), 0)
		collect(t, es) // 204
		equal(t, "entries", len(c.ids), 0)
		if err := w.source(client.Options{}).Forget(); err != nil {
			t.Errorf("without a cursor: %v", err)
		}
		c.fail = errors.New("disk full")
		if err := es.Forget(); !errors.Is(err, c.fail) {
			t.Errorf("got %v, want the cursor's error", err)
		}
	})
}

type forgetfulCursor struct{ *memCursor }

func (c *forgetfulCursor) Forget(_ context.Context, target string) error {
	delete(c.ids, target)
	return c.fail
}

// A zero EventSource says what it is.
func TestZeroEventSource(t *testing.T) {
	es := new(client.EventSource)
	n := 0
	for _, err := range es.Events(t.Context()) {
		if n++; err == nil || errors.Is(err, client.ErrBusy) {
			t.Errorf("got %v, want that it was not made", err)
		}
	}
	equal(t, "pairs", n, 1)
	for name, err := range map[string]error{"Seek": es.Seek(""), "Accept": es.Accept(nil), "Forget": es.Forget()} {
		if err == nil || errors.Is(err, client.ErrBusy) {
			t.Errorf("%s: got %v, want that it was not made", name, err)
		}
	}
	if err := es.Commit(); err != nil {
		t.Error(err)
	}
	es.Drain()
	equal(t, "stats", es.Stats(), client.Stats{})
	equal(t, "target", es.Target()+es.LastEventID(), "")
}

// In the body of the last pair the loop is over: another one may begin.
func TestLoopInTheLastPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n == 1 {
				rw.WriteHeader(http.StatusForbidden)
				return
			}
			five(n, rw, r)
		})
		es := w.source(client.Options{Backoff: exact})
		for _, err := range es.Events(t.Context()) {
			if err == nil {
				t.Fatal("no error")
			}
			equal(t, "state", es.Stats().State, client.Closed)
			if data, err := collect(t, es); err != nil || len(data) != 5 {
				t.Errorf("got %q, %v", data, err)
			}
		}
	})
}
