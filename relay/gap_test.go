package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/audit"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed/embedtest"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A reader whose position retention has taken away is told of a gap; one whose position
// is kept, or is the last one that went, is not.
func TestRetentionIsTold(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 1000})
	r, base, _ := start(t, Options{Upstream: up.URL, All: true, Alone: true, JetStream: embedtest.New(t), MaxEvents: 10})
	s := up.Session("abc")
	waitFor(t, func() bool { return up.Stats().Open >= 1 })
	const n = 40
	for i := range n {
		s.Message("user", fmt.Sprintf("m%d", i+1))
	}
	waitFor(t, func() bool { return r.Stats().Counter >= n })
	for _, test := range []struct {
		after string
		first string
		gap   bool
	}{
		{"1", "m31", true},
		{"29", "m31", true},
		{"30", "m31", false},
		{"31", "m32", false},
		{"0", "m31", false}, // all there is
	} {
		var gaps []*client.GapError
		o := fast()
		o.LastEventID = test.after
		o.Observer = func(tr client.Transition) {
			if g, ok := errors.AsType[*client.GapError](tr.Cause); ok {
				gaps = append(gaps, g)
			}
		}
		es, err := client.Session(base, "abc", &o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		for ev, err := range es.Events(ctx) {
			if err != nil {
				t.Fatalf("after %s: %v", test.after, err)
			}
			if got := text(t, ev); got != test.first {
				t.Errorf("after %s comes %s, want %s", test.after, got, test.first)
			}
			break
		}
		cancel()
		if (len(gaps) > 0) != test.gap {
			t.Errorf("after %s: gaps %v, want one: %v", test.after, gaps, test.gap)
		}
	}
}

// A reader that hops to another relay at each event gets each once and in order.
func TestHoppingReader(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 1000})
	js := embedtest.New(t)
	o := Options{Upstream: up.URL, All: true, JetStream: js, HoleWait: 100 * time.Millisecond}
	_, a, _ := start(t, o)
	_, b, _ := start(t, o)
	waitFor(t, func() bool { return up.Stats().Open >= 2 })
	s := up.Session("abc")
	const n = 30
	for i := range n {
		s.Message("user", fmt.Sprintf("m%d", i+1))
	}
	s.Ended("done")
	waitFor(t, func() bool { return known(t, a, "abc") && known(t, b, "abc") })
	var got []string
	at := "0"
	for hop := 0; len(got) < n; hop++ {
		base := []string{a, b}[hop%2]
		c := fast()
		c.LastEventID = at
		es, err := client.Session(base, "abc", &c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		for ev, err := range es.Events(ctx) {
			if err != nil {
				t.Fatalf("hop %d, behind %s: %v", hop, at, err)
			}
			got, at = append(got, text(t, ev)), ev.ID
			break
		}
		cancel()
	}
	wantTexts(t, got, n)
}

// A gap that the upstream had is told wherever a reader comes to it: live, or in the
// middle of what a relay has from before its start; on the session's stream and on that
// of all sessions. Nothing is passed over with it.
func TestUpstreamsGapIsTold(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 10})
	js := embedtest.New(t)
	o := Options{Upstream: up.URL, All: true, Alone: true, JetStream: js}
	live, liveBase, _ := start(t, o)
	waitFor(t, func() bool { return up.Stats().Open >= 1 })
	s := up.Session("abc")
	emit := func(from, to int) {
		for i := from; i <= to; i++ {
			s.Message("user", fmt.Sprintf("m%d", i))
		}
	}
	emit(1, 5)
	waitFor(t, func() bool { return live.Stats().Counter >= 5 })
	shut := shutUpstream(t, up)
	emit(6, 20) // the window has 11 to 20
	shut.Remove()
	waitFor(t, func() bool { return live.Stats().Counter >= 15 })
	emit(21, 25)
	waitFor(t, func() bool { return live.Stats().Counter >= 20 })

	_, late, _ := start(t, o) // all is from before its start
	waitFor(t, func() bool { return known(t, late, "abc") })
	for _, base := range []string{liveBase, late} {
		for _, all := range []bool{false, true} {
			var got []string
			gapAt := -1
			c := fast()
			c.LastEventID = "2"
			c.Observer = func(tr client.Transition) {
				if _, ok := errors.AsType[*client.GapError](tr.Cause); ok && gapAt < 0 {
					gapAt = len(got)
				}
			}
			es, err := client.Session(base, "abc", &c)
			if all {
				es, err = client.Global(base, &c)
			}
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			for ev, err := range es.Events(ctx) {
				if err != nil {
					t.Fatalf("all %v, live %v: %v after %v", all, base == liveBase, err, got)
				}
				if got = append(got, text(t, ev)); got[len(got)-1] == "m25" {
					break
				}
			}
			cancel()
			want := []string{"m3", "m4", "m5"}
			for i := 11; i <= 25; i++ {
				want = append(want, fmt.Sprintf("m%d", i))
			}
			if diff := cmp.Diff(want, got); diff != "" || gapAt != 3 {
				t.Errorf("all %v, live %v: a gap was told after %d events, want 3; events: %s", all, base == liveBase, gapAt, diff)
			}
		}
	}
}

// shutUpstream cuts all that follow an upstream, and lets nobody in until the handle is
// removed.
func shutUpstream(t *testing.T, up *testserver.Server) *testserver.Handle {
	t.Helper()
	h := up.Inject(fault.Status(503).Always())
	up.Drop()
	if err := up.WaitConns(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	return h
}

// A relay that starts after the upstream has lost events tells the gap also of a session
// that it follows on the stream of all sessions.
func TestGapBeforeTheStartIsTold(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 10})
	js := embedtest.New(t)
	o := Options{Upstream: up.URL, Sessions: []string{"taken", "abc"}, Alone: true, JetStream: js, UpstreamStreams: 1}
	up.Session("taken")
	s := up.Session("abc")
	emit := func(from, to int) {
		for i := from; i <= to; i++ {
			s.Message("user", fmt.Sprintf("m%d", i))
		}
	}
	first, _, stop := start(t, o)
	emit(1, 5)
	waitFor(t, func() bool { return len(storedTexts(t, js, o, "abc")) == 5 })
	if first.in.Following("abc") {
		t.Fatal("the session has a stream of its own")
	}
	stop()
	emit(6, 20)
	_, base, _ := start(t, o)
	waitFor(t, func() bool { return len(storedTexts(t, js, o, "abc")) == 15 })
	emit(21, 22)
	waitFor(t, func() bool { return len(storedTexts(t, js, o, "abc")) == 17 })
	emit(23, 23)
	s.Ended("done")
	if got, gap := readBehind(t, base, "abc", "2"); !gap || len(got) != 3+13 {
		t.Errorf("a gap was told: %v; events: %q", gap, got)
	}
}

// What one relay has lost and another has stored is no gap, also where the first goes on
// alone.
func TestWhatAnotherHasStoredIsNoGap(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 10})
	js := embedtest.New(t)
	line := audit.NewLine()
	var shut atomic.Bool
	cut := fast()
	cut.HTTPClient = &http.Client{Transport: line.Transport}
	cut.Request.Prepare = func(context.Context, *http.Request) error {
		if shut.Load() {
			return errors.New("cut off")
		}
		return nil
	}
	o := Options{Upstream: up.URL, All: true, JetStream: js, HoleWait: 100 * time.Millisecond}
	_, _, stop := start(t, o)
	alone := o
	alone.Client = func(string) client.Options { return cut }
	_, base, _ := start(t, alone)
	s := up.Session("abc")
	emit := func(from, to int) {
		for i := from; i <= to; i++ {
			s.Message("user", fmt.Sprintf("m%d", i))
		}
		waitFor(t, func() bool { return len(storedTexts(t, js, o, "abc")) == to })
	}
	emit(1, 3)
	waitFor(t, func() bool { return len(up.Conns("abc")) == 2 })
	shut.Store(true)
	line.Cut()
	waitFor(t, func() bool { return len(up.Conns("abc")) == 1 })
	emit(4, 20)
	stop()
	if err := up.Restart(testserver.KeepCounter, 0); err != nil { // and nothing can be had again
		t.Fatal(err)
	}
	shut.Store(false)
	waitFor(t, func() bool { return len(up.Conns("abc")) == 1 })
	emit(21, 22)
	s.Ended("done")
	if got, gap := readBehind(t, base, "abc", "2"); gap || len(got) != 20 {
		t.Errorf("a gap was told: %v; events: %q", gap, got)
	}
}

// readAllBehind reads so many messages of the stream of all sessions behind an id, and
// tells whether a gap was told before.
func readAllBehind(t *testing.T, base, after string, n int) (texts []string, gap bool) {
	t.Helper()
	o := fast()
	o.LastEventID = after
	o.Observer = func(tr client.Transition) {
		_, ok := errors.AsType[*client.GapError](tr.Cause)
		gap = gap || ok
	}
	es, err := client.Global(base, &o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for ev, err := range es.Events(ctx) {
		if err != nil {
			t.Fatalf("behind %s: %v after %q", after, err, texts)
		}
		if texts = append(texts, text(t, ev)); len(texts) == n {
			break
		}
	}
	return texts, gap
}
