package client_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

// What the frames of a server tell that says nothing of gaps itself. The server is
// an aegis, which behaves as the real ones do.

const newRun = `gap after event "%d": server's counter has a new run`

// emitMany emits events from 1 to n, told apart by a prefix.
func (a *aegis) emitMany(prefix string, n int) {
	for i := range n {
		a.emit(prefix + strconv.Itoa(i+1))
	}
}

// names are what emitMany emits, with ids from first on.
func names(first int, prefix string, from, to int) (s []string) {
	for i := from; i <= to; i++ {
		s = append(s, fmt.Sprintf("%d %s%d", first+i-from, prefix, i))
	}
	return s
}

// A restarted server counts from 1. Its first event below the position is later
// than the position: that is a new run, and certain.
func TestNewRunIsToldByTime(t *testing.T) {
	for _, global := range []bool{false, true} {
		for _, manual := range []bool{false, true} {
			t.Run(fmt.Sprintf("global=%v/manual=%v", global, manual), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := newAegis(t)
					a.elsewhere(100)
					es := a.source(global, client.Options{ManualCommit: manual})
					got, err := a.play(es, func() {
						a.emitMany("a", 2)
						a.restart()
						a.emitMany("lost", 3)
						time.Sleep(2 * time.Second)
						a.emitMany("b", 3)
					})
					if err != nil {
						t.Error(err)
					}
					equal(t, "events", got, append(names(101, "a", 1, 2), names(4, "b", 1, 3)...))
					equal(t, "gaps", a.gaps(), []string{fmt.Sprintf(newRun, 102)})
					equal(t, "asked", a.ids, []string{"", "102"})
				})
			})
		}
	}
}

// The id of the first event behind a restart may be that of the position.
func TestNewRunWithTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAegis(t)
		es := a.source(false, client.Options{})
		got, err := a.play(es, func() {
			a.emitMany("a", 2)
			a.restart()
			a.emit("lost")
			time.Sleep(2 * time.Second)
			a.emit("b")
			a.cut()
			time.Sleep(2 * time.Second)
			a.emit("c")
		})
		if err != nil {
			t.Error(err)
		}
		equal(t, "events", got, []string{"1 a1", "2 a2", "2 b", "3 c"})
		equal(t, "gaps", a.gaps(), []string{fmt.Sprintf(newRun, 2)})
	})
}

// An old event that comes again, and is not among the last that were remembered, is
// a repeat and no new run.
func TestOldEventIsNoNewRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAegis(t)
		es := a.source(false, client.Options{RepeatWindow: backoff.Off})
		_, err := a.play(es, func() {
			a.emitMany("a", 3)
			a.send(a.own[0].text)
			a.send(a.own[2].text)
			a.emit("b")
		})
		if err != nil {
			t.Error(err)
		}
		equal(t, "gaps", a.gaps(), nil)
	})
}

// With FailOnGap a new run ends the loop before its first event; the next loop meets
// it again; once it is accepted, all that the new run still has is asked for.
func TestNewRunFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAegis(t)
		a.elsewhere(100)
		es := a.source(false, client.Options{FailOnGap: true})
		got, err := a.play(es, func() {
			a.emit("a")
			a.restart()
			a.emitMany("early", 2)
			time.Sleep(2 * time.Second)
			a.emit("b")
		})
		gap, ok := err.(*client.GapError)
		if !ok || !gap.Certain || !gap.NewRun || gap.Asked != "101" || !slices.Equal(got, []string{"101 a"}) {
			t.Fatalf("got %v, %v; want a new run behind 101", got, err)
		}
		got, err = a.play(es, func() { a.emit("c") })
		if again, ok := err.(*client.GapError); !ok || again.Asked != "101" || len(got) > 0 {
			t.Fatalf("got %v, %v; want the gap again", got, err)
		} else if err := es.Accept(again); err != nil {
			t.Fatal(err)
		}
		got, err = a.play(es, func() { a.emit("d") })
		if err != nil {
			t.Error(err)
		}
		equal(t, "events", got, []string{"1 early1", "2 early2", "3 b", "4 c", "5 d"})
		equal(t, "asked", a.ids, []string{"", "101", "101", "0"})
	})
}

// A cursor keeps when the position's event was emitted, so that another process
// finds a new run as well. One that kept no time can't.
func TestNewRunBehindACursor(t *testing.T) {
	for _, tt := range []struct {
		at   time.Time
		gaps []string
	}{
		{time.Date(2000, 1, 1, 0, 0, 0, 5e6, time.UTC), []string{fmt.Sprintf(newRun, 102)}},
		{time.Time{}, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := newAegis(t)
			kept := &keeping{p: client.Position{LastEventID: "102", Time: tt.at}, ok: true}
			_, err := a.play(a.source(false, client.Options{Cursor: kept}), func() { a.emitMany("a", 2) })
			if err != nil {
				t.Error(err)
			}
			equal(t, "gaps", a.gaps(), tt.gaps)
			want := client.Position{LastEventID: "2", Time: a.start.Add(time.Second + 2*time.Millisecond).UTC()}
			equal(t, "kept", kept.p, want)
		})
	}
}

// A keeping cursor keeps one position.
type keeping struct {
	p  client.Position
	ok bool
}

func (k *keeping) Load(context.Context, string) (client.Position, bool, error) { return k.p, k.ok, nil }
func (k *keeping) Save(_ context.Context, _ string, p client.Position) error {
	k.p, k.ok = p, true
	return nil
}

// As many events as the server keeps may be the end of more, unless they begin where
// the position is.
func TestFullReplay(t *testing.T) {
	for _, tt := range []struct {
		name   string
		missed int   // events while the client is away
		ids    int64 // of other sessions, before the first of them
		window int
		gap    string
	}{
		{"too short to be all", 49, 7, 0, ""},
		{"full", 50, 7, 0, `possible gap after event "1": replay is as long as the server keeps events (at "8")`},
		{"full, and all of it", 50, 0, 0, ""},
		{"more than full", 60, 7, 0, `possible gap after event "1": replay is as long as the server keeps events (at "18")`},
		{"more than full, no holes", 60, 0, 0, `possible gap after event "1": replay is as long as the server keeps events (at "11")`},
		{"another window", 20, 7, 20, `possible gap after event "1": replay is as long as the server keeps events (at "8")`},
		{"another window, too short", 20, 7, 21, ""},
		{"not looked for", 60, 7, backoff.Off, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAegis(t)
				es := a.source(false, client.Options{ServerWindow: tt.window})
				got, err := a.play(es, func() {
					a.emit("a")
					time.Sleep(10 * time.Second)
					a.cut()
					a.elsewhere(tt.ids)
					a.emitMany("b", tt.missed)
					time.Sleep(5 * time.Second)
					a.emitMany("live", 60) // which is no replay, however much it is
				})
				if err != nil {
					t.Error(err)
				}
				if want := 1 + min(tt.missed, aegisWindow) + 60; len(got) != want {
					t.Errorf("got %d events, want %d", len(got), want)
				}
				var want []string
				if tt.gap != "" {
					want = []string{tt.gap}
				}
				equal(t, "gaps", a.gaps(), want)
			})
		})
	}
}

// A replay that holds the position itself reaches back far enough, however long it
// is; here the server begins with the event that it is asked behind.
func TestReplayThatHoldsThePosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAegis(t)
		es := a.source(false, client.Options{})
		_, err := a.play(es, func() {
			a.elsewhere(1)
			a.emit("a")
			a.cut()
			a.elsewhere(7)
			a.emitMany("b", 49)
			a.set(func() { a.inclusive = true })
			time.Sleep(2 * time.Second)
		})
		if err != nil {
			t.Error(err)
		}
		equal(t, "gaps", a.gaps(), nil)
	})
}

// With FailOnUncertainGap the loop ends at the last event of a full replay, when it
// is known to be full; the next loop, of the next process too, meets the gap again,
// and accepted it is over.
func TestFullReplayFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAegis(t)
		kept := &keeping{}
		es := a.source(false, client.Options{FailOnUncertainGap: true, Cursor: kept})
		got, err := a.play(es, func() {
			a.emit("a")
			a.cut()
			a.elsewhere(7)
			a.emitMany("b", 55)
		})
		gap, ok := err.(*client.GapError)
		if !ok || gap.Certain || gap.NewRun || gap.Asked != "1" || gap.Given != "13" || len(got) != 50 {
			t.Fatalf("got %d events, %v; want 50 and the gap", len(got), err)
		}
		equal(t, "kept", kept.p.LastEventID, "1")

		another := a.source(false, client.Options{FailOnUncertainGap: true, Cursor: kept})
		got, err = a.play(another, func() {})
		if e, ok := err.(*client.GapError); !ok || e.Asked != "1" || len(got) != 49 {
			t.Fatalf("another process: got %d events, %v; want 49 and the gap", len(got), err)
		}

		got, err = a.play(es, func() {})
		again, ok := err.(*client.GapError)
		if !ok || again.Asked != "1" || len(got) > 0 {
			t.Fatalf("next loop: got %v, %v; want the gap, and no repeats", got, err)
		}
		if err := es.Accept(again); err != nil {
			t.Fatal(err)
		}
		got, err = a.play(es, func() { a.emit("c") })
		if err != nil {
			t.Error(err)
		}
		equal(t, "events", got, []string{"63 b55", "64 c"})
		equal(t, "kept", kept.p.LastEventID, "64")
	})
}

// A global stream's ids are contiguous; a jump behind a reconnect may have lost
// something, one in between shows that they are not contiguous here.
func TestJumpOnGlobalStream(t *testing.T) {
	jump := func(after, at int) string {
		return fmt.Sprintf(`possible gap after event "%d": ids have jumped (at "%d")`, after, at)
	}
	for _, tt := range []struct {
		name   string
		script func(a *aegis)
		gaps   []string
	}{
		{"behind a reconnect", func(a *aegis) {
			a.emitMany("a", 2)
			a.cut()
			a.elsewhere(3)
			a.emit("b")
		}, []string{jump(2, 5)}},
		{"each time", func(a *aegis) {
			a.emitMany("a", 2)
			for range 2 {
				a.cut()
				a.elsewhere(3)
				a.emit("b")
				time.Sleep(3 * time.Second)
			}
		}, []string{jump(2, 5), jump(6, 9)}},
		{"none", func(a *aegis) {
			a.emitMany("a", 2)
			a.cut()
			a.emitMany("b", 40)
		}, nil},
		{"never contiguous", func(a *aegis) {
			a.emit("a")
			a.elsewhere(3)
			a.emit("b")
			a.cut()
			a.elsewhere(3)
			a.emit("c")
		}, nil},
		{"in one connection", func(a *aegis) {
			a.emitMany("a", 2)
			a.elsewhere(3)
			a.emitMany("b", 2)
			a.elsewhere(3)
			a.emit("c")
			a.cut()
			a.elsewhere(3)
			a.emit("d")
		}, []string{jump(2, 5)}},
		{"and the window is full: told once", func(a *aegis) {
			a.emitMany("a", 2)
			a.cut()
			a.emitMany("b", 60)
		}, []string{jump(2, 12)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAegis(t)
				if _, err := a.play(a.source(true, client.Options{}), func() { tt.script(a) }); err != nil {
					t.Error(err)
				}
				equal(t, "gaps", a.gaps(), tt.gaps)
			})
		})
	}
}

// As an error the jump ends the loop before the event behind it, and is met again
// until it is accepted.
func TestJumpFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAegis(t)
		es := a.source(true, client.Options{FailOnUncertainGap: true})
		got, err := a.play(es, func() {
			a.emitMany("a", 2)
			a.cut()
			a.elsewhere(3)
			a.emit("b")
		})
		var gap *client.GapError
		for range 2 {
			ok := false
			if gap, ok = err.(*client.GapError); !ok || gap.Asked != "2" || gap.Given != "5" {
				t.Fatalf("got %v, %v; want the jump", got, err)
			}
			got, err = a.play(es, func() {})
		}
		if gap, _ = err.(*client.GapError); gap == nil {
			t.Fatalf("got %v, %v; want the jump", got, err)
		}
		if err := es.Accept(gap); err != nil {
			t.Fatal(err)
		}
		got, err = a.play(es, func() {})
		if err != nil {
			t.Error(err)
		}
		equal(t, "events", got, []string{"6 b"})
	})
}

// On a global stream without ids nobody can tell what came between two connections:
// each reconnect is a possible gap, also when only the event behind it shows that
// there are no ids.
func TestGlobalStreamWithoutIDs(t *testing.T) {
	const gap = `possible gap after event "": stream has no ids: nothing tells what came meanwhile`
	for _, tt := range []struct {
		name   string
		script func(a *aegis)
		events []string
		gaps   int
	}{
		{"each reconnect", func(a *aegis) {
			a.emit("a")
			for range 3 {
				a.cut()
				time.Sleep(5 * time.Second)
			}
		}, []string{"a"}, 3},
		{"before the first event", func(a *aegis) {
			a.cut()
			time.Sleep(5 * time.Second)
			a.emitMany("a", 2)
		}, []string{"a1", "a2"}, 1},
		{"no reconnect", func(a *aegis) { a.emitMany("a", 3) }, []string{"a1", "a2", "a3"}, 0},
		{"no event", func(a *aegis) { a.cut() }, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAegis(t)
				a.noGlobalIDs = true
				got, err := a.play(a.source(true, client.Options{}), func() { tt.script(a) })
				if err != nil {
					t.Error(err)
				}
				equal(t, "events", got, tt.events)
				equal(t, "gaps", a.gaps(), append([]string(nil), slices.Repeat([]string{gap}, tt.gaps)...))
			})
		})
	}
}

// A stream that is lost before its first event has no position. The next attempt
// asks for all there is, and what is older than the first connection is dropped: so
// nothing is missed, and nothing comes that was not live.
func TestAbsenceBeforeTheFirstEvent(t *testing.T) {
	for _, global := range []bool{false, true} {
		for _, tt := range []struct {
			name   string
			script func(a *aegis)
			events []string
			gaps   []string
		}{
			{"missed ones come", func(a *aegis) {
				a.cut()
				a.emitMany("missed", 2)
				time.Sleep(2 * time.Second)
				a.emit("live")
			}, []string{"4 missed1", "5 missed2", "6 live"}, nil},
			{"lost again and again", func(a *aegis) {
				for range 3 {
					a.cut()
					time.Sleep(10 * time.Second)
				}
				a.cut()
				a.emit("missed")
			}, []string{"4 missed"}, nil},
			{"the clock was put back", func(a *aegis) {
				a.cut()
				a.set(func() { a.behind = time.Hour })
				a.emit("missed")
			}, []string{"1 old1", "2 old2", "3 old3", "4 missed"}, nil},
			{"more than the server keeps", func(a *aegis) {
				a.cut()
				a.emitMany("missed", 55)
				time.Sleep(2 * time.Second)
				a.cut()
			}, names(9, "missed", 6, 55), []string{`possible gap after event "": replay is as long as the server keeps events (at "8")`}},
			{"as much as it keeps, and an older one", func(a *aegis) {
				a.cut()
				a.emitMany("missed", 49)
			}, names(4, "missed", 1, 49), nil},
		} {
			t.Run(fmt.Sprintf("global=%v/%s", global, tt.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := newAegis(t)
					a.emitMany("old", 3)
					time.Sleep(time.Second)
					got, err := a.play(a.source(global, client.Options{}), func() { tt.script(a) })
					if err != nil {
						t.Error(err)
					}
					equal(t, "events", got, tt.events)
					equal(t, "gaps", a.gaps(), tt.gaps)
					if a.ids[0] != "" || a.ids[1] != "0" {
						t.Errorf("asked %q, want first for nothing and then for all", a.ids)
					}
				})
			})
		}
	}
}

// A body that leaves at its first event gets it again, although there is no position
// behind which to ask. Seek begins anew.
func TestFirstEventComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAegis(t)
		a.emit("old")
		time.Sleep(time.Second)
		es := a.source(false, client.Options{})
		time.AfterFunc(time.Second, func() { a.emitMany("a", 2) })
		for ev, err := range es.Events(t.Context()) {
			if err != nil || textOf(t, ev) != "2 a1" {
				t.Fatalf("got %v, %v", ev, err)
			}
			break
		}
		time.Sleep(time.Minute)
		got, err := a.play(es, func() {})
		if err != nil {
			t.Error(err)
		}
		equal(t, "events", got, []string{"2 a1", "3 a2"})
		if err := es.Seek(""); err != nil {
			t.Fatal(err)
		}
		got, err = a.play(es, func() { a.emit("live") })
		if err != nil {
			t.Error(err)
		}
		equal(t, "events", got, []string{"4 live"})
		equal(t, "asked", a.ids, []string{"", "0", ""})
	})
}

// A server that shuts down says so on the global stream, and leaves it open for a
// while. It is left at once, with the delay of a lost stream.
func TestShutdownIsLeftAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAegis(t)
		got, err := a.play(a.source(true, client.Options{}), func() {
			a.emit("a")
			time.Sleep(10 * time.Second)
			a.send(`data: {"event":"shutdown","sessionId":"","timestamp":"` + a.now() + `","data":{}}` + "\n\n")
		})
		if err != nil {
			t.Error(err)
		}
		equal(t, "events", got, []string{"1 a", "shutdown"})
		equal(t, "asked", a.ids, []string{"", "1"})
		equal(t, "gaps", a.gaps(), nil)
		if at := a.asked[1] - a.asked[0]; at < 12*time.Second || at > 12*time.Second+10*time.Millisecond {
			t.Errorf("asked again after %v, want the 11 s until shutdown, and 1 s", at)
		}
		i := slices.IndexFunc(a.observed, func(tr client.Transition) bool { return tr.State == client.Waiting })
		if i < 0 || a.observed[i].Cause != client.ErrShutdown {
			t.Errorf("observed %v, want ErrShutdown as the cause", a.observed)
		}
	})
}

// A server that has nothing else to say is not healthy.
func TestShutdownIsNoSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ int, rw http.ResponseWriter, r *http.Request) {
			stream(rw)("data: {\"event\":\"connected\"}\n\ndata: {\"event\":\"shutdown\",\"data\":{}}\n\n")
			untilGone(r)
		})
		es, err := client.Global("http://stream.test", &client.Options{HTTPClient: w.client, Backoff: exact})
		if err != nil {
			t.Fatal(err)
		}
		_, err = collect(t, es)
		if gaveUp, ok := errors.AsType[*client.GiveUpError](err); !ok || gaveUp.Attempts > 20 {
			t.Errorf("got %v, want a give-up after growing delays", err)
		}
	})
}

// A session that is not known any more is gone, and not just not found: it was
// followed, by this source or by the process before.
func TestSessionGone(t *testing.T) {
	for name, opts := range map[string]client.Options{
		"by this source":          {},
		"by the process before":   {Cursor: &keeping{p: client.Position{LastEventID: "7"}, ok: true}},
		"by nobody":               {Cursor: &keeping{}},
		"by nobody, all there is": {LastEventID: "0"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAegis(t)
				a.unknown = name != "by this source"
				_, err := a.play(a.source(false, opts), func() {
					a.set(func() { a.unknown = true })
					a.restart()
				})
				gone, ok := errors.AsType[*client.SessionGoneError](err)
				if want := !strings.HasPrefix(name, "by nobody"); ok != want || ok && gone.Session != "abc" {
					t.Errorf("got %v; gone: %v, want %v", err, ok, want)
				}
				if refused, ok := errors.AsType[*client.ResponseError](err); !ok || refused.StatusCode != http.StatusNotFound {
					t.Errorf("got %v, want a *ResponseError of 404 inside", err)
				}
			})
		})
	}
}

// A server that names its run speaks for itself: nothing is guessed.
func TestNothingIsGuessedOfANamedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAegis(t)
		a.run = "r1"
		got, err := a.play(a.source(true, client.Options{}), func() {
			a.cut()
			a.emit("missed") // it is live: such a server says where live begins
			time.Sleep(5 * time.Second)
			a.emitMany("a", 2)
			a.cut()
			a.elsewhere(3)
			a.emitMany("b", 60)
			time.Sleep(5 * time.Second)
			a.set(func() { a.last = 1 })
			a.emit("below")
		})
		if err != nil {
			t.Error(err)
		}
		if len(got) != 53 {
			t.Errorf("got %d events, want 53", len(got))
		}
		equal(t, "gaps", a.gaps(), nil)
		equal(t, "asked", a.ids, []string{"", "", "3"})
	})
}

// The recordings of real servers, cut behind each frame: all events, in order, none
// twice, and no gap is made up.
func TestRecordingsCutEverywhere(t *testing.T) {
	for _, name := range []string{"0.6.6-session", "0.6.6-global", "1.3.3-session"} {
		t.Run(name, func(t *testing.T) {
			frames := recorded(t, name)
			for cut := 1; cut < len(frames); cut++ {
				synctest.Test(t, func(t *testing.T) { followRecording(t, frames, cut, strings.HasSuffix(name, "global")) })
			}
		})
	}
}

// followRecording plays the frames up to a cut, and the rest as a replay.
func followRecording(t *testing.T, frames []recordedFrame, cut int, global bool) {
	hello := `data: {"event":"connected","timestamp":"2026-11-24T15:00:00.000Z"}` + "\n\n"
	w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
		if n == 1 {
			send := stream(rw)
			for _, f := range frames[:cut] {
				send(f.wire)
			}
			panic(http.ErrAbortHandler)
		}
		if n > 2 {
			rw.WriteHeader(http.StatusNoContent)
			return
		}
		asked, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
		send := stream(rw)
		send(hello)
		for _, f := range frames {
			if f.id > asked {
				send(f.wire)
			}
		}
	})
	opts := client.Options{Backoff: exact, FollowEnded: true, FailOnGap: true, FailOnUncertainGap: true, HTTPClient: w.client}
	es, err := client.Session("http://stream.test", "abc", &opts)
	if global {
		es, err = client.Global("http://stream.test", &opts)
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := collect(t, es)
	if err != nil {
		t.Errorf("cut behind frame %d: %v", cut, err)
	}
	var want []string
	for _, f := range frames {
		if f.id > 0 {
			want = append(want, f.data)
		}
	}
	equal(t, fmt.Sprintf("events, cut behind frame %d", cut), data, want)
}

type recordedFrame struct {
	id         int
	data, wire string
}

func recorded(t *testing.T, name string) (frames []recordedFrame) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "session", "testdata", "aegis", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var line struct {
			ID   string
			Data json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		f := recordedFrame{data: string(line.Data), wire: "data: " + string(line.Data) + "\n\n"}
		if line.ID != "" {
			f.wire = "id: " + line.ID + "\n" + f.wire
			f.id, _ = strconv.Atoi(line.ID)
		}
		frames = append(frames, f)
	}
	return frames
}
