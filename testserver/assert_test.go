package testserver_test

import (
	"fmt"
	"iter"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/sse"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A fakeTB is a test that others look at.
type fakeTB struct {
	errors, logs []string
	cleanups     []func()
}

func (f *fakeTB) Helper()                   {}
func (f *fakeTB) Cleanup(do func())         { f.cleanups = append(f.cleanups, do) }
func (f *fakeTB) Errorf(s string, a ...any) { f.errors = append(f.errors, fmt.Sprintf(s, a...)) }
func (f *fakeTB) Fatalf(s string, a ...any) { f.Errorf(s, a...) }
func (f *fakeTB) Logf(s string, a ...any)   { f.logs = append(f.logs, fmt.Sprintf(s, a...)) }
func (f *fakeTB) Failed() bool              { return len(f.errors) > 0 }

// end is the test's end.
func (f *fakeTB) end() {
	for _, do := range slices.Backward(f.cleanups) {
		do()
	}
}

// events decodes events from their wire form.
func events(text string) (evs []sse.Event) {
	for ev := range sse.Read(strings.NewReader(text)) {
		evs = append(evs, ev)
	}
	return evs
}

func TestAssertions(t *testing.T) {
	const (
		anonymous = "data: no id\n\n"
		changed   = "id: 2\ndata: tow\n\n"
		typed     = "id: 2\nevent: x\ndata: two\n\n"
	)
	for _, tt := range []struct {
		name, posted, seen string
		gap, repeat        string // parts of the one error; "" for none
	}{
		{"all", all, all, "", ""},
		{"from the middle on", all, three + four, "", ""},
		{"nothing of nothing", "", "", "nothing was published", ""},
		{"nothing of something", all, "", "none was seen", "none was seen"},
		{"one missing", all, one + three + four, `1 events of "s" are missing before seen[1]: event "2" to event "2"`, ""},
		{"two missing", all, one + four, `2 events of "s" are missing before seen[1]: event "2" to event "3"`, ""},
		{"the last missing", all, two, `2 events of "s" are missing at the end: event "3" to event "4"`, ""},
		{"a repeat", all, one + two + two + three + four, "", `seen[2], event "2", is a repeat`},
		{"an old one", all, two + one + three + four, "", `seen[1], event "1", is a repeat`},
		{"other data", one + two, one + changed + two, `seen[1], event "2", is not what was published`, `seen[1], event "2", is not what was published`},
		{"other type", one + two, one + typed + two, `seen[1], event "2", is not what was published`, `seen[1], event "2", is not what was published`},
		{"without ids", anonymous + anonymous, anonymous + anonymous, "", ""},
		{"without ids, one too few", anonymous + anonymous, anonymous, "an event without id", ""},
		{"without ids, one too many", anonymous + anonymous, anonymous + anonymous + anonymous, "", "an event without id"},
		{"a new run", one + two + one + two, one + two + one + two, "", ""},
		{"a new run with a gap", one + two + one + two, one + two + two, `1 events of "s" are missing before seen[2]: event "1" to event "1"`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := ts.NewInMemory(t)
			sendText(t, srv.Stream("s"), tt.posted)
			for _, check := range []struct {
				name   string
				assert func(ts.TB, string, ...sse.Event)
				want   string
			}{{"AssertNoGap", srv.AssertNoGap, tt.gap}, {"AssertNoRepeat", srv.AssertNoRepeat, tt.repeat}} {
				var tb fakeTB
				check.assert(&tb, "s", events(tt.seen)...)
				got := strings.Join(tb.errors, "; ")
				if !strings.Contains(got, check.want) || (got == "") != (check.want == "") {
					t.Errorf("%s says %q, want %q", check.name, got, check.want)
				}
			}
		})
	}
}

// TestAssertionsOverTheWire compares what the wire carried, on all three kinds of
// stream, beyond what the window keeps.
func TestAssertionsOverTheWire(t *testing.T) {
	srv := ts.NewInMemory(t)
	s, st := srv.Session("abc"), srv.Stream("plain")
	streams := map[string]*sse.Decoder{
		"abc": decode(open(t, srv, s.URL(), "")), "plain": decode(open(t, srv, srv.StreamURL("plain"), "")),
		ts.Global: decode(open(t, srv, srv.GlobalURL(), "0")),
	}
	for i := range 100 {
		s.Message("assistant", fmt.Sprint("grüße ", i))
		if err := st.Send(sse.Event{Type: "t", Data: fmt.Sprint(i, "\r\nb\rc")}); err != nil {
			t.Fatal(err)
		}
	}
	newest := fmt.Sprint(srv.Stats().Counter)
	for stream, dec := range streams {
		var seen []sse.Event
		for ev, err := range each(dec) {
			if err != nil {
				t.Fatal(err)
			}
			if seen = append(seen, ev); ev.ID == newest || ev.Data == "99\nb\nc" {
				break
			}
		}
		srv.AssertNoGap(t, stream, seen...)
		srv.AssertNoRepeat(t, stream, seen...)
	}
}

// each ranges over a decoder's events.
func each(dec *sse.Decoder) iter.Seq2[sse.Event, error] {
	return func(yield func(sse.Event, error) bool) {
		for yield(dec.Next()) {
		}
	}
}

func TestAssertionsNeedALedger(t *testing.T) {
	srv, err := ts.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	var tb fakeTB
	srv.AssertNoGap(&tb, "s")
	if len(tb.errors) != 1 {
		t.Errorf("errors %q, want one", tb.errors)
	}
}

func TestFailingTestShowsTheJournal(t *testing.T) {
	var tb fakeTB
	srv := ts.NewInMemory(&tb)
	s := srv.Session("abc")
	s.Message("assistant", "hi")
	srv.Inject(fault.Status(503), fault.CutAfter(10))
	statusOf(t, srv, "GET", s.URL()+"?token=secret")
	resp := open(t, srv, s.URL(), "0")
	if _, err := decode(resp).Next(); err == nil {
		t.Error("the stream was not cut")
	}
	open(t, srv, s.URL(), "1")
	if err := srv.WaitConns(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	tb.Errorf("it fails")
	tb.end()
	if len(tb.logs) != 1 {
		t.Fatalf("logged %q", tb.logs)
	}
	lines := strings.Split(tb.logs[0], "\n")
	for i, want := range []string{
		"testserver http://sse.test: 3 requests, the newest 3:",
		"/v1/sessions/abc/events?token=***: 503, 0 events, 0 bytes, faults status; after",
		`Last-Event-ID "0": 200, 0 events, 10 bytes, faults cut; after`,
		`Last-Event-ID "1": 200`,
	} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d: %s, want %s", i, lines[i], want)
		}
	}
}

func TestPassingTestIsQuiet(t *testing.T) {
	var tb fakeTB
	srv := ts.NewInMemory(&tb)
	open(t, srv, srv.GlobalURL(), "")
	tb.end()
	if len(tb.logs) > 0 {
		t.Errorf("logged %q", tb.logs)
	}
	if _, err := srv.Client().Get(srv.GlobalURL()); err == nil {
		t.Error("the server outlives its test")
	}
}

func TestFaultsEndWithTheirTest(t *testing.T) {
	srv := ts.NewInMemory(t)
	var tb fakeTB
	srv.InjectFor(&tb, fault.Status(500).Always())
	before := statusOf(t, srv, "GET", srv.GlobalURL())
	tb.end()
	if after := statusOf(t, srv, "GET", srv.GlobalURL()); before != 500 || after != 200 {
		t.Errorf("%d before the end, %d after it, want 500 and 200", before, after)
	}
	if srv.InjectFor(&tb, fault.Cut().Body("x")); len(tb.errors) != 1 || !strings.Contains(tb.errors[0], "body") {
		t.Errorf("errors %q, want one about body", tb.errors)
	}
}

// TestNoTestingInPrograms shows that a program that uses Start links nothing that is
// for tests, and that the server does not know the client.
func TestNoTestingInPrograms(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if dep == "testing" || strings.HasPrefix(dep, "testing/") || dep == "net/http/httptest" || dep == "flag" ||
			strings.HasSuffix(dep, "resilient-sse/client") || strings.HasSuffix(dep, "resilient-sse/backoff") {
			t.Errorf("imports %s", dep)
		}
	}
}
