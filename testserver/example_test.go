package testserver_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// get asks for a stream behind an event.
func get(srv *testserver.Server, url, lastEventID string) *http.Response {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Last-Event-ID", lastEventID)
	resp, err := srv.Client().Do(req)
	if err != nil {
		panic(err)
	}
	return resp
}

// A server in a program: the stream is refused, then cut inside an event, then
// whole.
func Example() {
	srv, err := testserver.Start(nil)
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	orders := srv.Stream("orders")
	orders.Send(sse.Event{ID: "1", HasID: true, Data: "first"})
	orders.Send(sse.Event{ID: "2", HasID: true, Data: "second"})
	srv.Inject(
		fault.Status(http.StatusServiceUnavailable),
		fault.CutInsideEvent().AfterEvents(1),
	)
	for last := "0"; last != "2"; {
		resp := get(srv, srv.StreamURL("orders"), last)
		fmt.Println(resp.Status)
		if resp.StatusCode == http.StatusOK {
			for ev, err := range sse.Read(resp.Body) {
				if err != nil {
					fmt.Println("cut")
					break
				}
				last = ev.ID
				fmt.Println(ev.Data)
				if last == "2" {
					break
				}
			}
		}
		resp.Body.Close()
	}
	// Output:
	// 503 Service Unavailable
	// 200 OK
	// first
	// cut
	// 200 OK
	// second
}

// In a test, t is its *testing.T. The end of the test closes the server, and its
// failure shows what the server saw.
func ExampleNew() {
	t, end := exampleTB()
	defer end()

	srv := testserver.New(t)
	s := srv.Session("abc")
	s.Status("working", "")
	s.Message("assistant", "hello")
	s.Ended("done")

	var seen []sse.Event
	resp := get(srv, s.URL(), "0")
	defer resp.Body.Close()
	for ev, err := range sse.Read(resp.Body) { // to the clean end, a second after ended
		if err != nil {
			t.Errorf("%v", err)
			break
		}
		seen = append(seen, ev)
		fmt.Println(session.KindOf(ev))
	}
	srv.AssertNoGap(t, "abc", seen...)
	srv.AssertNoRepeat(t, "abc", seen...)
	// Output:
	// connected
	// status
	// message
	// ended
}

// What a client that lost an event hears from its test.
func ExampleServer_AssertNoGap() {
	t, end := exampleTB()
	defer end()

	srv := testserver.NewInMemory(t)
	st := srv.Stream("orders")
	var seen []sse.Event
	for _, id := range []string{"1", "2", "3"} {
		ev := sse.Event{ID: id, HasID: true, Data: "order " + id}
		st.Send(ev)
		if id != "2" {
			seen = append(seen, ev) // a client would have read it
		}
	}
	srv.AssertNoGap(t, "orders", seen...)
	// Output:
	// testserver: 1 events of "orders" are missing before seen[1]: event "2" to event "2"
}

// Faults for one test on a server of many.
func ExampleServer_InjectFor() {
	all, endAll := exampleTB()
	defer endAll()

	srv := testserver.NewInMemory(all)
	for _, name := range []string{"first", "second"} {
		t, end := exampleTB()
		if name == "first" {
			srv.InjectFor(t, fault.Status(http.StatusTooManyRequests).Always())
		}
		resp := get(srv, srv.GlobalURL(), "")
		resp.Body.Close()
		fmt.Println(name, resp.Status)
		end()
	}
	// Output:
	// first 429 Too Many Requests
	// second 200 OK
}

// Waiting for facts makes sleeps needless.
func ExampleHandle_WaitFired() {
	t, end := exampleTB()
	defer end()

	ctx := context.Background()
	srv := testserver.NewInMemory(t)
	cut := srv.Inject(fault.CutAfter(10))
	resp := get(srv, srv.GlobalURL(), "")
	defer resp.Body.Close()
	if err := cut.WaitFired(ctx, 1); err != nil {
		t.Errorf("%v", err)
	}
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%s, %v\n", body, err)
	if err := srv.WaitConns(ctx, 0); err != nil {
		t.Errorf("%v", err)
	}
	fmt.Println(srv.Requests()[0].Why)
	// Output:
	// data: {"ev, unexpected EOF
	// fault cut
}

// A restart that loses its events, as clients see it.
func ExampleServer_Restart() {
	t, end := exampleTB()
	defer end()

	srv := testserver.NewInMemory(t)
	s := srv.Session("abc")
	last := s.Message("assistant", "before")
	srv.Restart(testserver.KeepCounter, 0)
	s.Message("assistant", "lost as well")
	srv.Restart(testserver.KeepCounter, 0)

	resp := get(srv, s.URL(), fmt.Sprint(last))
	defer resp.Body.Close()
	fmt.Println("asked for", last, "and told of a gap to", resp.Header.Get("Last-Event-ID"))
	// Output:
	// asked for 2 and told of a gap to 3
}

// Any language drives a server over HTTP.
func ExampleServer_ControlURL() {
	t, end := exampleTB()
	defer end()

	srv := testserver.New(t)
	resp, err := http.Post(srv.ControlURL()+"publish", "application/json",
		strings.NewReader(`{"session":"abc","event":"message","data":{"role":"assistant","text":"hi"}}`))
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Printf("%s", body)
	// Output:
	// {"ids":["2"]}
}

// exampleTB stands for a test; end is its end.
func exampleTB() (t testserver.TB, end func()) {
	p := &printingTB{}
	return p, p.end
}

// A printingTB prints what a test would report.
type printingTB struct{ fakeTB }

func (p *printingTB) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
