package scenario_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// request is one of a journal: it came at, and its response ended at, so many
// milliseconds.
func request(n, at, done int, fields ...string) scenario.Request {
	r := scenario.Request{N: n, At: time.UnixMilli(int64(at)), Method: "GET", Target: "/events", Header: http.Header{}, Played: true}
	if done > 0 {
		r.Done = time.UnixMilli(int64(done))
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	return r
}

func TestJudge(t *testing.T) {
	carry := []scenario.Field{{Name: "Last-Event-Id", Value: "1"}}
	two := scenario.Scenario{Conns: []scenario.Conn{
		{Show: []scenario.Event{scenario.WithID("1", "a")}},
		{Carry: carry, NotBefore: time.Second, Show: []scenario.Event{scenario.WithID("1", "b")}},
	}}
	optional := scenario.Scenario{Conns: []scenario.Conn{{}, {Optional: true, Show: []scenario.Event{scenario.Data("b")}}}}
	over := scenario.Scenario{Conns: []scenario.Conn{{}}, Over: true}
	ids := two
	ids.Needs = scenario.NeedIDs
	a, b := scenario.WithID("1", "a"), scenario.WithID("1", "b")
	untold := []scenario.Event{{Type: "", Data: "a"}, {Type: "", Data: "b"}}
	right := []scenario.Request{request(1, 0, 100), request(2, 1100, 0, "Last-Event-Id", "1")}
	for _, c := range []struct {
		name    string
		sc      scenario.Scenario
		trial   scenario.Trial
		want    scenario.Outcome
		problem string
		note    string
	}{
		{"right", two, scenario.Trial{Shown: []scenario.Event{a, b}, Requests: right}, scenario.Pass, "", ""},
		{"a timer fires a little early", two, scenario.Trial{Shown: []scenario.Event{a, b}, Requests: []scenario.Request{request(1, 0, 100), request(2, 1060, 0, "Last-Event-Id", "1")}}, scenario.Pass, "", ""},
		{"too early", two, scenario.Trial{Shown: []scenario.Event{a, b}, Requests: []scenario.Request{request(1, 0, 100), request(2, 900, 0, "Last-Event-Id", "1")}}, scenario.Fail, "request 2 came after 800 ms, not before 1.0 s", ""},
		{"no id", two, scenario.Trial{Shown: []scenario.Event{a, b}, Requests: []scenario.Request{request(1, 0, 100), request(2, 1100, 0)}}, scenario.Fail, "request 2 carries no Last-Event-Id, want \"1\"", ""},
		{"another id", two, scenario.Trial{Shown: []scenario.Event{a, b}, Requests: []scenario.Request{request(1, 0, 100), request(2, 1100, 0, "Last-Event-Id", "2")}}, scenario.Fail, "carries Last-Event-Id: \"2\", want \"1\"", ""},
		{"another event", two, scenario.Trial{Shown: []scenario.Event{b}, Requests: right[:1]}, scenario.Fail, `as event 1, want {"id":"1","type":"message","data":"a"}`, ""},
		{"one too many", two, scenario.Trial{Shown: []scenario.Event{a, b, b}, Requests: right}, scenario.Fail, "which is no event here", ""},
		{"one too few", two, scenario.Trial{Shown: []scenario.Event{a}, Requests: right, Quiet: true, End: time.Time{}.Add(5 * time.Second)}, scenario.Fail, "did not show", ""},
		{"before it was asked for", two, scenario.Trial{Shown: []scenario.Event{a, b}, Requests: right[:1]}, scenario.Fail, "which is no event here", ""},
		{"it does not come back", two, scenario.Trial{Shown: []scenario.Event{a}, Requests: right[:1], Exited: true, Exit: "exit status 3"}, scenario.Fail, "made 1 request and no further one: it ended (exit status 3)", ""},
		{"it asks for nothing", two, scenario.Trial{Quiet: true}, scenario.Fail, "made no request", ""},
		{"it prints something else", two, scenario.Trial{Broken: "line 1 is none"}, scenario.Fail, "line 1 is none", ""},
		{"hammered", two, scenario.Trial{Hammered: true, Requests: right}, scenario.Fail, "hammers the server: 2 requests in 1.1 s", ""},
		{"what it can't tell is not compared", two, scenario.Trial{Shown: untold, Requests: right}, scenario.Pass, "", ""},
		{"but not judged where it matters", ids, scenario.Trial{Shown: untold, Requests: right}, scenario.NotJudged, "it can't tell the last event ID", ""},
		{"a failure comes before that", ids, scenario.Trial{Shown: untold[:1], Requests: right}, scenario.Fail, "did not show", ""},
		{"may end", optional, scenario.Trial{Requests: right[:1], Quiet: true}, scenario.Pass, "", "ended"},
		{"may come back", optional, scenario.Trial{Requests: right, Shown: []scenario.Event{scenario.Data("b")}}, scenario.Pass, "", "came back after 1.0 s"},
		{"and must show then", optional, scenario.Trial{Requests: right}, scenario.Fail, "did not show", ""},
		{"over", over, scenario.Trial{Requests: right[:1]}, scenario.Pass, "", ""},
		{"not over", over, scenario.Trial{Requests: right}, scenario.Fail, "made request 2, where none may follow", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.sc.Judge(&c.trial)
			if got.Outcome != c.want || !strings.Contains(got.Problem, c.problem) || got.Note != c.note {
				t.Errorf("got %+v, want %s %q %q", got, c.want, c.problem, c.note)
			}
		})
	}
}

func TestChecks(t *testing.T) {
	// The responses end at once; the requests come at these times.
	trial := func(at ...int) *scenario.Trial {
		t := new(scenario.Trial)
		for i, ms := range at {
			t.Requests = append(t.Requests, request(i+1, 1000+ms, 1000+ms))
		}
		return t
	}
	for _, c := range []struct {
		name  string
		check scenario.Check
		trial *scenario.Trial
		bad   bool
	}{
		{"moved", scenario.Moves{Request: 2, Target: "/events"}, trial(0, 200), false},
		{"not moved", scenario.Moves{Request: 2, Target: "/moved"}, trial(0, 200), true},
		{"growing", scenario.Grows{From: 2, To: 4}, trial(0, 200, 600, 1400), false},
		{"fixed", scenario.Grows{From: 2, To: 4}, trial(0, 200, 400, 600), true},
		{"fixed, but for one", scenario.Grows{From: 2, To: 5}, trial(0, 200, 400, 700, 900), true},
		{"too few to tell", scenario.Grows{From: 2, To: 4}, trial(0, 200, 400), false},
		{"regular", scenario.Spread{From: 2, To: 5}, trial(0, 200, 400, 600, 800), true},
		{"regular, with one hiccup", scenario.Spread{From: 2, To: 5}, trial(0, 200, 400, 900, 1100), true},
		{"spread", scenario.Spread{From: 2, To: 5}, trial(0, 200, 450, 740, 960), false},
		{"shorter", scenario.Shorter{Request: 3, Than: 2}, trial(0, 800, 1000), false},
		{"as long", scenario.Shorter{Request: 3, Than: 2}, trial(0, 800, 1600), true},
		{"few", scenario.AtMost{N: 3, Within: time.Second}, trial(0, 500, 1000, 1500), false},
		{"many", scenario.AtMost{N: 3, Within: time.Second}, trial(0, 300, 600, 900), true},
		{"it leaves", scenario.Leaves{Request: 1, Bytes: 10}, &scenario.Trial{Requests: []scenario.Request{{Left: true, Bytes: 9}}}, false},
		{"it leaves late", scenario.Leaves{Request: 1, Bytes: 10}, &scenario.Trial{Requests: []scenario.Request{{Left: true, Bytes: 11}}}, true},
		{"it stays", scenario.Leaves{Request: 1, Bytes: 10}, &scenario.Trial{Requests: []scenario.Request{{Bytes: 9}}}, true},
		{"it is killed", scenario.Stops{}, &scenario.Trial{Ignored: true}, true},
	} {
		if problem := c.check.Problem(c.trial); problem != "" != c.bad {
			t.Errorf("%s: got %q, want a problem: %t", c.name, problem, c.bad)
		}
	}
}

func TestJudgeLive(t *testing.T) {
	l := scenario.Scenario{Live: &scenario.Live{Events: 3}}
	emitted := []scenario.Event{scenario.WithID("1", "a"), scenario.WithID("2", "b"), scenario.WithID("3", "c")}
	one := []scenario.Request{request(1, 0, 0)}
	for _, c := range []struct {
		name    string
		shown   []scenario.Event
		problem string
	}{
		{"all", emitted, ""},
		{"lost", []scenario.Event{emitted[0], emitted[2]}, `lost {"id":"2"`},
		{"repeated", []scenario.Event{emitted[0], emitted[0], emitted[1]}, "a second time"},
		{"invented", []scenario.Event{scenario.WithID("1", "x")}, "never sent"},
		{"the last is missing", emitted[:2], "showed 2 of 3 events"},
		{"nothing", nil, "showed 0 of 3 events"},
	} {
		got := l.Judge(&scenario.Trial{Shown: c.shown, Emitted: emitted, Requests: one})
		if want := map[bool]scenario.Outcome{true: scenario.Pass, false: scenario.Fail}[c.problem == ""]; got.Outcome != want || !strings.Contains(got.Problem, c.problem) {
			t.Errorf("%s: got %+v, want %s %q", c.name, got, want, c.problem)
		}
	}
}
