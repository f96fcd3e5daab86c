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
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/status"
	"github.com/OneStepAt4time/resilient-sse/sse"
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
	return newNarrow(tty, level, 200)
}

func newNarrow(tty bool, level status.Level, columns int) (*status.Status, *screen) {
	out := new(screen)
	c := console.New(console.Options{Out: io.Discard, Err: out, ErrTTY: tty, Columns: func() int { return columns }})
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
		st := s.Add("", "http://h/x", explain.Facts{})
		step := func(tr client.Transition, live string) {
			t.Helper()
			st.Observe(tr, 1)
			if got := screen.live(); got != live {
				t.Errorf("live line: got %q, want %q", got, live)
			}
		}
		step(connecting, "> connecting to http://h/x")
		step(open, "")
		step(waiting, "> retry 1 in 3.0s, giving up in 1m")
		time.Sleep(1250 * time.Millisecond)
		if got, want := screen.live(), "> retry 1 in 1.8s, giving up in 59s"; got != want {
			t.Errorf("after 1.25s: got %q, want %q", got, want)
		}
		time.Sleep(4 * time.Second) // another stream has its turn first
		if got, want := screen.live(), "> waiting until the server is back, giving up in 55s"; got != want {
			t.Errorf("overdue: got %q, want %q", got, want)
		}
		step(again, "> retry 1 under way, giving up in 57s")
		step(reopen, "")
		st.Event(event("8", "a"))
		st.Event(event("9", "b"))
		time.Sleep(time.Second)
		step(over, "")
		s.Close()
		want := []string{
			"> connected to http://h/x",
			"> disconnected: server ended the stream",
			"> resumed after 5.3s and 1 retry, behind event 7, caught up with 2 events",
		}
		if diff := cmp.Diff(want, screen.kept()); diff != "" {
			t.Errorf("what stays (-want +got):\n%s", diff)
		}
	})
}

func TestOutageElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, screen := newStatus(false, status.Normal)
		s.Labels = true
		st := s.Add("a\x1b", "http://h/x", explain.Facts{})
		gap := client.Transition{From: client.Open, State: client.Open, Cause: &client.GapError{Certain: true, Asked: "7", Given: "9", Reason: "replay starts later"}}
		second := waiting
		second.From, second.Attempt, second.Delay = client.Connecting, 2, time.Second
		for _, tr := range []client.Transition{connecting, open, waiting, again, second, again, reopen, gap, over} {
			st.Observe(tr, 1)
		}
		s.Close()
		want := []string{
			`> a\x1b: connected to http://h/x`,
			`> a\x1b: disconnected: server ended the stream; retry 1 in 3.0s, giving up in 1m`,
			`> a\x1b: not connected: server ended the stream; retry 2 in 1.0s, giving up in 1m`,
			`> a\x1b: events are missing behind event 7, up to event 9: replay starts later`,
			`> a\x1b: connected again after 0s and 1 retry`,
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
		s.Labels = true
		one, two := s.Add("one", "http://h/1", explain.Facts{}), s.Add("two", "http://h/2", explain.Facts{})
		for _, st := range []*status.Stream{one, two} {
			st.Observe(connecting, 1)
			st.Observe(open, 1)
		}
		one.Observe(waiting, 1)
		soon := waiting
		soon.Delay = time.Second
		two.Observe(soon, 1)
		if got, want := screen.live(), "> 2 of 2 streams down; two: retry 1 in 1.0s, giving up in 1m"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		three := s.Add("three", "http://h/3", explain.Facts{}) // has not even begun, and may not
		three.Observe(client.Transition{State: client.Waiting}, 1)
		two.Observe(reopen, 1)
		one.Observe(reopen, 1)
		if got, want := screen.live(), "> three: waiting until the server is back"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		three.Observe(open, 1)
		one.Observe(waiting, 1)
		if got, want := screen.live(), "> one: retry 1 in 3.0s, giving up in 1m"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		s.Close()
		if screen.live() != "" {
			t.Errorf("left behind: %q", screen.live())
		}
	})
}

// TestPutOff: what another stream of the same server has found out is said once, and
// is no warning.
func TestPutOff(t *testing.T) {
	for _, tty := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s, screen := newStatus(tty, status.Normal)
			st := s.Add("", "http://h/1", explain.Facts{})
			putOff := client.Transition{From: client.Waiting, State: client.Waiting, Attempt: 1, Delay: 5 * time.Second, Left: time.Minute, Cause: client.ErrIdle}
			for _, tr := range []client.Transition{connecting, open, waiting, putOff, putOff, putOff} {
				st.Observe(tr, 1)
			}
			if got, want := screen.live(), "> retry 1 in 5.0s, giving up in 1m"; tty && got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			s.Close()
			said := strings.Join(screen.kept(), "\n")
			if strings.Contains(said, "warning") || strings.Count(said, "not connected: no byte within the idle timeout") != 1 {
				t.Errorf("terminal %v: got\n%s", tty, said)
			}
		})
	}
}

func TestHintAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, screen := newStatus(true, status.Normal)
		refused := waiting
		refused.From, refused.Cause = client.Connecting, syscall.ECONNREFUSED
		for _, st := range []*status.Stream{s.Add("one", "http://h/1", explain.Facts{}), s.Add("two", "http://h/2", explain.Facts{})} {
			st.Observe(connecting, 1)
			st.Observe(refused, 1)
			st.Observe(again, 1)
			st.Observe(refused, 1)
		}
		s.Close()
		want := []string{
			"> not connected: connection refused",
			"> hint: is the server running? one to try: sse-tail serve --demo",
			"> not connected: connection refused",
		}
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
	st := s.Add("", "http://h/1", explain.Facts{})
	st.Observe(connecting, 1)
	st.Observe(refused, 1)
	s.Close()
	want := []string{
		"> not connected: connection refused; retry 1 in 3.0s, giving up in 1m",
		"> hint: is the server running? one to try: sse-tail serve --demo",
	}
	if diff := cmp.Diff(want, screen.kept()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestQuietSaysNothing(t *testing.T) {
	s, screen := newStatus(true, status.Quiet)
	st := s.Add("", "http://h/x", explain.Facts{})
	for _, tr := range []client.Transition{connecting, open, waiting, again, reopen, over} {
		st.Observe(tr, 1)
		st.Event(event("1", ""))
	}
	st.Say(console.Plain, "word", "")
	s.Close()
	if len(screen.kept()) > 0 || screen.live() != "" {
		t.Errorf("got %q, %q", screen.kept(), screen.live())
	}
	st.Stats(client.Stats{Events: 3, Attempts: 1, LastEventID: "9", Since: time.Now()})
	want := []string{"> statistics: closed for 0s, 3 events, 0 B in 1 connection, 0 gaps, at event 9"} // asked for
	if got := screen.kept(); len(got) != 1 || !strings.HasPrefix(got[0], "> statistics: closed for ") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		c := console.New(console.Options{Out: io.Discard, Err: &out})
		s := status.New(status.Options{Console: c, Level: status.JSON})
		st := s.Add("a", "http://h/x", explain.Facts{})
		st.Observe(waiting, 4)
		st.Observe(client.Transition{From: client.Open, State: client.Open, Cause: &client.GapError{Certain: true, Asked: "7", Reason: "x"}}, 5)
		st.Warn("careful")
		st.Stats(client.Stats{Events: 3, Attempts: 5, Reconnects: 4, LastEvent: time.Now()})
		s.End(3, time.Second, []client.Stats{{Events: 3, Attempts: 5, LastEventID: "9"}})
		st.Fail(client.ErrEnded)
		want := strings.ReplaceAll(`{"time":"T","stream":"a","url":"http://h/x","state":"waiting","attempt":4,"retry":1,"delay_s":3,"left_s":60,"cause":"server ended the stream"}
{"time":"T","stream":"a","url":"http://h/x","state":"gap","attempt":5,"cause":"events are missing behind event 7: x","certain":true}
{"time":"T","stream":"a","url":"http://h/x","state":"warning","cause":"careful"}
{"time":"T","stream":"a","url":"http://h/x","state":"stats","attempt":5,"events":3,"bytes":0,"attempts":5,"reconnects":4,"repeats":0,"gaps":1,"possible_gaps":0}
{"time":"T","stream":"a","url":"http://h/x","state":"end","attempt":5,"last_event_id":"9","events":3,"bytes":0,"attempts":5,"reconnects":0,"repeats":0,"gaps":1,"possible_gaps":0}
{"time":"T","stream":"a","url":"http://h/x","state":"error","cause":"server ended the stream"}
`, `"T"`, `"2000-01-01T00:00:00.000000Z"`)
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// event is one of a plain stream; an empty id is none.
func event(id, data string) sse.Event {
	return sse.Event{ID: id, HasID: id != "", Type: "message", Data: data}
}

// TestWhatIsKnownOfAComeback: nothing is said to be resumed that is not known to be.
func TestWhatIsKnownOfAComeback(t *testing.T) {
	type conn struct {
		after  string // the position that the request named
		events []sse.Event
	}
	gap := &client.GapError{Certain: true, Asked: "2", Reason: "replay starts later"}
	for _, test := range []struct {
		name  string
		conns []conn
		gap   error
		want  []string
		end   string
	}{
		{
			"resumed", []conn{{"", []sse.Event{event("1", "a"), event("2", "b")}}, {"2", []sse.Event{event("3", "c")}}}, nil,
			[]string{"resumed after 1s and 1 retry, behind event 2, caught up with 1 event"}, "3 events seen in 5s, 1 reconnect, none missing",
		},
		{
			"no ids", []conn{{"", []sse.Event{event("", "a")}}, {"", []sse.Event{event("", "b")}}, {"", nil}}, nil,
			[]string{
				"connected again after 1s and 1 retry; this stream has no ids, so what came in between is not known",
				"connected again after 1s and 1 retry",
			}, "2 events seen in 5s, 2 reconnects, whether events are missing is not known",
		},
		{
			"cut before the first event", []conn{{"", nil}, {"", []sse.Event{event("4", "a")}}}, nil,
			[]string{"connected again after 1s and 1 retry; what came in between is not known"}, "1 event seen in 5s, 1 reconnect, whether events are missing is not known",
		},
		{
			"sent again", []conn{{"", []sse.Event{event("1", "a"), event("2", "b")}}, {"2", []sse.Event{event("1", "a"), event("2", "b"), event("3", "c")}}}, nil,
			[]string{"connected again after 1s and 1 retry; the server sends events again, 2 so far"}, "5 events seen in 5s, 1 reconnect, none missing",
		},
		{
			"counted anew", []conn{{"", []sse.Event{event("8", "a")}}, {"8", []sse.Event{event("1", "b")}}}, nil,
			[]string{"connected again after 1s and 1 retry; the server begins again at event 1: it sends events again, or counts anew"}, "2 events seen in 5s, 1 reconnect, whether events are missing is not known",
		},
		{
			"gap", []conn{{"", []sse.Event{event("2", "a")}}, {"2", []sse.Event{event("9", "b")}}}, gap,
			[]string{"events are missing behind event 2: replay starts later", "connected again after 1s and 1 retry"}, "2 events seen in 5s, 1 reconnect, events are missing in 1 place",
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, screen := newStatus(false, status.Normal)
			st := s.Add("", "http://h/x", explain.Facts{})
			shown := 0
			for i, c := range test.conns {
				st.Observe(client.Transition{State: client.Connecting, Attempt: i}, i+1)
				st.Observe(client.Transition{From: client.Connecting, State: client.Open, Attempt: min(i, 1), LastEventID: c.after}, i+1)
				if i == 1 && test.gap != nil {
					st.Observe(client.Transition{From: client.Open, State: client.Open, Cause: test.gap}, i+1)
				}
				for _, ev := range c.events {
					st.Event(ev)
					shown++
				}
				time.Sleep(time.Second)
				if i < len(test.conns)-1 {
					st.Observe(client.Transition{From: client.Open, State: client.Waiting, Attempt: 1, Delay: time.Second, Cause: client.ErrEnded}, i+1)
					time.Sleep(time.Second)
				}
			}
			s.Close()
			s.End(shown, 5*time.Second, []client.Stats{{Reconnects: len(test.conns) - 1}})
			var got []string
			for _, line := range screen.kept() {
				if !strings.Contains(line, "disconnected") && !strings.Contains(line, "connected to") {
					got = append(got, strings.TrimPrefix(line, "> "))
				}
			}
			if diff := cmp.Diff(append(test.want, test.end), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		})
	}
}

// TestIdleLine: an open stream on which nothing comes says so, on a terminal.
func TestIdleLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, screen := newStatus(true, status.Normal)
		st := s.Add("", "http://h/x", explain.Facts{})
		at := func(want string) {
			t.Helper()
			if got := screen.live(); got != want {
				t.Errorf("live line: got %q, want %q", got, want)
			}
		}
		st.Observe(connecting, 1)
		st.Observe(open, 1)
		time.Sleep(9 * time.Second)
		at("")
		time.Sleep(1500 * time.Millisecond)
		at("> open, no event for 10s")
		st.Event(event("1", "a"))
		at("")
		time.Sleep(42500 * time.Millisecond)
		at("> open, last event 42s ago")
		s.Add("b", "http://h/y", explain.Facts{}).Observe(open, 1)
		at("")
		time.Sleep(12250 * time.Millisecond)
		at("> 2 streams open, last event 54s ago")
		st.Observe(waiting, 1)
		at("> retry 1 in 3.0s, giving up in 1m")
		s.Close()
		at("")
	})
}

// TestNarrowTerminal: what matters most fits, and the cause stays where it can be
// looked up.
func TestNarrowTerminal(t *testing.T) {
	for columns, want := range map[int]string{24: "> retry 1 in 3.0s", 20: "> retry 1 in 3.0s", 19: "retry 1 in 3.0s"} {
		synctest.Test(t, func(t *testing.T) {
			s, screen := newNarrow(true, status.Normal, columns)
			st := s.Add("", "http://h/x", explain.Facts{})
			st.Observe(connecting, 1)
			st.Observe(open, 1)
			st.Observe(waiting, 1)
			if got := screen.live(); got != want {
				t.Errorf("%d columns: got %q, want %q", columns, got, want)
			}
			s.Close()
			if got := strings.Join(screen.kept(), " "); columns == 24 && !strings.Contains(got, "disconnected: server") {
				t.Errorf("no cause in %q", got)
			}
		})
	}
}
