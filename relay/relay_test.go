package relay

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed/embedtest"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// fast are client options whose delays fit a test.
func fast() client.Options {
	return client.Options{Backoff: backoff.Policy{Initial: 10 * time.Millisecond, Max: 200 * time.Millisecond, GiveUp: time.Minute}}
}

// start runs a relay, and returns where its readers find it and what stops it.
func start(t testing.TB, o Options) (*Relay, string, func()) {
	t.Helper()
	if o.Client == nil {
		o.Client = func(string) client.Options { return fast() }
	}
	r, err := New(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != context.Canceled {
			t.Errorf("relay: %v", err)
		}
	})
	hs := httptest.NewServer(r)
	stop := sync.OnceFunc(func() {
		cancel()
		end, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		r.Shutdown(end)
		wg.Wait()
		hs.Close()
	})
	t.Cleanup(stop)
	return r, hs.URL, stop
}

// read follows a session of a relay to its end, and returns the texts of its messages.
func read(t testing.TB, base, id string) (texts []string) {
	t.Helper()
	o := fast()
	o.LastEventID = "0"
	es, err := client.Session(base, id, &o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ev, err := range es.Events(ctx) {
		if err != nil {
			t.Fatalf("reader of %s after %d events: %v", id, len(texts), err)
		}
		env, err := session.Parse(ev)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := env.Decode(); err == nil {
			if m, ok := data.(session.MessageData); ok {
				texts = append(texts, m.Text)
			}
		}
	}
	return texts
}

func wantTexts(t testing.TB, got []string, n int) {
	t.Helper()
	if len(got) != n {
		t.Errorf("%d messages, want %d: %v", len(got), n, got)
		return
	}
	for i, text := range got {
		if want := fmt.Sprintf("m%d", i+1); text != want {
			t.Errorf("message %d is %q, want %q", i+1, text, want)
		}
	}
}

// A session's events go through the relay to readers that come early, late and after
// the upstream has forgotten them.
func TestSessionThroughTheRelay(t *testing.T) {
	up := testserver.New(t)
	_, base, _ := start(t, Options{Upstream: up.URL, All: true, Alone: true, JetStream: embedtest.New(t)})
	s := up.Session("abc")
	const n = 200 // more than the upstream's window
	var early []string
	var wg sync.WaitGroup
	waitFor(t, func() bool { return up.Stats().Open >= 1 })
	for i := range n {
		s.Message("assistant", fmt.Sprintf("m%d", i+1))
		if i == 0 {
			waitFor(t, func() bool { return known(t, base, "abc") })
			wg.Go(func() { early = read(t, base, "abc") })
		}
	}
	s.Ended("done")
	wg.Wait()
	wantTexts(t, early, n)
	wantTexts(t, read(t, base, "abc"), n)
}

// known tells whether a relay has a session.
func known(t testing.TB, base, id string) bool {
	resp, err := httpHead(t, base+session.EventsPath(id))
	return err == nil && resp != 404
}

// Two relays of one upstream store each event once; one that starts later finds all.
func TestTwoRelays(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 1000})
	js := embedtest.New(t)
	o := Options{Upstream: up.URL, All: true, JetStream: js, HoleWait: 200 * time.Millisecond}
	_, a, _ := start(t, o)
	_, b, stopB := start(t, o)
	const sessions, n = 5, 60
	waitFor(t, func() bool { return up.Stats().Open >= 2 })
	var ss []*server.Session
	for i := range sessions {
		ss = append(ss, up.Session(fmt.Sprintf("s%d", i)))
	}
	for i := range n {
		for _, s := range ss {
			s.Message("user", fmt.Sprintf("m%d", i+1))
		}
		if i == n/2 {
			up.Drop()
		}
		if i == 2*n/3 {
			stopB()
		}
	}
	for _, s := range ss {
		s.Ended("done")
	}
	_ = b
	_, c, _ := start(t, o)
	for i := range sessions {
		waitFor(t, func() bool { return known(t, c, fmt.Sprintf("s%d", i)) })
		wantTexts(t, read(t, a, fmt.Sprintf("s%d", i)), n)
		wantTexts(t, read(t, c, fmt.Sprintf("s%d", i)), n)
	}
}

// A session that is created under the name of one that has ended is followed too.
func TestSessionMadeAnew(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 1000})
	r, _, _ := start(t, Options{Upstream: up.URL, All: true, Alone: true, JetStream: embedtest.New(t)})
	waitFor(t, func() bool { return up.Stats().Open >= 1 })
	for life := range 3 {
		s := up.Session("abc")
		s.Message("user", "m1")
		s.Ended("done")
		waitFor(t, func() bool { return r.Stats().Events >= int64(2*(life+1)) })
		waitFor(t, func() bool { return !r.in.Following("abc") })
	}
}
