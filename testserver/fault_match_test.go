package testserver_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// statusOf sends a request and returns the status of its response.
func statusOf(t *testing.T, srv *ts.Server, method, url string, header ...string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestConditions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault fault.Fault
		want  string // which of the requests below it strikes
	}{
		{"none", fault.Status(500), "x......"},
		{"times", fault.Status(500).Times(3), "xxx...."},
		{"always", fault.Status(500).Always(), "xxxxxxx"},
		{"session", fault.Status(500).On("abc").Always(), ".xx...."},
		{"global", fault.Status(500).On(ts.Global).Always(), "...xx.."},
		{"plain", fault.Status(500).On("s").Always(), "x....xx"},
		{"stream that nobody wants", fault.Status(500).On("nobody's").Always(), "......."},
		{"n-th", fault.Status(500).Conn(3), "..x...."},
		{"n-th of a stream", fault.Status(500).On("s").Conn(2), ".....x."},
		{"method", fault.Status(500).Method("post"), "......x"},
		{"header", fault.Status(500).Header("last-event-id", "7").Always(), "..x.x.."},
		{"any header", fault.Status(500).Header("A", "*").Always(), "....xx."},
		{"both headers", fault.Status(500).Header("A", "*").Header("Last-Event-ID", "7").Always(), "....x.."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := ts.NewInMemory(t)
			s := srv.Session("abc")
			plain := srv.StreamURL("s")
			srv.Stream("s")
			h := srv.Inject(tt.fault)
			var got strings.Builder
			for _, status := range []int{
				statusOf(t, srv, "GET", plain),
				statusOf(t, srv, "GET", s.URL()),
				statusOf(t, srv, "GET", s.URL(), "Last-Event-ID", "7"),
				statusOf(t, srv, "GET", srv.GlobalURL()),
				statusOf(t, srv, "GET", srv.GlobalURL(), "Last-Event-ID", "7", "A", "b"),
				statusOf(t, srv, "GET", plain, "A", "c"),
				statusOf(t, srv, "POST", plain),
			} {
				got.WriteString(map[int]string{200: ".", 500: "x"}[status])
			}
			if got.String() != tt.want || h.Fired() != strings.Count(tt.want, "x") {
				t.Errorf("struck %s, %d times, want %s", &got, h.Fired(), tt.want)
			}
		})
	}
}

func TestFaultsInOrder(t *testing.T) {
	srv := ts.NewInMemory(t)
	srv.Stream("s")
	srv.Inject(fault.Status(501), fault.Status(502).Conn(2), fault.Status(503).Times(2))
	always := srv.Inject(fault.Status(504).Always())
	var got []int
	for range 5 {
		got = append(got, statusOf(t, srv, "GET", srv.StreamURL("s")))
	}
	always.Remove()
	got = append(got, statusOf(t, srv, "GET", srv.StreamURL("s")))
	if want := "[501 502 503 503 504 200]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if err := always.WaitFired(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if f := srv.Requests()[2].Faults; fmt.Sprint(f) != "[status]" {
		t.Errorf("the journal knows of %v", f)
	}
}

func TestFaultsReachOpenConnections(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	first, second := getRaw(t, srv, srv.StreamURL("s")), getRaw(t, srv, srv.StreamURL("s"))
	if err := srv.WaitConns(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	srv.Inject(fault.CutInsideLine().Times(2))
	srv.Inject(fault.Cut().Always().AfterEvents(1)).Remove() // would be due as well
	h := srv.Inject(fault.Insert(": a\n").Times(2))
	if err := h.WaitFired(t.Context(), 2); err != nil { // without an event
		t.Fatal(err)
	}
	sendAll(t, st)
	for _, c := range []*rawConn{first, second} {
		c.head(t)
		if got, end := c.rest(); got != chunk(": a\n")+chunk("id: 1\ndata") || end != "cut" {
			t.Errorf("got %q, %s", got, end)
		}
	}
}

func TestAFaultForTheNthConnectionLeavesOpenOnesAlone(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	first := getRaw(t, srv, srv.StreamURL("s"))
	first.head(t)
	if err := srv.WaitConns(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	srv.Inject(fault.Cut().Conn(1))
	second := getRaw(t, srv, srv.StreamURL("s"))
	second.head(t)
	if _, end := second.rest(); end != "cut" {
		t.Errorf("the next connection's end: %s", end)
	}
	st.End()
	if _, end := first.rest(); end != "clean" {
		t.Errorf("the open connection's end: %s", end)
	}
}

// run makes a pattern of which of n requests and which of n events chance struck.
func run(t *testing.T, seed int64, n int) (requests, events string) {
	t.Helper()
	srv := ts.NewInMemory(t, &ts.Options{Seed: seed, Window: n})
	st := srv.Stream("s")
	srv.Inject(fault.Status(503).Always().Probability(0.3).Header("For", "status"))
	for range n {
		requests += map[int]string{200: ".", 503: "x"}[statusOf(t, srv, "GET", srv.StreamURL("s"), "For", "status")]
	}
	if err := srv.WaitConns(t.Context(), 0); err != nil { // or they would draw, too
		t.Fatal(err)
	}
	srv.Inject(fault.Drop().Always().Probability(0.3))
	for range n {
		sendText(t, st, "data: .\n\n")
	}
	c := getRaw(t, srv, srv.StreamURL("s"), "Last-Event-ID: 0")
	c.head(t)
	st.End()
	got, _ := c.rest()
	return requests, fmt.Sprint(strings.Count(got, "data"), " ", len(got))
}

func TestSameSeedSameRun(t *testing.T) {
	const n = 200
	requests, events := run(t, 7, n)
	if again, eventsAgain := run(t, 7, n); again != requests || eventsAgain != events {
		t.Errorf("the same seed struck\n%s %s, then\n%s %s", requests, events, again, eventsAgain)
	}
	if other, _ := run(t, 8, n); other == requests {
		t.Errorf("another seed struck the same: %s", other)
	}
	if struck := strings.Count(requests, "x"); struck < n/5 || struck > n/2 {
		t.Errorf("%d of %d requests were struck with a probability of 0.3", struck, n)
	}
}

// TestChanceIsEachConnectionsOwn shows that what one connection draws does not
// depend on what others do meanwhile.
func TestChanceIsEachConnectionsOwn(t *testing.T) {
	got := make(map[string]bool)
	for _, others := range []int{0, 1, 50} {
		srv := ts.NewInMemory(t, &ts.Options{Seed: 3, Window: 100})
		st, other := srv.Stream("s"), srv.Stream("other")
		srv.Inject(fault.Repeat().Always().Probability(0.5))
		c := getRaw(t, srv, srv.StreamURL("s"))
		c.head(t)
		noise := getRaw(t, srv, srv.StreamURL("other"))
		if err := srv.WaitConns(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			sendText(t, st, fmt.Sprintf("data: %d\n\n", i))
			for range others {
				sendText(t, other, "data: noise\n\n")
			}
		}
		go io.Copy(io.Discard, noise.in)
		st.End()
		body, _ := c.rest()
		got[body] = true
	}
	if len(got) != 1 {
		t.Errorf("%d different runs of one seed", len(got))
	}
}

func TestStrikesAreCountedOverConnections(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		h := srv.Inject(fault.Cut().AfterTime(time.Second).Times(3))
		for range 5 {
			open(t, srv, srv.StreamURL("s"), "")
		}
		time.Sleep(time.Minute)
		if n := srv.Stats().Open; n != 2 || h.Fired() != 3 {
			t.Errorf("%d of 5 are open after %d strikes, want 2 after 3", n, h.Fired())
		}
	})
}
