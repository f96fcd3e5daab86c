package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/OneStepAt4time/resilient-sse/internal/certify"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/report"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// nasty is text that each of the formats has to defuse.
const nasty = "<script>alert(1)</script> & \"]]>\x00\x1b[31m\xff\u202e"

// reported is a report with one outcome of each kind.
func reported() *report.Report {
	result := func(name string, class scenario.Class, v scenario.Verdict) certify.Result {
		now := time.Unix(1700000000, 0)
		return certify.Result{
			Scenario: &scenario.Scenario{
				Name: name, Class: class, Clause: "HTML 9.2.6", Why: strings.Repeat("It matters a lot. ", 10),
				Conns: []scenario.Conn{{Show: []scenario.Event{scenario.WithID("1", nasty)}}},
			},
			Verdict: v,
			Trial: &scenario.Trial{
				Shown:    []scenario.Event{scenario.Data(nasty)},
				Requests: []scenario.Request{{N: 1, At: now, Method: "GET", Target: "/events", Header: http.Header{"Last-Event-Id": {nasty}}, Sent: []byte("data: " + nasty + "\r\n\r\n"), Done: now}},
				Stderr:   nasty,
			},
			Took: 1500 * time.Millisecond,
		}
	}
	return report.New("v0", []string{"./client", nasty}, time.Now(), certify.Bounds{Startup: time.Millisecond, Stop: true}, []certify.Result{
		result("format/a", scenario.Standard, scenario.Verdict{Outcome: scenario.Pass, Note: nasty}),
		result("format/b", scenario.Standard, scenario.Verdict{Outcome: scenario.Fail, Problem: nasty}),
		result("format/"+strings.Repeat("long-", 12), scenario.Standard, scenario.Verdict{Outcome: scenario.Fail, Problem: nasty}),
		result("resume/c", scenario.Robust, scenario.Verdict{Outcome: scenario.NotJudged, Problem: nasty}),
		result("limit/d", scenario.Safe, scenario.Verdict{Outcome: scenario.Pass}),
	})
}

func written(t *testing.T, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(b.Bytes()) {
		t.Error("what was written is not UTF-8")
	}
	return b.Bytes()
}

// TestJSON: what programs read is all there, under its names.
func TestJSON(t *testing.T) {
	b := written(t, reported().JSON)
	var r struct {
		Suite   string
		Date    time.Time
		Command []string
		Bounds  map[string]any
		Classes []struct {
			Class                 string
			Pass, Fail, NotJudged int
		}
		Results []map[string]any
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Classes) != 3 || len(r.Results) != 5 || r.Classes[0].Pass != 1 || r.Classes[0].Fail != 2 || r.Classes[1].NotJudged != 1 {
		t.Errorf("got %+v", r)
	}
	for _, row := range r.Results {
		for _, name := range []string{"name", "class", "outcome", "clause", "why", "seconds", "exchanges", "want", "shown"} {
			if row[name] == nil {
				t.Errorf("%v has no %s", row["name"], name)
			}
		}
	}
}

// TestJUnit: the elements are those that CI systems know, nested and counted as
// they want them.
func TestJUnit(t *testing.T) {
	b := written(t, reported().JUnit)
	may := map[string]string{ // element and parent
		"testsuites": "", "testsuite": "testsuites", "testcase": "testsuite",
		"failure": "testcase", "skipped": "testcase", "system-err": "testcase",
	}
	must := map[string][]string{
		"testsuite": {"name", "tests", "failures", "skipped", "time"}, "testcase": {"classname", "name", "time"},
		"failure": {"message"}, "skipped": {"message"},
	}
	count := make(map[string]int)
	path := []string{""}
	dec := xml.NewDecoder(bytes.NewReader(b))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, b)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			name := e.Name.Local
			count[name]++
			if parent, ok := may[name]; !ok || parent != path[len(path)-1] {
				t.Errorf("<%s> in <%s>", name, path[len(path)-1])
			}
			for _, attr := range must[name] {
				if !hasAttr(e, attr) {
					t.Errorf("<%s> has no %s", name, attr)
				}
			}
			path = append(path, name)
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	if count["testsuite"] != 3 || count["testcase"] != 5 || count["failure"] != 2 || count["skipped"] != 1 {
		t.Errorf("got %v", count)
	}
	if want := `tests="3" failures="2" skipped="0" time="4.5"`; !strings.Contains(string(b), want) {
		t.Errorf("no %s in\n%s", want, b)
	}
}

func hasAttr(e xml.StartElement, name string) bool {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return true
		}
	}
	return false
}

// TestHTML: the page needs nothing else, and takes nothing that was sent for its own.
func TestHTML(t *testing.T) {
	b := string(written(t, reported().HTML))
	if bad := regexp.MustCompile(`<script|<link|<img|src=|href=|url\(|@import`).FindString(b); bad != "" {
		t.Errorf("%q is in the page", bad)
	}
	for _, want := range []string{"1 of 3", "2 fail", "1 not judged", "format/b", `\x1b[31m\xff`, `\r\n`, "&lt;script&gt;"} {
		if !strings.Contains(b, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

// TestTable: lines fit the terminal, and nothing that was sent reaches it raw.
func TestTable(t *testing.T) {
	b := string(reported().Table(false, 80))
	if strings.ContainsAny(b, "\x00\x1b") {
		t.Errorf("control characters in %q", b)
	}
	for line := range strings.Lines(b) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, want := range []string{"fail  format/b  standard", "not judged  resume/c  robust", "all                 1 of 3          0 of 1          1 of 1"} {
		if !strings.Contains(b, want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
}
