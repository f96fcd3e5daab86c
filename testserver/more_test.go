package testserver_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// TestFaultOnTheTokenEndpoint strikes by its path alone, and is in the journal.
func TestFaultOnTheTokenEndpoint(t *testing.T) {
	srv := ts.NewInMemory(t, &ts.Options{SSETokens: true})
	srv.Inject(fault.Status(429).RetryAfterDate(time.Minute).Path("/v1/auth/sse-token"), fault.Status(500))
	for i, want := range []int{429, 201} {
		resp, err := srv.Client().Post(srv.URL+"/v1/auth/sse-token", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if at, err := http.ParseTime(resp.Header.Get("Retry-After")); resp.StatusCode != want || i == 0 && (err != nil || time.Until(at) < 50*time.Second) {
			t.Errorf("request %d: %s, Retry-After %q", i, resp.Status, resp.Header.Get("Retry-After"))
		}
	}
	r := srv.Requests()
	if len(r) != 2 || r[0].Status != 429 || r[0].Why != "fault status" || r[1].Status != 201 || r[0].Stream != "" {
		t.Errorf("journal: %v", r)
	}
}

// TestJournalOfBodiesAndOfNothing: what a POST carried, and requests that no stream was
// there for.
func TestJournalOfBodiesAndOfNothing(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	resp, err := srv.Client().Post(st.URL(), "application/json", strings.NewReader(`{"prompt":"hi"}`))
	if err != nil {
		t.Fatal(err)
	}
	st.End()
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	statusOf(t, srv, "GET", srv.SessionURL("nobody"))
	statusOf(t, srv, "GET", srv.URL+"/nowhere")
	r := srv.Requests()
	if len(r) != 3 || r[0].Body != `{"prompt":"hi"}` || r[0].Unknown || !r[1].Unknown || r[1].Stream != "nobody" || r[2].Stream != "" || r[2].Status != 404 {
		t.Errorf("journal:\n%s", srv.Journal())
	}
	if on := srv.RequestsOn("s"); len(on) != 1 || on[0].Number != 1 {
		t.Errorf("requests of s: %v", on)
	}
}

// TestAHandleFromBeforeAReset is of faults that are gone, and touches none that has
// their numbers now.
func TestAHandleFromBeforeAReset(t *testing.T) {
	srv := ts.NewInMemory(t)
	old := srv.Inject(fault.Status(500))
	statusOf(t, srv, "GET", srv.GlobalURL())
	if err := srv.Reset(); err != nil {
		t.Fatal(err)
	}
	h := srv.Inject(fault.Status(503))
	old.Remove()
	if status := statusOf(t, srv, "GET", srv.GlobalURL()); status != 503 || h.Fired() != 1 || old.Fired() != 0 {
		t.Errorf("got %d, fired %d and %d", status, h.Fired(), old.Fired())
	}
}
