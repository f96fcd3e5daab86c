package interop

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	r3labs "github.com/r3labs/sse/v2"
	"gopkg.in/cenkalti/backoff.v1"

	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// r3labsClient returns r3labs' client, which waits for a millisecond rather than
// half a second.
func r3labsClient(url string) *r3labs.Client {
	c := r3labs.NewClient(url)
	c.ReconnectStrategy = backoff.NewConstantBackOff(time.Millisecond)
	return c
}

// bounded is the test's context, for waits that a lost event would make endless.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// subscribe lets r3labs' client follow a plain stream until its end, and returns
// what it was given, one line for each event.
func subscribe(c *r3labs.Client, stream string) <-chan []string {
	ended := make(chan []string, 1)
	go func() {
		var got []string
		err := c.Subscribe(stream, func(msg *r3labs.Event) {
			got = append(got, fmt.Sprintf("%s|%s|%s|%s", msg.ID, msg.Event, msg.Data, msg.Retry))
		})
		if err != nil {
			got = append(got, err.Error())
		}
		ended <- got
	}()
	return ended
}

// TestR3labsClientOnPlainStream: what the test server sends is what r3labs' client
// reads, and the end of the stream is its end.
func TestR3labsClientOnPlainStream(t *testing.T) {
	srv := testserver.New(t)
	orders := srv.Stream("orders")
	ended := subscribe(r3labsClient(srv.URL+"/events"), "orders")
	must(t, srv.WaitConns(bounded(t), 1))
	for _, ev := range []sse.Event{
		{Data: "no id"},
		{ID: "1", HasID: true, Data: "one"},
		{ID: "2", HasID: true, Type: "order", Data: "two\nlines", Retry: 3 * time.Second},
		{Data: "ünïcödé"},
	} {
		must(t, orders.Send(ev))
	}
	orders.End()
	want := []string{"||no id|", "1||one|", "2|order|two\nlines|3000", "2||ünïcödé|"}
	if diff := cmp.Diff(want, <-ended); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestR3labsClientResumes: its Last-Event-ID gets it what it missed, once.
func TestR3labsClientResumes(t *testing.T) {
	srv := testserver.New(t)
	orders := srv.Stream("orders")
	ended := subscribe(r3labsClient(srv.URL+"/events"), "orders")
	must(t, srv.WaitConns(bounded(t), 1))
	var want []string
	send := func() {
		id := strconv.Itoa(len(want))
		want = append(want, id+"||event "+id+"|")
		must(t, orders.Send(sse.Event{ID: id, HasID: true, Data: "event " + id}))
	}
	for range 20 {
		send()
		must(t, srv.WaitDeliveredID(bounded(t), "orders", strconv.Itoa(len(want)-1)))
		asked := len(srv.Requests())
		srv.Inject(fault.RST())
		send() // while it is away, or just before
		must(t, srv.WaitRequests(bounded(t), asked+1))
		must(t, srv.WaitConns(bounded(t), 1))
	}
	orders.End()
	if diff := cmp.Diff(want, <-ended); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestR3labsClientOnSession: a session's frames are events like any other to it.
func TestR3labsClientOnSession(t *testing.T) {
	srv := testserver.New(t)
	s := srv.Session("abc")
	c := r3labsClient(s.URL())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan *r3labs.Event, 9)
	must(t, c.SubscribeChanRawWithContext(ctx, got))
	must(t, srv.WaitConns(bounded(t), 1))
	id := s.Message("assistant", "hello")
	first, start, second := <-got, <-got, <-got
	if len(first.ID) > 0 || len(first.Data) == 0 {
		t.Errorf("first frame has the id %q and the data %q", first.ID, first.Data)
	}
	// It takes the block that says where the stream starts for an event.
	if string(start.ID) != strconv.FormatInt(id-1, 10) || len(start.Data) > 0 {
		t.Errorf("second frame has the id %q and the data %q", start.ID, start.Data)
	}
	if want := strconv.FormatInt(id, 10); string(second.ID) != want {
		t.Errorf("third frame has the id %q, want %q", second.ID, want)
	}
}

// TestR3labsClientRefused: its validator sees the test server's refusals as they
// are.
func TestR3labsClientRefused(t *testing.T) {
	srv := testserver.New(t)
	srv.Inject(fault.Status(http.StatusServiceUnavailable).Times(2))
	c := r3labsClient(srv.URL + "/events")
	var statuses []int
	c.ResponseValidator = func(_ *r3labs.Client, resp *http.Response) error {
		statuses = append(statuses, resp.StatusCode)
		if resp.StatusCode != http.StatusOK {
			resp.Body.Close()
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return nil
	}
	orders := srv.Stream("orders")
	ended := subscribe(c, "orders")
	must(t, srv.WaitConns(bounded(t), 1))
	must(t, orders.Send(sse.Event{Data: "a"}))
	orders.End()
	if diff := cmp.Diff([]string{"||a|"}, <-ended); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{503, 503, 200}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}
