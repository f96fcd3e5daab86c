package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

// five is a server of five events, of which each connection brings two.
func five(n int, rw http.ResponseWriter, r *http.Request) {
	var after int
	fmt.Sscan(r.Header.Get("Last-Event-ID"), &after)
	if after >= 5 {
		rw.WriteHeader(http.StatusNoContent)
		return
	}
	send := stream(rw)
	for id := after + 1; id <= min(after+2, 5); id++ {
		send(fmt.Sprintf("id: %d\ndata: %d\n\n", id, id))
	}
}

// With ManualCommit a source has two positions: a reconnect resumes behind the last
// event yielded, the cursor and the next loop behind the last one committed.
func TestManualCommitHasTwoPositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, five)
		c := newMemCursor()
		es := w.source(client.Options{Backoff: exact, Cursor: c, ManualCommit: true, RepeatWindow: 8})
		var got []string
		for ev, err := range es.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, ev.Data); ev.ID == "3" {
				if err := es.Commit(); err != nil {
					t.Error(err)
				}
			}
		}
		equal(t, "one loop", got, []string{"1", "2", "3", "4", "5"})
		equal(t, "asked", w.ids, []string{"", "2", "4", "5"})
		equal(t, "position", es.LastEventID(), "3")
		equal(t, "saves", c.saves, []string{"3"})

		// The next loop begins behind what was committed; what was not is no repeat.
		w.ids, got = nil, nil
		time.Sleep(time.Minute)
		for ev := range es.Events(t.Context()) {
			got = append(got, ev.Data)
		}
		equal(t, "next loop", got, []string{"4", "5"})
		equal(t, "asked", w.ids, []string{"3", "5"})
		equal(t, "repeats", es.Stats().Repeats, 0)
	})
}

// While the loop runs, a repeat of an event that is not yet committed is a repeat.
func TestManualCommitDropsRepeatsOfWhatIsNotCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played("id: 1\ndata: a\n\nid: 2\ndata: b\n\n", "id: 2\ndata: b\n\nid: 3\ndata: c\n\n", "id: 1\ndata: a\n\nid: 3\ndata: c\n\n"))
		es := w.source(client.Options{Backoff: exact, ManualCommit: true, RepeatWindow: 8})
		var got []string
		for ev := range es.Events(t.Context()) {
			if got = append(got, ev.Data); ev.ID == "2" {
				es.Commit()
			}
		}
		equal(t, "events", got, []string{"a", "b", "c"})
	})
}

// A batcher that leaves its loop at any event, by break, panic, cancel or Drain, has
// committed what its last Commit covers and nothing else.
func TestManualCommitWhereTheLoopEnds(t *testing.T) {
	for _, how := range []string{"break", "panic", "cancel", "drain"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, five)
			es := w.source(client.Options{Backoff: exact, ManualCommit: true})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			func() {
				defer func() { recover() }()
				for ev := range es.Events(ctx) {
					switch {
					case ev.ID == "2":
						es.Commit()
					case ev.ID != "4":
					case how == "break":
						return
					case how == "panic":
						panic("in the body")
					case how == "cancel":
						cancel()
					default:
						es.Drain()
					}
				}
			}()
			equal(t, how+": position", es.LastEventID(), "2")
		})
	}
}

// A Commit in BeforeWait, where a batch is flushed, covers all that the body is done
// with. The event in whose body the loop was left is not among it.
func TestCommitInBeforeWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			send := stream(rw)
			send("id: 1\ndata: a\n\nid: 2\ndata: b\n\n")
			time.Sleep(time.Second)
			send("id: 3\ndata: c\n\nid: 4\ndata: d\n\n")
			untilGone(r)
		})
		c := newMemCursor()
		var es *client.EventSource
		var batch, flushed []string
		es = w.source(client.Options{Cursor: c, ManualCommit: true, BeforeWait: func() error {
			flushed, batch = append(flushed, batch...), nil
			if len(c.saves) > len(flushed) {
				t.Error("saved before it was flushed")
			}
			return es.Commit()
		}})
		for ev := range es.Events(t.Context()) {
			if ev.ID == "4" {
				break // and 4 is in no batch
			}
			batch = append(batch, ev.ID)
		}
		equal(t, "flushed", flushed, []string{"1", "2", "3"})
		equal(t, "saves", c.saves, []string{"2", "3"})
		equal(t, "position", es.LastEventID(), "3")
	})
}

// Behind a loop Commit commits what it has yielded, if commits are manual.
func TestCommitBehindTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, five)
		c := newMemCursor()
		es := w.source(client.Options{Backoff: exact, Cursor: c, ManualCommit: true, RepeatWindow: 8})
		for ev := range es.Events(t.Context()) {
			if ev.ID == "3" {
				break
			}
		}
		if err := es.Commit(); err != nil {
			t.Fatal(err)
		}
		equal(t, "saves", c.saves, []string{"2"})
		for ev := range es.Events(t.Context()) {
			equal(t, "next loop begins with", ev.ID, "3")
			break
		}
		c.fail = errors.New("disk full")
		for ev := range es.Events(t.Context()) {
			if ev.ID == "4" {
				break
			}
		}
		if err := es.Commit(); !errors.Is(err, c.fail) {
			t.Errorf("got %v, want the cursor's error", err)
		}
	})
}

// A block without data moves the position by itself as long as nothing is
// uncommitted: a start block would be lost otherwise.
func TestManualCommitOfAStartBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played("id: 7\n\n", "id: 8\ndata: x\n\nid: 9\n\n"))
		c := newMemCursor()
		es := w.source(client.Options{Backoff: exact, Cursor: c, ManualCommit: true})
		collect(t, es)
		equal(t, "asked", w.ids, []string{"", "7", "9"})
		equal(t, "saves", c.saves, []string{"7"})
	})
}

// `Commit(); break` with a cursor that fails: nothing can be yielded any more, so
// Commit tells.
func TestCommitTellsOfAFailedSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, five)
		c := newMemCursor()
		es := w.source(client.Options{Cursor: c})
		c.fail = errors.New("disk full")
		for range es.Events(t.Context()) {
			err := es.Commit()
			if e, ok := errors.AsType[*client.CursorError](err); !ok || e.Op != "save" || !errors.Is(err, c.fail) {
				t.Errorf("got %v, want the cursor's error", err)
			}
			c.fail = nil
			if err := es.Commit(); err != nil || !slices.Equal(c.saves, []string{"1"}) {
				t.Errorf("again: %v, saves %v", err, c.saves)
			}
			break
		}
		equal(t, "position", es.LastEventID(), "1")
	})
}

// Flush, then save: at each wait, at the end however it comes, and with SaveEach at
// each event. A save never covers what is not flushed.
func TestFlushThenSave(t *testing.T) {
	for _, saveEach := range []bool{false, true} {
		for _, end := range []string{"break", "commit and break", "204", "cancel", "permanent", "drain"} {
			t.Run(fmt.Sprint(end, " SaveEach=", saveEach), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
						switch {
						case n == 1:
							stream(rw)("id: 1\ndata: a\n\nid: 2\ndata: b\n\n")
						case n == 2:
							stream(rw)("id: 3\ndata: c\n\nid: 4\ndata: d\n\n")
						case end == "permanent":
							rw.WriteHeader(http.StatusForbidden)
						default:
							rw.WriteHeader(http.StatusNoContent)
						}
					})
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					buffered, flushed := "0", "0"
					c := &checkedCursor{save: func(id string) {
						if id > flushed {
							t.Errorf("saved %s while %s was flushed", id, flushed)
						}
					}}
					es := w.source(client.Options{Backoff: exact, Cursor: c, SaveEach: saveEach, BeforeWait: func() error {
						flushed = buffered
						return nil
					}})
					for ev, err := range es.Events(ctx) {
						if err != nil {
							break
						}
						if buffered = ev.ID; buffered != "4" {
							continue
						}
						switch end {
						case "cancel":
							cancel()
						case "drain":
							es.Drain()
						case "commit and break":
							es.Commit()
						}
						if strings.HasSuffix(end, "break") {
							break
						}
					}
					want := "4"
					if end == "break" {
						want = "3"
					}
					equal(t, "saved at the end", c.saved, want)
					equal(t, "flushed at the end", flushed, "4")
				})
			})
		}
	}
}

// checkedCursor calls a function for each save.
type checkedCursor struct {
	saved string
	save  func(id string)
}

func (c *checkedCursor) Load(context.Context, string) (client.Position, bool, error) {
	return client.Position{}, false, nil
}

func (c *checkedCursor) Save(_ context.Context, _ string, p client.Position) error {
	c.save(p.LastEventID)
	c.saved = p.LastEventID
	return nil
}

// An error of BeforeWait keeps the position where it is: it is reported once, tried
// again, and joined to the loop's error if it lasts.
func TestBeforeWaitThatFails(t *testing.T) {
	full := errors.New("disk full")
	for _, recovers := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, five)
			c := newMemCursor()
			calls, reports := 0, 0
			es := w.source(client.Options{Backoff: exact, Cursor: c, BeforeWait: func() error {
				if calls++; calls < 4 || !recovers {
					return full
				}
				return nil
			}, Observer: func(tr client.Transition) {
				if _, ok := errors.AsType[*client.BeforeWaitError](tr.Cause); ok && tr.From == tr.State {
					reports++
				}
			}})
			_, err := collect(t, es)
			equal(t, "reports", reports, 1)
			if recovers {
				if err != nil || c.ids[es.Target()] != "5" {
					t.Errorf("got %v, saved %q", err, c.ids)
				}
			} else if !errors.Is(err, full) || len(c.saves) != 0 {
				t.Errorf("got %v and saves %v, want the error and none", err, c.saves)
			}
			if !recovers {
				equal(t, "position", es.LastEventID(), "5") // for a next loop it is committed, and saved by that
			}
		})
	}
}

// An error that no retry will mend, of a cursor that has lost its claim or of
// BeforeWait, ends the loop at once: nothing more is yielded, and nothing saved.
func TestPermanentErrorOfACallback(t *testing.T) {
	fenced := errors.New("another process has the claim")
	for _, of := range []string{"cursor", "BeforeWait"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
				stream(rw)("id: 1\ndata: a\n\nid: 2\ndata: b\n\n")
				untilGone(r)
			})
			c := newMemCursor()
			opts := client.Options{Backoff: exact, Cursor: c}
			if of == "cursor" {
				c.fail = backoff.Permanent(fenced)
			} else {
				n := 0
				opts.BeforeWait = func() error {
					if n++; n > 2 {
						return backoff.Permanent(fenced)
					}
					return nil
				}
			}
			data, err := collect(t, w.source(opts))
			if !errors.Is(err, fenced) || w.now() != 0 {
				t.Errorf("%s: got %v after %v, want its error at once", of, err, w.now())
			}
			equal(t, of+": events", data, []string{"a", "b"})
			equal(t, of+": saves", len(c.saves), 0)
		})
	}
}

// So does one that comes while the loop waits for its next attempt: the wait is over.
func TestPermanentErrorInAWait(t *testing.T) {
	fenced := errors.New("another process has the claim")
	for _, wait := range []string{"a delay", "the breaker's turn", "the pace of the last loop"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) })
			failing := false
			opts := client.Options{Backoff: backoff.Policy{Initial: 20 * time.Second}, BeforeWait: func() error {
				if !failing {
					return nil
				}
				return backoff.Permanent(fenced)
			}}
			opts.Observer = func(tr client.Transition) {
				failing = failing || tr.State == client.Waiting && wait == "a delay"
			}
			switch wait {
			case "the breaker's turn":
				failing = true
				opts.Breaker = new(backoff.Breaker)
				opts.Breaker.TryAcquire().Fail(nil, time.Minute)
			case "the pace of the last loop":
				opts.FailFast = true
			}
			es := w.source(opts)
			if wait == "the pace of the last loop" {
				collect(t, es)
				failing = true
			}
			_, err := collect(t, es)
			if !errors.Is(err, fenced) || w.now() != 0 {
				t.Errorf("%s: got %v after %v, want its error at once", wait, err, w.now())
			}
			if n := len(w.asked); n > 1 {
				t.Errorf("%s: %d requests", wait, n)
			}
			time.Sleep(2 * time.Minute) // the breaker's timer
		})
	}
}

// And one that comes with the last event of a session is the loop's error, although
// the stream is over.
func TestPermanentErrorAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, played("id: 1\ndata: {\"event\":\"ended\"}\n\n"))
		c := newMemCursor()
		c.fail = backoff.Permanent(errors.New("another process has the claim"))
		es, err := client.Session("http://stream.test", "abc", &client.Options{HTTPClient: w.client, Cursor: c, SaveEach: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := collect(t, es); !errors.Is(err, c.fail) {
			t.Errorf("got %v, want the cursor's error", err)
		}
	})
}
