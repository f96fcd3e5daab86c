package testserver_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// bodyFaults are faults whose effect is the bytes of a body. The client resumes
// a plain stream behind event 0, so all four events are replayed; then the stream
// is ended.
var bodyFaults = []struct {
	name  string
	fault fault.Fault
	want  string
	end   string
}{
	{"none", fault.End().On("another"), chunk(all), "clean"},
	{"end", fault.End(), "", "clean"},
	{"end after events", fault.End().AfterEvents(2), chunk(one) + chunk(two), "clean"},
	{"end after bytes", fault.End().AfterBytes(20), chunk(one) + chunk(two[:3]), "clean"},
	{"cut", fault.Cut(), "", "cut"},
	{"cut after bytes", fault.CutAfter(20), chunk(one) + chunk(two[:3]), "cut"},
	{"cut after bytes and events", fault.CutAfter(1).AfterEvents(3), chunk(one[:1]) + chunk(one[1:]) + chunk(two) + chunk(three), "cut"},
	{"cut_inside_event", fault.CutInsideEvent().AfterEvents(1), chunk(one) + chunk("id: 2\ndata: two\n"), "cut"},
	{"cut_inside_event after bytes", fault.CutInsideEvent().AfterBytes(1), chunk(one) + chunk("id: 2\ndata: two\n"), "cut"},
	{"cut_inside_line", fault.CutInsideLine(), chunk("id: 1\ndata"), "cut"},
	{"cut_inside_rune", fault.CutInsideRune(), chunk(one) + chunk(two) + chunk("id: 3\ndata: f\xc3"), "cut"},
	{"cut_inside_chunk_header", fault.CutInsideChunkHeader().AfterEvents(1), chunk(one) + "1", "cut"},
	{"insert", fault.Insert(": hi\n\n").AfterEvents(1), chunk(one) + chunk(": hi\n\n") + chunk(two+three+four), "clean"},
	{"insert after bytes", fault.Insert("\n").AfterBytes(3), chunk("id:") + chunk("\n") + chunk(one[3:]) + chunk(two+three+four), "clean"},
	{"insert twice", fault.Insert(":\n").Times(2), chunk(":\n") + chunk(one) + chunk(":\n") + chunk(two+three+four), "clean"},
	{"retry", fault.Retry("-99999999999999999999"), chunk("retry: -99999999999999999999\n\n") + chunk(all), "clean"},
	{"invalid_utf8", fault.InvalidUTF8(), chunk("data: \xff \xc3( \xf0\x9f\x98\n\n") + chunk(all), "clean"},
	{"nul_in_id", fault.NULInID(), chunk("id: 1\x002\ndata: NUL in id\n\n") + chunk(all), "clean"},
	{"endless_line", fault.EndlessLine().Limit(40000), "endless", "cut"},
	{"endless_data", fault.EndlessData().Limit(40000), "endless", "cut"},
	{"repeat", fault.Repeat().AfterEvents(1).Times(2), chunk(one) + chunk(two+two) + chunk(three+three) + chunk(four), "clean"},
	{"drop", fault.Drop().AfterEvents(1).Times(2), chunk(one) + chunk(four), "clean"},
	{"drop for ever", fault.Drop().Always(), "", "clean"},
	{"reorder", fault.Reorder().Times(2), chunk(two) + chunk(one) + chunk(four) + chunk(three), "clean"},
	{"reorder the last", fault.Reorder().AfterEvents(3), chunk(one) + chunk(two) + chunk(three) + chunk(four), "clean"},
	{"slice", fault.Slice(), "sliced", "clean"},
	{"line_ends cr", fault.LineEnds("cr"), chunk(strings.ReplaceAll(all, "\n", "\r")), "clean"},
	{"line_ends crlf", fault.LineEnds("crlf"), chunk(strings.ReplaceAll(all, "\n", "\r\n")), "clean"},
	{"line_ends mixed", fault.LineEnds("mixed"), chunk("id: 1\ndata: one\r\r\nid: 2\ndata: two\r\r\nid: 3\ndata: fünf\r\r\nid: 4\ndata: four\r\r\n"), "clean"},
	{"bom", fault.BOM(), chunk("\xef\xbb\xbf" + all), "clean"},
	{"gzip", fault.Gzip(), "gzip", "clean"},
	{"content_type", fault.ContentType("text/html"), chunk(all), "clean"},
	{"response_header", fault.ResponseHeader("Content-Type", "text/html"), chunk(all), "clean"},
	{"replay_inclusive", fault.ReplayInclusive().Header("Last-Event-ID", "2"), chunk(all), "clean"}, // 0 is nobody's id
	{"ignore_last_event_id", fault.IgnoreLastEventID(), "", "clean"},
	{"lose_ring", fault.LoseRing(), "", "clean"},
	{"restart_counter", fault.RestartCounter(), "", "clean"},
}

func TestBodyFaults(t *testing.T) {
	for _, net := range networks {
		for _, tt := range bodyFaults {
			t.Run(net.name+"/"+tt.name, func(t *testing.T) {
				srv := net.start(t)
				st := srv.Stream("s")
				sendAll(t, st)
				h := srv.Inject(tt.fault)
				c := getRaw(t, srv, srv.StreamURL("s"), "Last-Event-ID: 0")
				if resp := c.head(t); resp.StatusCode != http.StatusOK {
					t.Fatal(resp.Status)
				}
				st.End()
				got, end := c.rest()
				if end != tt.end {
					t.Errorf("the connection's end: %s, want %s", end, tt.end)
				}
				checkBody(t, got, tt.want)
				if strikes := h.Fired(); (strikes == 0) != (tt.want == chunk(all) && tt.fault.Kind() != "content_type" && tt.fault.Kind() != "response_header") {
					t.Errorf("the fault struck %d times", strikes)
				}
			})
		}
	}
}

// checkBody compares what is on the wire with what is wanted, or with a form that
// has a name.
func checkBody(t *testing.T, got, want string) {
	t.Helper()
	switch chunks := unchunk(t, got); want {
	case "sliced":
		for _, c := range chunks {
			if len(c) > 3 {
				t.Errorf("a chunk of %d bytes: %q", len(c), c)
			}
		}
		got, want = strings.Join(chunks, ""), all
	case "gzip":
		zr, err := gzip.NewReader(strings.NewReader(strings.Join(chunks, "")))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(zr)
		if err != nil {
			t.Error(err)
		}
		got, want = string(b), all
	case "endless":
		body := strings.Join(chunks, "")
		if len(body) != 40000 || strings.Contains(body, "\n\n") {
			t.Errorf("%d bytes, want 40000 without an end of an event", len(body))
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("on the wire (-want +got):\n%s", diff)
	}
}

// unchunk splits a chunked body; what is no whole chunk is left out.
func unchunk(t *testing.T, wire string) (chunks []string) {
	t.Helper()
	for wire != "" {
		header, rest, _ := strings.Cut(wire, "\r\n")
		n := 0
		for _, c := range header {
			n = n*16 + strings.IndexRune("0123456789abcdef", c)
		}
		if len(rest) < n+2 {
			break
		}
		chunks, wire = append(chunks, rest[:n]), rest[n+2:]
	}
	return chunks
}

// networks are where a server can be.
var networks = []struct {
	name  string
	start func(ts.TB, ...*ts.Options) *ts.Server
}{{"socket", ts.New}, {"memory", ts.NewInMemory}}

// TestAllKindsAreTested keeps the tables of this package's tests whole.
func TestAllKindsAreTested(t *testing.T) {
	var tested []string
	for _, tt := range bodyFaults {
		tested = append(tested, tt.fault.Kind())
	}
	for _, tt := range answerFaults {
		tested = append(tested, tt.fault.Kind())
	}
	// Each has a test of its own.
	tested = append(tested, "refuse", "reset_on_accept", "no_answer", "slow_headers", "rst", "stall", "stall_events", "hold", "drip", "latency")
	for _, k := range fault.Kinds() {
		if !slices.Contains(tested, k.Kind) {
			t.Errorf("no test shows what %s does", k.Kind)
		}
	}
}

// answerFaults are faults that answer in place of the stream.
var answerFaults = []struct {
	name   string
	fault  fault.Fault
	status int
	header map[string]string
	body   string
}{
	{"status", fault.Status(503).RetryAfter(1500 * 1e6).Body("later"), 503, map[string]string{"Retry-After": "2"}, "later"},
	{"status 204", fault.Status(204), 204, nil, ""},
	{"status with a type", fault.Status(401).Type("application/json").Body("{}"), 401, map[string]string{"Content-Type": "application/json"}, "{}"},
	{"redirect to same origin", fault.Redirect(fault.ToSameOrigin), 307, map[string]string{"Location": "/events?redirected=1&stream=s"}, ""},
	{"redirect to other port", fault.Redirect(fault.ToOtherPort).Code(302), 302, map[string]string{"Location": "http://sse.test:8080/events?stream=s"}, ""},
	{"redirect to other host", fault.Redirect(fault.ToOtherHost).Code(308), 308, map[string]string{"Location": "http://other.sse.test/events?stream=s"}, ""},
	{"redirect to a loop", fault.Redirect(fault.ToLoop), 307, map[string]string{"Location": "/_loop"}, ""},
	{"redirect to nowhere", fault.Redirect(fault.ToNone).Code(301), 301, map[string]string{"Location": ""}, ""},
	{"redirect to a URL", fault.Redirect("https://example.com/x"), 307, map[string]string{"Location": "https://example.com/x"}, ""},
	{"accept_then_close", fault.AcceptThenClose(), 200, map[string]string{"Content-Type": "text/event-stream", "Content-Length": ""}, ""},
}

func TestAnswerFaults(t *testing.T) {
	for _, tt := range answerFaults {
		t.Run(tt.name, func(t *testing.T) {
			srv := ts.NewInMemory(t)
			srv.Stream("s")
			srv.Inject(tt.fault)
			resp := getRaw(t, srv, srv.StreamURL("s")).head(t)
			var body bytes.Buffer
			if _, err := body.ReadFrom(resp.Body); err != nil {
				t.Error(err)
			}
			if resp.StatusCode != tt.status || body.String() != tt.body {
				t.Errorf("got %s %q, want %d %q", resp.Status, &body, tt.status, tt.body)
			}
			for key, want := range tt.header {
				if got := resp.Header.Get(key); got != want {
					t.Errorf("%s: got %q, want %q", key, got, want)
				}
			}
			if resp := getRaw(t, srv, srv.StreamURL("s")).head(t); resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("the next request: %s", resp.Status)
			}
		})
	}
}

func TestRedirectsArrive(t *testing.T) {
	for _, net := range networks {
		for _, to := range []string{fault.ToSameOrigin, fault.ToOtherPort, fault.ToOtherHost} {
			t.Run(net.name+"/"+to, func(t *testing.T) {
				srv := net.start(t)
				srv.Stream("s")
				srv.Inject(fault.Redirect(to))
				resp := open(t, srv, srv.StreamURL("s"), "")
				if resp.StatusCode != 200 || resp.Request.URL.String() == srv.StreamURL("s") {
					t.Errorf("got %s from %s", resp.Status, resp.Request.URL)
				}
			})
		}
		t.Run(net.name+"/loop", func(t *testing.T) {
			srv := net.start(t)
			srv.Stream("s")
			srv.Inject(fault.Redirect(fault.ToLoop))
			resp, err := srv.Client().Get(srv.StreamURL("s"))
			if err == nil {
				resp.Body.Close()
				t.Errorf("got %s, want too many redirects", resp.Status)
			}
		})
	}
}

func TestHeadFaults(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   fault.Fault
		want    string // ids of the replay
		gap     string
		sameRun bool
	}{
		{"replay_inclusive", fault.ReplayInclusive(), "4 5 6", "", true},
		{"ignore_last_event_id", fault.IgnoreLastEventID(), "", "", true},
		{"lose_ring", fault.LoseRing(), "", "6", true},
		{"restart_counter", fault.RestartCounter(), "", "earliest", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := ts.NewInMemory(t)
			s := srv.Session("abc")
			for range 5 {
				s.Status("working", "") // 2 to 6
			}
			run := srv.Stats().Run
			srv.Inject(tt.fault)
			c := getRaw(t, srv, s.URL(), "Last-Event-ID: 4")
			resp := c.head(t)
			if got := resp.Header.Get("Last-Event-ID"); got != tt.gap {
				t.Errorf("Last-Event-ID: got %q, want %q", got, tt.gap)
			}
			if got := resp.Header.Get("Sse-Run"); (got == run) != tt.sameRun {
				t.Errorf("Sse-Run: %q, before %q", got, run)
			}
			next := s.Status("idle", "")
			want := strings.TrimSpace(tt.want + " " + itoa(next))
			if got := ids(t, decode(resp), len(strings.Fields(want))); got != want {
				t.Errorf("got ids %s, want %s", got, want)
			}
			if !tt.sameRun && next != 1 {
				t.Errorf("the new run's first id is %d", next)
			}
		})
	}
}

func TestContentType(t *testing.T) {
	for _, want := range []string{"text/html", ""} {
		srv := ts.NewInMemory(t)
		srv.Stream("s")
		srv.Inject(fault.ContentType(want))
		resp := getRaw(t, srv, srv.StreamURL("s")).head(t)
		if got, ok := resp.Header["Content-Type"]; ok != (want != "") || ok && got[0] != want {
			t.Errorf("Content-Type %q, want %q", got, want)
		}
	}
}

func TestGzipSaysSo(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	srv.Inject(fault.Gzip())
	c := getRaw(t, srv, srv.StreamURL("s"))
	if got := c.head(t).Header.Get("Content-Encoding"); got != "gzip" {
		t.Errorf("Content-Encoding %q", got)
	}
	st.End()
	c.rest()
}
