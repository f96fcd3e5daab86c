package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// played returns a handler that sends the n-th body to the n-th request and ends
// it, and then says that the stream is over.
func played(bodies ...string) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, r *http.Request) {
		if n > len(bodies) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		stream(w)(bodies[n-1])
	}
}

// The Last-Event-ID of each attempt.
func TestResume(t *testing.T) {
	long := strings.Repeat("x", 4<<10)
	for _, tt := range []struct {
		name   string
		start  string
		bodies []string
		want   []string
	}{
		{"after the last event", "", []string{"id: 1\ndata: a\n\nid: 2\ndata: b\n\n", "id: 3\ndata: c\n\n"}, []string{"", "2", "3"}},
		{"an initial id survives attempts without events (go-sse, typescript-sdk#2809)", "42", []string{"", ": hi\n\n", "data: no id\n\n"}, []string{"42", "42", "42", "42"}},
		{"a block without data moves the position (MCP SEP-1699)", "", []string{"id: 5\n\n", "data: x\n\nid: 6\n\n"}, []string{"", "5", "6"}},
		{"an unfinished block is dropped with its id (go-sse, r3labs)", "", []string{"id: 1\ndata: a\n\nid: 2\ndata: b\n", "id: 2\ndata: b\n\n"}, []string{"", "1", "2"}},
		{"an empty id resets (launchdarkly sent the old one)", "9", []string{"id\ndata: x\n\n"}, []string{"9", ""}},
		{"raw UTF-8", "", []string{"id: é→\ndata: x\n\n"}, []string{"", "é→"}},
		{"an id with a control character is not sent, the last good one is", "", []string{"id: 1\ndata: x\n\nid: a\x01b\ndata: y\n\n", "id: 2\ndata: z\n\n"}, []string{"", "1", "2"}},
		{"blanks at the edges are trimmed on the way", "", []string{"id:  42\ndata: x\n\n", "id: 43 \t\ndata: y\n\n"}, []string{"", "42", "43"}},
		{"nothing but blanks is nothing to send", "", []string{"id: 1\ndata: x\n\nid:   \ndata: y\n\n"}, []string{"", "1"}},
		{"4 KiB is sent", "", []string{"id: " + long + "\ndata: x\n\n"}, []string{"", long}},
		{"more is not", "", []string{"id: 1\ndata: x\n\nid: " + long + "x\ndata: y\n\n"}, []string{"", "1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, played(tt.bodies...))
				if _, err := collect(t, w.source(client.Options{Backoff: exact, LastEventID: tt.start})); err != nil {
					t.Fatal(err)
				}
				equal(t, "Last-Event-ID", w.ids, tt.want)
			})
		})
	}
}

// Where no id can be sent at all, the observer is told: the server will start
// live.
func TestResumeWithAnIDThatCannotBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played("id: a\x01b\ndata: x\n\n"))
		es := w.source(client.Options{Backoff: exact})
		if _, err := collect(t, es); err != nil {
			t.Fatal(err)
		}
		equal(t, "Last-Event-ID", w.ids, []string{"", ""})
		equal(t, "gaps", es.Stats().Gaps, 1)
		if es.LastEventID() != "a\x01b" {
			t.Errorf("position %q, want the id as it was", es.LastEventID())
		}
	})
}

// An event is committed by asking for the next one or by Commit; a later loop
// begins after the last committed event, also when more of them were buffered.
func TestCommit(t *testing.T) {
	three := "id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n"
	for _, tt := range []struct {
		name string
		body func(es *client.EventSource, id string) (leave bool)
		want string
	}{
		{"a bare break commits the ones before", func(es *client.EventSource, id string) bool { return id == "2" }, "1"},
		{"Commit, then break", func(es *client.EventSource, id string) bool {
			if id == "2" {
				es.Commit()
			}
			return id == "2"
		}, "2"},
		{"the first one", func(es *client.EventSource, id string) bool { return true }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
					stream(rw)(three)
					untilGone(r)
				})
				es := w.source(client.Options{RepeatWindow: 8})
				for ev, err := range es.Events(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if tt.body(es, ev.ID) {
						break
					}
				}
				equal(t, "position", es.LastEventID(), tt.want)
				// What was not committed is no repeat when it comes again.
				for ev, err := range es.Events(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if tt.want == "1" && ev.ID != "2" {
						t.Errorf("the next loop begins with %q, want the event that was not committed", ev.ID)
					}
					break
				}
				equal(t, "Last-Event-ID", w.ids, []string{"", tt.want})
			})
		})
	}
}

func TestCommitInABodyThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("id: 1\ndata: a\n\nid: 2\ndata: b\n\n")
			untilGone(r)
		})
		es := w.source(client.Options{})
		func() {
			defer func() { recover() }()
			for ev := range es.Events(t.Context()) {
				if ev.ID == "2" {
					panic("in the body")
				}
			}
		}()
		equal(t, "position", es.LastEventID(), "1")
		es.Commit() // outside of a loop: nothing
		equal(t, "position", es.LastEventID(), "1")
	})
}

func TestOneLoopAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("data: x\n\n")
			untilGone(r)
		})
		es := w.source(client.Options{})
		for range es.Events(t.Context()) {
			n := 0
			for _, err := range es.Events(t.Context()) {
				if n++; !errors.Is(err, client.ErrBusy) {
					t.Errorf("second loop: got %v, want ErrBusy", err)
				}
			}
			equal(t, "pairs of the second loop", n, 1)
			break
		}
		equal(t, "requests", len(w.asked), 1)
	})
}

// memCursor is a Cursor whose saves can be counted and made to fail.
type memCursor struct {
	ids   map[string]string
	run   string // of the last position
	saves []string
	start time.Time
	at    []time.Duration // when, since start
	fail  error
}

func (c *memCursor) Load(_ context.Context, target string) (client.Position, bool, error) {
	id, ok := c.ids[target]
	return client.Position{LastEventID: id, Run: c.run}, ok, nil
}

func (c *memCursor) Save(ctx context.Context, target string, p client.Position) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if c.fail != nil {
		return c.fail
	}
	c.saves, c.at = append(c.saves, p.LastEventID), append(c.at, time.Since(c.start))
	c.ids[target], c.run = p.LastEventID, p.Run
	return nil
}

func newMemCursor() *memCursor { return &memCursor{ids: map[string]string{}, start: time.Now()} }

// Saves are coalesced, and none is stranded: the position is saved before the
// loop waits for more.
func TestCursorCoalescesWithoutStranding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			send := stream(rw)
			send("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n")
			time.Sleep(time.Second)
			send("id: 4\n\n") // no event, but the position moves
			time.Sleep(time.Second)
			send("id: 5\ndata: e\n\n")
			untilGone(r)
		})
		c := newMemCursor()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2500*time.Millisecond, cancel)
		es := w.source(client.Options{Cursor: c})
		for _, err := range es.Events(ctx) {
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		equal(t, "saves", c.saves, []string{"3", "4", "5"})
		equal(t, "saved while waiting", c.at, []time.Duration{0, time.Second, 2 * time.Second})
	})
}

// With SaveEach no event that was committed comes again, whatever came with it.
func TestCursorSaveEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n"))
		c := newMemCursor()
		for ev, err := range w.source(client.Options{Cursor: c, SaveEach: true}).Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if want := ev.Data[0] - 'a'; len(c.saves) != int(want) {
				t.Errorf("at event %s: %d saves, want %d", ev.ID, len(c.saves), want)
			}
			if ev.ID == "3" {
				break
			}
		}
		equal(t, "saves", c.saves, []string{"1", "2"})
	})
}

// The position that an earlier process left comes before LastEventID, and only
// that of the same target.
func TestCursorIsWhereTheStreamStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played("data: x\n\n"))
		c := newMemCursor()
		c.ids["http://other.test/"] = "99"
		es := w.source(client.Options{Backoff: exact, Cursor: c, LastEventID: "0"})
		collect(t, es)
		c.ids[es.Target()] = "7"
		collect(t, w.source(client.Options{Cursor: c, LastEventID: "0"}))
		equal(t, "Last-Event-ID", w.ids, []string{"0", "0", "7"})
	})
}

// A save that fails is reported, tried again, and, if it still fails at the end,
// joined to the loop's error.
func TestCursorSaveFails(t *testing.T) {
	full := errors.New("no space left on device")
	for _, recovers := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, played("id: 1\ndata: a\n\n", "id: 2\ndata: b\n\n"))
			c := newMemCursor()
			c.fail = full
			reports := 0
			es := w.source(client.Options{Backoff: exact, Cursor: c, Observer: func(tr client.Transition) {
				if _, ok := errors.AsType[*client.CursorError](tr.Cause); ok && tr.From == tr.State {
					reports++
				}
				if recovers && tr.LastEventID == "2" {
					c.fail = nil
				}
			}})
			data, err := collect(t, es)
			equal(t, "events", data, []string{"a", "b"})
			equal(t, "reports", reports, 1)
			if recovers {
				if err != nil || c.ids[es.Target()] != "2" {
					t.Errorf("got %v, saved %q, want the last position saved", err, c.ids)
				}
			} else if !errors.Is(err, full) {
				t.Errorf("got %v, want the failed save", err)
			}
		})
	}
}

func TestCursorLoadFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played("data: x\n\n"))
		_, err := collect(t, w.source(client.Options{Cursor: brokenCursor{}}))
		if e, ok := errors.AsType[*client.CursorError](err); !ok || e.Op != "load" || len(w.asked) != 0 {
			t.Errorf("got %v after %d requests, want the load's error before any", err, len(w.asked))
		}
	})
}

type brokenCursor struct{}

func (brokenCursor) Load(context.Context, string) (client.Position, bool, error) {
	return client.Position{}, false, errors.New("disk on fire")
}
func (brokenCursor) Save(context.Context, string, client.Position) error { return nil }

// Commit is for the body; from the observer it comes too late.
func TestCommitOutsideOfTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("id: 1\ndata: a\n\n")
			untilGone(r)
		})
		var es *client.EventSource
		es = w.source(client.Options{Observer: func(tr client.Transition) { es.Commit() }})
		for range es.Events(t.Context()) {
			break
		}
		equal(t, "position", es.LastEventID(), "")
	})
}

// What the next process could not send is not kept: repeats rather than loss.
func TestCursorKeepsAnIDThatCanBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played("id: 1\ndata: a\n\nid: x\x01\ndata: b\n\n"))
		c := newMemCursor()
		collect(t, w.source(client.Options{Backoff: exact, Cursor: c}))
		collect(t, w.source(client.Options{Backoff: exact, Cursor: c}))
		equal(t, "Last-Event-ID", w.ids, []string{"", "1", "1"})
	})
}

// A save that failed at a break is tried again by the next loop.
func TestSaveIsTriedAgainByTheNextLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n == 2 {
				rw.WriteHeader(204)
				return
			}
			stream(rw)("id: 1\ndata: a\n\nid: 2\ndata: b\n\n")
			untilGone(r)
		})
		c := newMemCursor()
		c.fail = errors.New("full")
		es := w.source(client.Options{Backoff: exact, Cursor: c})
		for range es.Events(t.Context()) {
			es.Commit()
			break
		}
		c.fail = nil
		_, err := collect(t, es) // 204
		equal(t, "second loop's error", err, nil)
		equal(t, "saved", c.saves, []string{"1"})
	})
}

// What a loop that panicked has not saved, the next one does.
func TestSaveAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			if n == 2 {
				rw.WriteHeader(204)
				return
			}
			stream(rw)("id: 1\ndata: a\n\nid: 2\ndata: b\n\n")
			untilGone(r)
		})
		c := newMemCursor()
		es := w.source(client.Options{Backoff: exact, Cursor: c})
		func() {
			defer func() { recover() }()
			for ev := range es.Events(t.Context()) {
				if ev.ID == "2" {
					panic("x")
				}
			}
		}()
		collect(t, es)
		equal(t, "saved", c.saves, []string{"1"})
	})
}

type waitingCursor struct{ brokenCursor }

func (waitingCursor) Load(ctx context.Context, _ string) (client.Position, bool, error) {
	<-ctx.Done()
	return client.Position{}, false, ctx.Err()
}

// A cancelled Load is the context's cause.
func TestCursorLoadCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stop) })
		for _, err := range mustNew(t, streamURL, client.Options{Cursor: waitingCursor{}}).Events(ctx) {
			if !errors.Is(err, stop) {
				t.Errorf("got %v, want the cause", err)
			}
		}
	})
}
