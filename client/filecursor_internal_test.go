package client

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// Saves that come while a write is under way go into the next one, all together,
// and return when that is on the disk.
func TestFileCursorWaitingSavesGoIntoOneWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor")
	c, err := OpenFileCursor(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.turn <- struct{}{} // a write that is under way
	const n = 100
	var saves sync.WaitGroup
	for i := range n {
		saves.Go(func() {
			if err := c.Save(t.Context(), fmt.Sprint("target ", i), Position{LastEventID: "1"}); err != nil {
				t.Error(err)
			}
		})
	}
	for waiting := 0; waiting < n; runtime.Gosched() {
		c.mu.Lock()
		if c.waiting != nil {
			waiting = len(c.waiting.changes)
		}
		c.mu.Unlock()
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(os.ErrProcessDone)
	if err := c.Save(ctx, "late", Position{LastEventID: "1"}); err != os.ErrProcessDone {
		t.Errorf("a save whose context is done returned %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a save was written out of turn")
	}
	<-c.turn
	saves.Wait()
	got, err := readCursorFile(path)
	if err != nil || len(got.entries) < n {
		t.Errorf("%d positions are on the disk, %v", len(got.entries), err)
	}
	if b := c.waiting; b != nil {
		t.Errorf("%d changes still wait", len(b.changes))
	}
}

// What has ended is kept for an hour, and then forgotten by the next write.
func TestFileCursorForgetsWhatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "cursor")
		c, err := OpenFileCursor(path)
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		has := func(target string) bool { _, ok, _ := c.Load(ctx, target); return ok }
		c.saveEnded(ctx, "over", Position{LastEventID: "9"})
		time.Sleep(59 * time.Minute)
		c.Save(ctx, "other", Position{LastEventID: "1"})
		if !has("over") {
			t.Error("the position was forgotten before the hour")
		}
		c.Close()
		if c, err = OpenFileCursor(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		c.Save(ctx, "other", Position{LastEventID: "2"})
		if has("over") || !has("other") {
			t.Error("want the position forgotten after the hour, and the other kept")
		}
		c.saveEnded(ctx, "again", Position{LastEventID: "9"})
		c.Save(ctx, "again", Position{LastEventID: "10"}) // its session was created again
		time.Sleep(2 * time.Hour)
		c.Save(ctx, "other", Position{LastEventID: "3"})
		if !has("again") {
			t.Error("a position was forgotten whose stream goes on")
		}
		if err := c.Forget(ctx, "again"); err != nil || has("again") {
			t.Errorf("forget: %v", err)
		}
		c.Close()
		if err := c.Save(ctx, "x", Position{}); err != errCursorClosed {
			t.Errorf("save after close: %v", err)
		}
	})
}

// A session stream that is over leaves a position that will be forgotten; one that
// is left does not.
func TestSessionThatEndedIsForgotten(t *testing.T) {
	srv := testserver.New(t)
	path := filepath.Join(t.TempDir(), "cursor")
	c, err := OpenFileCursor(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ended := func(id string) (ended, ok bool) {
		es, err := Session(srv.URL, id, &Options{Cursor: c, LastEventID: "0"})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range es.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if id == "left" {
				es.Commit()
				break
			}
		}
		f, err := readCursorFile(path)
		if err != nil {
			t.Fatal(err)
		}
		e, ok := f.entries[es.Target()]
		return !e.Ended.IsZero(), ok
	}
	for _, id := range []string{"over", "left"} {
		s := srv.Session(id)
		s.Status("working", "")
		if id == "over" {
			s.Ended("done")
		}
		if got, ok := ended(id); got != (id == "over") || !ok {
			t.Errorf("%s: ended %v, %v", id, got, ok)
		}
	}
	if got, ok := ended("over"); !got || !ok { // 204: it has all there is
		t.Errorf("over, once more: ended %v, %v", got, ok)
	}
}
