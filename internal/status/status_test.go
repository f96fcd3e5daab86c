package status_test

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
)

// A screen is a terminal, as far as a line's erasure goes.
type screen struct {
	mu    sync.Mutex
	lines []string
	last  string // the line under way
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for rest := string(b); rest != ""; {
		if after, ok := strings.CutPrefix(rest, "\r\x1b[2K"); ok {
			s.last, rest = "", after
			continue
		}
		i := strings.IndexAny(rest[1:], "\r\n") + 1
		if rest[0] == '\n' {
			s.lines, s.last, rest = append(s.lines, s.last), "", rest[1:]
			continue
		}
		if i == 0 {
			i = len(rest)
		}
		s.last, rest = s.last+rest[:i], rest[i:]
	}
	return len(b), nil
}

func (s *screen) live() string { s.mu.Lock(); defer s.mu.Unlock(); return s.last }

func (s *screen) kept() []string { s.mu.Lock(); defer s.mu.Unlock(); return s.lines }

func newStatus(tty bool, level status.Level) (*status.Status, *screen) {
	out := new(screen)
	c := console.New(console.Options{Out: io.Discard, Err: out, ErrTTY: tty, Columns: func() int { return 200 }})
	return status.New(status.Options{Console: c, Level: level, Prefix: "> "}), out
}

// An outage, as a client tells it.
var (
	connecting = client.Transition{State: client.Connecting}
	open       = client.Transition{From: client.Connecting, State: client.Open}
	waiting    = client.Transition{
		From: client.Open, State: client.Waiting, Attempt: 1, Delay: 3 * time.Second, Left: time.Minute, Cause: client.ErrEnded,
	}
	again  = client.Transition{From: client.Waiting, State: client.Connecting, Attempt: 1, Left: 57 * time.Second}
	reopen = client.Transition{From: client.Connecting, State: client.Open, Attempt: 1, LastEventID: "7"}
	over   = client.Transition{From: client.Open, State: client.Closed}
)

func TestOutageOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, screen := newStatus(true, status.Normal)
		st := s.Add("", "http://h/x")
		step := func(tr client.Transition, live string) {
			t.Helper()
			st.Observe(tr)
			if got := screen.live(); got != live {
				t.Errorf("live line: got %q, want %q", got, live)
			}
		}
		step(connecting, "> connecting to http://h/x")
		step(open, "")
		step(waiting, "> attempt 1 in 3.0s, giving up in 1m: server ended the stream")
		time.Sleep(1250 * time.Millisecond)
		if got, want := screen.live(), "> attempt 1 in 1.8s, giving up in 59s: server ended the stream"; got != want {
			t.Errorf("after 1.25s: got %q, want %q", got, want)
		}
		time.Sleep(4 * time.Second) // another stream has its turn first
		if got, want := screen.live(), "> waiting until the server is back, giving up in 55s: server ended the stream"; got != want {
			t.Errorf("overdue: got %q, want %q", got, want)
		}
		step(again, "> attempt 1 under way, giving up in 57s: server ended the stream")
		step(reopen, "")
		st.Event()
		st.Event()
		time.Sleep(time.Second)
		step(over, "")
		s.Close()
		want := []string{
			"> connected to http://h/x",
			"> resumed after 5.3s and 1 attempt, from event 7, caught up with 2 events (server ended the stream)",
		}
		if diff := cmp.Diff(want, screen.kept()); diff != "" {
			t.Errorf("what stays (-want +got):\n%s", diff)
		}
	})
}

func TestOutageElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, screen := newStatus(false, status.Normal)
		st := s.Add("a\x1b", "http://h/x")
		gap := client.Transition{From: client.Open, State: client.Open, Cause: &client.GapError{Asked: "7", Given: "9", Reason: "replay starts later"}}
		second := waiting
		second.From, second.Attempt, second.Delay = client.Connecting, 2, time.Second
		for _, tr := range []client.Transition{connecting, open, waiting, again, second, again, reopen, gap, over} {
			st.Observe(tr)
		}
		s.Close()
		want := []string{
			`> a\x1b: connected to http://h/x`,
			`> a\x1b: lost: server ended the stream; attempt 1 in 3.0s, giving up in 1m`,
			`> a\x1b: not connected: server ended the stream; attempt 2 in 1.0s, giving up in 1m`,
			`> a\x1b: warning: gap after event "7": replay starts later (at "9")`,
			`> a\x1b: resumed after 0s and 1 attempt, from event 7 (server ended the stream)`,
		}
		if diff := cmp.Diff(want, screen.kept()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if screen.live() != "" {
			t.Errorf("a live line: %q", screen.live())
		}
	})
}

func TestSeveralStreamsShareTheLiveLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, screen := newStatus(true, status.Normal)
		one, two := s.Add("one", "http://h/1"), s.Add("two", "http://h/2")
		for _, st := range []*status.Stream{one, two} {
			st.Observe(connecting)
			st.Observe(open)
		}
		one.Observe(waiting)
		soon := waiting
		soon.Delay = time.Second
		two.Observe(soon)
		if got, want := screen.live(), "> 2 of 2 streams down; two: attempt 1 in 1.0s, giving up in 1m: server ended the stream"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		three := s.Add("three", "http://h/3") // has not even begun, and may not
		three.Observe(client.Transition{State: client.Waiting})
		two.Observe(reopen)
		one.Observe(reopen)
		if got, want := screen.live(), "> three: waiting until the server is back"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		three.Observe(open)
		one.Observe(waiting)
		if got, want := screen.live(), "> one: attempt 1 in 3.0s, giving up in 1m: server ended the stream"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		s.Close()
		if screen.live() != "" {
			t.Errorf("left behind: %q", screen.live())
		}
	})
}

func TestHintAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, screen := newStatus(true, status.Normal)
		refused := waiting
		refused.From, refused.Cause = client.Connecting, syscall.ECONNREFUSED
		for _, st := range []*status.Stream{s.Add("one", "http://h/1"), s.Add("two", "http://h/2")} {
			st.Observe(connecting)
			st.Observe(refused)
			st.Observe(again)
			st.Observe(refused)
		}
		s.Close()
		want := []string{"> hint: is the server running? one to try: sse-tail serve --demo"}
		if diff := cmp.Diff(want, screen.kept()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestHintElsewhere: what went wrong comes first, and then what to do about it.
func TestHintElsewhere(t *testing.T) {
	s, screen := newStatus(false, status.Normal)
	refused := waiting
	refused.From, refused.Cause = client.Connecting, syscall.ECONNREFUSED
	st := s.Add("", "http://h/1")
	st.Observe(connecting)
	st.Observe(refused)
	s.Close()
	want := []string{
		"> not connected: connection refused; attempt 1 in 3.0s, giving up in 1m",
		"> hint: is the server running? one to try: sse-tail serve --demo",
	}
	if diff := cmp.Diff(want, screen.kept()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestQuietSaysNothing(t *testing.T) {
	s, screen := newStatus(true, status.Quiet)
	st := s.Add("", "http://h/x")
	for _, tr := range []client.Transition{connecting, open, waiting, again, reopen, over} {
		st.Observe(tr)
		st.Event()
	}
	st.Say(console.Plain, "word", "")
	s.Close()
	if len(screen.kept()) > 0 || screen.live() != "" {
		t.Errorf("got %q, %q", screen.kept(), screen.live())
	}
	st.Tell(console.Plain, "asked", " for")
	if diff := cmp.Diff([]string{"> asked for"}, screen.kept()); diff != "" {
		t.Error(diff)
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	c := console.New(console.Options{Out: io.Discard, Err: &out})
	s := status.New(status.Options{Console: c, Level: status.JSON})
	synctest.Test(t, func(t *testing.T) {
		s.Add("a", "http://h/x").Observe(waiting)
		const want = `{"time":"2000-01-01T00:00:00Z","stream":"a","state":"waiting","attempt":1,"delay_s":3,"left_s":60,"cause":"server ended the stream"}` + "\n"
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
