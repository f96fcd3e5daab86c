package interop

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	r3labs "github.com/r3labs/sse/v2"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/google/go-cmp/cmp"
)

// A server is r3labs' behind HTTP, with one stream named orders.
type server struct {
	*r3labs.Server
	web *httptest.Server
}

func newServer(t *testing.T) *server {
	s := &server{Server: r3labs.New()}
	s.CreateStream("orders")
	s.web = httptest.NewServer(s.Server)
	t.Cleanup(func() {
		s.web.CloseClientConnections()
		s.web.Close()
		s.Close()
	})
	return s
}

func (s *server) publish(events ...string) {
	for _, data := range events {
		s.Publish("orders", &r3labs.Event{Data: []byte(data)})
	}
}

// source follows the stream, and waits for a millisecond rather than a second.
func source(t *testing.T, web *httptest.Server, opts client.Options) *client.EventSource {
	t.Helper()
	opts.Backoff.Initial = time.Millisecond
	opts.HTTPClient = web.Client()
	es, err := client.New(web.URL+"?stream=orders", &opts)
	if err != nil {
		t.Fatal(err)
	}
	return es
}

// follow calls each with the events until it returns false.
func follow(t *testing.T, es *client.EventSource, each func(ev sse.Event) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // a lost event would be waited for
	defer cancel()
	for ev, err := range es.Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if !each(ev) {
			break
		}
	}
}

// TestServerThatRepeats: r3labs' server begins each replay with the event that the
// client said it has. That one and no other comes twice, none is lost, and a window
// of repeats takes it out.
func TestServerThatRepeats(t *testing.T) {
	const batch, batches = 10, 50
	for name, window := range map[string]int{"with a window": 16, "without": 0} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			es := source(t, s.web, client.Options{RepeatWindow: window})
			next := 0
			publish := func() {
				for range batch {
					s.publish("event " + strconv.Itoa(next))
					next++
				}
			}
			publish()
			seen, repeats := 0, 0
			follow(t, es, func(ev sse.Event) bool {
				switch ev.ID {
				case strconv.Itoa(seen):
					seen++
				case strconv.Itoa(seen - 1):
					repeats++
					return true
				default:
					t.Fatalf("event %s after %d", ev.ID, seen-1)
				}
				if want := "event " + ev.ID; ev.Data != want {
					t.Fatalf("got %q with the id %s", ev.Data, ev.ID)
				}
				if seen == next && seen < batch*batches {
					publish() // and cut what is on its way
					s.web.CloseClientConnections()
				}
				return seen < batch*batches
			})
			stats := es.Stats()
			if stats.Reconnects < batches/3 { // some cuts come after the next batch
				t.Errorf("%d reconnects after %d cuts", stats.Reconnects, batches)
			}
			if all := repeats + stats.Repeats; all != stats.Reconnects || (window > 0 && repeats > 0) {
				t.Errorf("%d repeats came and %d were dropped on %d reconnects", repeats, stats.Repeats, stats.Reconnects)
			}
		})
	}
}

// TestEqualEventsWithoutIDs: without its log, r3labs' server sends each event with
// an empty id. A window of repeats must not take equal ones for one.
func TestEqualEventsWithoutIDs(t *testing.T) {
	subscribed := make(chan bool, 1)
	s := newServer(t)
	s.AutoReplay = false
	s.RemoveStream("orders")
	s.OnSubscribe = func(string, *r3labs.Subscriber) { subscribed <- true }
	s.CreateStream("orders")
	go func() {
		<-subscribed
		s.publish("same", "same", "same")
	}()
	seen := 0
	follow(t, source(t, s.web, client.Options{RepeatWindow: 16}), func(ev sse.Event) bool {
		if want := (sse.Event{HasID: true, Type: sse.DefaultType, Data: "same"}); ev != want {
			t.Errorf("got %+v, want %+v", ev, want)
		}
		seen++
		return seen < 3
	})
}

// TestPositionOfAnotherKind: r3labs' server knows numbers alone, and says so; asking
// again would not help.
func TestPositionOfAnotherKind(t *testing.T) {
	s := newServer(t)
	es := source(t, s.web, client.Options{LastEventID: "e-7"})
	var err error
	for _, err = range es.Events(t.Context()) {
	}
	refused, ok := errors.AsType[*client.ResponseError](err)
	if !ok || refused.StatusCode != http.StatusBadRequest || !strings.Contains(string(refused.Body), "must be a number") {
		t.Errorf("got %v, want 400 and why", err)
	}
	if n := es.Stats().Attempts; n != 1 {
		t.Errorf("%d attempts, want 1", n)
	}
}

// TestServerRestart: r3labs' server counts anew after a restart. Its new events are
// not taken for the old ones of their ids, but the first ones are behind the
// position and out of reach, and it gives no sign of that.
func TestServerRestart(t *testing.T) {
	before, after := newServer(t), newServer(t)
	before.publish("old 0", "old 1", "old 2")
	after.publish("new 0", "new 1", "new 2", "new 3")
	var current atomic.Pointer[r3labs.Server]
	current.Store(before.Server)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		current.Load().ServeHTTP(w, r)
	}))
	defer web.Close()
	var got []string
	follow(t, source(t, web, client.Options{RepeatWindow: 16}), func(ev sse.Event) bool {
		if got = append(got, ev.Data); len(got) == 3 {
			current.Store(after.Server)
			web.CloseClientConnections()
		}
		return len(got) < 5
	})
	if diff := cmp.Diff([]string{"old 0", "old 1", "old 2", "new 2", "new 3"}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
