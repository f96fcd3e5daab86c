package client_test

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// serve starts a server with a session that has a few events and has ended.
func serve(opts *testserver.Options) *testserver.Server {
	srv, err := testserver.Start(opts)
	if err != nil {
		log.Fatal(err)
	}
	s := srv.Session("abc")
	s.Status("working", "")
	s.Message("assistant", "hello")
	s.Ended("done")
	return srv
}

// soon is a policy for examples, which should not take long.
var soon = backoff.Policy{Initial: 10 * time.Millisecond, Max: 100 * time.Millisecond}

// Follow a session to its end, over every cut.
func Example() {
	srv := serve(nil)
	defer srv.Close()
	srv.Inject(fault.CutInsideEvent().AfterEvents(1))

	es, err := client.Session(srv.URL, "abc", &client.Options{
		LastEventID: "0", // all that the server still has; without it, from now on
		Backoff:     soon,
	})
	if err != nil {
		log.Fatal(err)
	}
	for ev, err := range es.Events(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ev.ID, session.KindOf(ev))
	}
	fmt.Println(es.Stats().Reconnects, "reconnect")
	// Output:
	// 2 status
	// 3 message
	// 4 ended
	// 1 reconnect
}

// Follow any stream, and stop when enough was seen. Commit says that the event at
// hand is done, although the loop does not ask for the next one.
func ExampleNew() {
	srv := serve(nil)
	defer srv.Close()
	prices := srv.Stream("prices")
	for n := range 3 {
		prices.Send(sse.Event{ID: fmt.Sprint(n + 1), HasID: true, Type: "price", Data: fmt.Sprint(100 + n)})
	}

	es, err := client.New(srv.StreamURL("prices"), &client.Options{LastEventID: "0"})
	if err != nil {
		log.Fatal(err)
	}
	for ev, err := range es.Events(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ev.Type, ev.Data)
		if ev.Data == "101" {
			if err := es.Commit(); err != nil { // here of no cursor
				log.Fatal(err)
			}
			break
		}
	}
	fmt.Println("position", es.LastEventID())
	// Output:
	// price 100
	// price 101
	// position 2
}

// Keep the position in a file, so that a restarted process goes on where the
// last one stopped, at least once over a kill.
func ExampleOpenFileCursor() {
	srv := serve(nil)
	defer srv.Close()
	folder, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(folder)

	for process := range 2 {
		cursor, err := client.OpenFileCursor(filepath.Join(folder, "cursor.json"))
		if err != nil {
			log.Fatal(err) // in use by another process, or damaged
		}
		es, err := client.Session(srv.URL, "abc", &client.Options{Cursor: cursor, LastEventID: "0"})
		if err != nil {
			log.Fatal(err)
		}
		for ev, err := range es.Events(context.Background()) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println("process", process, "event", ev.ID)
			if session.KindOf(ev) == session.Message {
				if err := es.Commit(); err != nil {
					log.Fatal(err) // not saved: it would come again
				}
				break
			}
		}
		cursor.Close()
	}
	// Output:
	// process 0 event 2
	// process 0 event 3
	// process 1 event 4
}

// A body that batches commits when a batch is written. BeforeWait writes what has
// gathered when nothing more is there yet, and once more at the end. (The program in
// examples/batch does so with a file, and is killed a hundred times in its test.)
func ExampleOptions_manualCommit() {
	srv := serve(nil)
	defer srv.Close()

	var es *client.EventSource
	var batch []string
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		fmt.Println("written:", batch) // INSERT INTO …; its error would keep the position
		batch = nil
		return es.Commit()
	}
	es, err := client.Session(srv.URL, "abc", &client.Options{LastEventID: "0", ManualCommit: true, BeforeWait: flush})
	if err != nil {
		log.Fatal(err)
	}
	for ev, err := range es.Events(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if batch = append(batch, ev.ID); len(batch) == 2 {
			if err := flush(); err != nil {
				log.Fatal(err)
			}
		}
	}
	fmt.Println("position", es.LastEventID())
	// Output:
	// written: [2 3]
	// written: [4]
	// position 4
}

// A service that is told to stop lets the event at hand be done, and ends quietly
// with the position saved. (Drain may come from any goroutine: a signal handler, say.)
func ExampleEventSource_Drain() {
	srv := serve(nil)
	defer srv.Close()

	es, err := client.Session(srv.URL, "abc", &client.Options{LastEventID: "0"})
	if err != nil {
		log.Fatal(err)
	}
	for ev, err := range es.Events(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if ev.ID == "3" {
			es.Drain()
		}
		fmt.Println("done with", ev.ID)
	}
	fmt.Println("the next loop begins behind", es.LastEventID())
	// Output:
	// done with 2
	// done with 3
	// the next loop begins behind 3
}

// A server that was restarted, or has a shorter memory than the absence, is a gap.
// Where that must not pass unseen it ends the loop, and somebody decides.
func ExampleEventSource_Accept() {
	srv := serve(&testserver.Options{Window: 1})
	defer srv.Close()

	es, err := client.Session(srv.URL, "abc", &client.Options{LastEventID: "2", FailOnGap: true})
	if err != nil {
		log.Fatal(err)
	}
	follow := func() (err error) {
		for ev, err := range es.Events(context.Background()) {
			if err != nil {
				return err
			}
			fmt.Println("event", ev.ID)
		}
		return nil
	}
	err = follow()
	fmt.Println(err)
	if gap, ok := errors.AsType[*client.GapError](err); ok {
		fmt.Println(es.Accept(gap), follow())
	}
	// Output:
	// client: gap after event "2": replay starts later (at "3")
	// event 4
	// <nil> <nil>
}

// Servers that want a fresh single-use token for each connection get one:
// Prepare is called before each attempt.
func ExampleOptions_prepare() {
	srv := serve(&testserver.Options{Tokens: []string{"api-key"}, SSETokens: true})
	defer srv.Close()
	srv.Inject(fault.Cut().AfterEvents(1))

	tokens, err := session.NewTokenSource(srv.URL, "api-key", nil)
	if err != nil {
		log.Fatal(err)
	}
	es, err := client.Session(srv.URL, "abc", &client.Options{Request: client.Request{Prepare: tokens.Prepare}, LastEventID: "0", Backoff: soon})
	if err != nil {
		log.Fatal(err)
	}
	for ev, err := range es.Events(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(session.KindOf(ev))
	}
	// Output:
	// status
	// message
	// ended
}

// Streams of one origin share a breaker: while the origin is down, one of them
// at a time asks whether it is back.
func ExampleOptions_breaker() {
	srv := serve(nil)
	defer srv.Close()

	breaker, err := backoff.NewBreaker(backoff.Policy{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	var mu sync.Mutex
	var done []string
	var wg sync.WaitGroup
	for n := range 10 {
		id := fmt.Sprint("s", n)
		srv.Session(id).Ended("done")
		es, err := client.Session(srv.URL, id, &client.Options{Breaker: breaker, LastEventID: "0"})
		if err != nil {
			log.Fatal(err)
		}
		wg.Go(func() {
			for _, err := range es.Events(context.Background()) {
				if err != nil {
					log.Print(err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			done = append(done, id)
		})
	}
	wg.Wait()
	slices.Sort(done)
	fmt.Println(done, breaker.State())
	// Output: [s0 s1 s2 s3 s4 s5 s6 s7 s8 s9] closed
}

// A POST whose answer is a stream that ends, such as a language model's: it is
// sent once, and its end is the end of the loop. If it breaks, the error says so,
// since a repetition would be another request.
func ExampleOptions_post() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		question, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: you asked: %s\n\ndata: 42\n\n", question)
	}))
	defer srv.Close()

	es, err := client.New(srv.URL, &client.Options{
		Request: client.Request{Method: http.MethodPost, Body: []byte("what is six times seven?"), Header: http.Header{"Content-Type": {"text/plain"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for ev, err := range es.Events(context.Background()) {
		if cut, ok := errors.AsType[*client.InterruptedError](err); ok {
			log.Fatal("the answer is not whole: ", cut)
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ev.Data)
	}
	// Output:
	// you asked: what is six times seven?
	// 42
}

// Decode data while ranging. A malformed event spoils itself alone.
func ExampleJSON() {
	srv := serve(nil)
	defer srv.Close()
	orders := srv.Stream("orders")
	for _, data := range []string{`{"item":"tea","count":2}`, `{"item":`, `{"item":"milk","count":1}`} {
		orders.Send(sse.Event{Data: data})
	}
	orders.Send(sse.Event{ID: "last", HasID: true, Data: `{}`})

	type order struct {
		Item  string
		Count int
	}
	es, err := client.New(srv.StreamURL("orders"), &client.Options{LastEventID: "0"})
	if err != nil {
		log.Fatal(err)
	}
	for o, err := range client.JSON[order](es.Events(context.Background())) {
		if bad, ok := errors.AsType[*client.DecodeError](err); ok {
			fmt.Println("skipped:", bad.Event.Data)
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		if o.Item == "" {
			break
		}
		fmt.Println(o.Count, o.Item)
	}
	// Output:
	// 2 tea
	// skipped: {"item":
	// 1 milk
}

// One log line for each change of state, and none for an event.
func ExampleTransition_LogValue() {
	srv := serve(nil)
	defer srv.Close()

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	es, err := client.Session(srv.URL, "abc", &client.Options{
		Name:        "abc", // and not its URL
		LastEventID: "0",
		Observer:    func(t client.Transition) { logger.Info("stream", "sse", t) },
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, err := range es.Events(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// level=INFO msg=stream sse.state=connecting sse.target=abc sse.last_event_id=0
	// level=INFO msg=stream sse.state=open sse.target=abc sse.last_event_id=0
	// level=INFO msg=stream sse.state=closed sse.target=abc sse.last_event_id=4
}

// Counters may be read from any goroutine, so they can be published as they are.
func ExampleEventSource_Stats() {
	srv := serve(nil)
	defer srv.Close()

	es, err := client.Session(srv.URL, "abc", &client.Options{LastEventID: "0"})
	if err != nil {
		log.Fatal(err)
	}
	expvar.Publish("session abc", expvar.Func(func() any { return es.Stats() }))
	for _, err := range es.Events(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
	}
	stats := expvar.Get("session abc").(expvar.Func).Value().(client.Stats)
	fmt.Println(stats.State, stats.Events, "events, last", stats.LastEventID)
	// Output: closed 3 events, last 4
}

// Test code of your own against a server that fails on demand.
func Example_testing() {
	// What you want to test: it remembers the last thing that the assistant said.
	lastWords := func(baseURL string, hc *http.Client) (words string, err error) {
		es, err := client.Session(baseURL, "talk", &client.Options{HTTPClient: hc, LastEventID: "0", Backoff: soon})
		if err != nil {
			return "", err
		}
		for env, err := range client.JSON[session.Envelope](es.Events(context.Background())) {
			if err != nil {
				return words, err
			}
			if env.Kind == session.Message {
				words = string(env.Data)
			}
		}
		return words, nil
	}

	srv, err := testserver.Start(nil) // in a test: testserver.New(t)
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	srv.Inject(
		fault.Status(http.StatusServiceUnavailable),
		fault.CutAfter(120),
		fault.RST().AfterEvents(1),
	)
	talk := srv.Session("talk")
	talk.Message("assistant", "one")
	talk.Message("assistant", "two")
	talk.Ended("done")
	fmt.Println(lastWords(srv.URL, srv.Client()))
	// Output: {"role":"assistant","text":"two"} <nil>
}
