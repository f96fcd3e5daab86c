package testserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/sse"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// The tests of this file each show one way in which a test server could let a broken
// client pass, a right one fail, or the test hang.

// TestDropAndCutOnOneEvent: an event that one fault has withheld is offered to no
// other, and the connection goes on.
func TestDropAndCutOnOneEvent(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	srv.Inject(fault.Drop(), fault.CutInsideEvent(), fault.Reorder().Conn(2), fault.CutInsideLine().Conn(2))
	sendAll(t, st)
	c := getRaw(t, srv, st.URL(), "Last-Event-ID: 0")
	c.head(t)
	if got, end := c.rest(); end != "cut" || got != chunk("id: 2\ndata: two\n") {
		t.Errorf("got %q, %s", got, end)
	}
	c = getRaw(t, srv, st.URL(), "Last-Event-ID: 0")
	c.head(t)
	if got, end := c.rest(); end != "cut" || got != chunk("id: 2\ndata") {
		t.Errorf("got %q, %s", got, end)
	}
}

// A panicWriter is a response whose writer panics.
type panicWriter struct{ http.ResponseWriter }

func (panicWriter) Write([]byte) (int, error) { panic("a bug") }

func (w panicWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// TestPanicOfAHandlerShows: it is in the journal, and on the test.
func TestPanicOfAHandlerShows(t *testing.T) {
	var tb fakeTB
	srv := ts.NewInMemory(&tb)
	s := srv.Session("abc")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		srv.ServeHTTP(panicWriter{httptest.NewRecorder()}, httptest.NewRequest("GET", s.URL(), nil))
	}()
	if r := srv.Requests()[0]; r.Open || r.Why != "the handler panicked" {
		t.Errorf("journal: %+v", r)
	}
	if tb.end(); len(tb.errors) != 1 || !strings.Contains(tb.errors[0], "a bug") {
		t.Errorf("the test's errors: %q", tb.errors)
	}
}

// TestInjectWhileEventsFlow: whatever is injected when, each event that is written as a
// whole counts as delivered.
func TestInjectWhileEventsFlow(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	c := getRaw(t, srv, st.URL())
	c.head(t)
	srv.For(t).Conns(1)
	var reading sync.WaitGroup
	reading.Go(func() { c.rest() })
	const n = 500
	var injecting sync.WaitGroup
	injecting.Go(func() {
		for range n {
			srv.Inject(fault.Insert(":\n").AfterEvents(1 << 30)).Remove()
			runtime.Gosched()
		}
	})
	for i := range n {
		sendText(t, st, fmt.Sprintf("id: %d\ndata: x\n\n", i))
	}
	injecting.Wait()
	srv.For(t).DeliveredID("s", fmt.Sprint(n-1))
	if got := srv.Requests()[0].Events; got != n {
		t.Errorf("%d events were delivered, want %d", got, n)
	}
	h := srv.Inject(fault.End().AfterEvents(n + 1))
	sendText(t, st, "data: the last\n\n")
	srv.For(t).Fired(h, 1)
	reading.Wait()
}

// TestCloseWhileRequestsCome is for the race detector; and no handler outlives Close.
func TestCloseWhileRequestsCome(t *testing.T) {
	for range 20 {
		srv := ts.NewInMemory(t)
		url := srv.Session("abc").URL()
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for {
					c, err := srv.Dial(context.Background())
					if err != nil {
						return
					}
					fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", strings.TrimPrefix(url, srv.URL))
					c.Close()
				}
			})
		}
		srv.For(t).Requests(3)
		srv.Close()
		clients.Wait()
	}
}

func TestCloseEndsWaitsOfTheControlAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		answered := make(chan error)
		go func() {
			resp, err := srv.Client().Post(srv.ControlURL()+"wait", "", strings.NewReader(`{"connections":1,"timeout":"10m"}`))
			if err == nil {
				resp.Body.Close()
			}
			answered <- err
		}()
		synctest.Wait()
		start := time.Now()
		srv.Close()
		<-answered
		if d := time.Since(start); d != 0 {
			t.Errorf("the wait went on for %v", d)
		}
	})
}

// TestRefusalHoldsNobodyUp: neither what removes it, nor a restart, waits for its time.
func TestRefusalHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		start := time.Now()
		dial := func(want error) {
			t.Helper()
			c, err := srv.Dial(t.Context())
			if err == nil {
				c.Close()
			}
			if !errors.Is(err, want) {
				t.Errorf("dial: %v, want %v", err, want)
			}
		}
		srv.Inject(fault.Refuse().For(time.Hour)).Remove()
		dial(nil)
		h := srv.Inject(fault.Refuse().For(time.Hour))
		if err := srv.Restart(ts.KeepLogs, 0); err != nil {
			t.Error(err)
		}
		dial(syscall.ECONNREFUSED)
		h.Remove()
		dial(nil)
		srv.Inject(fault.Refuse().For(time.Hour))
		if err := srv.Reset(); err != nil {
			t.Error(err)
		}
		dial(nil)
		if d := time.Since(start); d != 0 {
			t.Errorf("took %v", d)
		}
	})
}

// TestRefusalIsNoOneWayDoor: the control API on the same port refuses what would shut
// it out for good.
func TestRefusalIsNoOneWayDoor(t *testing.T) {
	srv := ts.New(t)
	if status, body := call(t, srv, "POST", "faults", `{"kind":"refuse","always":true}`); status != 400 || !strings.Contains(body, `"field":"always"`) {
		t.Errorf("got %d %s", status, body)
	}
	apart := ts.New(t, &ts.Options{ControlAddr: "127.0.0.1:0"})
	must[[]object](t, apart, "POST", "faults", `{"kind":"refuse","always":true}`)
	if _, err := apart.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v", err)
	}
	must[object](t, apart, "DELETE", "faults", "")
	getRaw(t, apart, apart.GlobalURL()).head(t)
}

// TestEndedIsReadAfterACut: a client that is cut on its way to ended, and waits a while,
// still gets it; then there is nothing left.
func TestEndedIsReadAfterACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		s := srv.Session("abc")
		srv.Inject(fault.CutInsideEvent())
		resp := open(t, srv, s.URL(), "")
		last := s.Ended("done")
		decode(resp).Next()
		time.Sleep(30 * time.Second)
		if got := ids(t, decode(open(t, srv, s.URL(), "1")), 1); got != itoa(last) {
			t.Errorf("got %s, want %d", got, last)
		}
		if status := statusOf(t, srv, "GET", s.URL(), "Last-Event-ID", itoa(last)); status != 204 {
			t.Errorf("with all: %d", status)
		}
	})
}

// TestUnstruckFaultsAreNamed when a test fails, and by AssertFired.
func TestUnstruckFaultsAreNamed(t *testing.T) {
	var tb fakeTB
	srv := ts.NewInMemory(&tb)
	srv.Stream("s")
	srv.Inject(fault.CutInsideEvent().AfterEvents(2), fault.Status(503), fault.Drop().Times(0))
	if status := statusOf(t, srv, "GET", srv.StreamURL("s")); status != 503 {
		t.Fatal(status)
	}
	srv.AssertFired(&tb)
	if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], "cut_inside_event") {
		t.Errorf("got %q", tb.errors)
	}
	if tb.end(); len(tb.logs) != 1 || !strings.Contains(tb.logs[0], `fault 1 never struck: {"kind":"cut_inside_event"`) {
		t.Errorf("logged %q", tb.logs)
	}
}

// TestHEADUsesNoFaultUp, nor does a preflight.
func TestHEADUsesNoFaultUp(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	h := srv.Inject(fault.Status(503).Conn(1))
	for _, method := range []string{"HEAD", "OPTIONS"} {
		if status := statusOf(t, srv, method, st.URL(), "Origin", "http://a", "Access-Control-Request-Method", "GET"); status >= 300 || h.Fired() != 0 {
			t.Errorf("%s: %d, fired %d", method, status, h.Fired())
		}
	}
	if status := statusOf(t, srv, "GET", st.URL()); status != 503 {
		t.Errorf("the first GET: %d", status)
	}
}

// TestCutDuringAStall, a drip and a hold: what ends a connection waits for nothing, and
// what is removed stops.
func TestCutDuringAStall(t *testing.T) {
	for _, tt := range []struct {
		faults []fault.Fault
		at     time.Duration
	}{
		{[]fault.Fault{fault.Stall(), fault.Cut().AfterTime(300 * time.Millisecond)}, 300 * time.Millisecond},
		{[]fault.Fault{fault.Drip(1, 10*time.Second), fault.Cut().AfterTime(90 * time.Second)}, 90 * time.Second},
		{[]fault.Fault{fault.Hold(100), fault.Cut().AfterTime(5 * time.Second)}, 5 * time.Second},
		{[]fault.Fault{fault.Latency(time.Hour, 0), fault.End().AfterTime(time.Minute)}, time.Minute},
	} {
		inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
			srv.Inject(tt.faults...)
			sendAll(t, st)
			c := getRaw(t, srv, st.URL(), "Last-Event-ID: 0")
			start := time.Now()
			c.head(t)
			if c.rest(); time.Since(start) != tt.at {
				t.Errorf("%v: ended after %v", tt.faults, time.Since(start))
			}
			srv.AssertFired(t)
		})
	}
}

func TestAStallIsReleased(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ts.Server, st *server.Stream) {
		h := srv.Inject(fault.Stall())
		sendAll(t, st)
		c := getRaw(t, srv, st.URL(), "Last-Event-ID: 0")
		c.head(t)
		time.AfterFunc(time.Second, h.Remove)
		time.AfterFunc(2*time.Second, func() { srv.Drop() })
		expectPieces(t, c, clocked{time.Second, chunk(all)})
	})
}

// TestNobodyGotIt: an event that no connection got is not delivered, whatever came
// after it.
func TestNobodyGotIt(t *testing.T) {
	srv := ts.NewInMemory(t)
	s, st := srv.Session("abc"), srv.Stream("s")
	early := s.Message("assistant", "before anybody came")
	withheld := s // of its next event
	resp := open(t, srv, s.URL(), "")
	srv.For(t).Conns(1)
	srv.Inject(fault.Drop().On("abc"))
	dropped := withheld.Message("assistant", "withheld")
	late := s.Message("assistant", "seen")
	ids(t, decode(resp), 1)
	srv.For(t).Delivered("abc", late)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, id := range map[string]int64{"an event from before": early, "a withheld event": dropped} {
		if err := srv.WaitDelivered(gone, "abc", id); !errors.Is(err, context.Canceled) {
			t.Errorf("%s counts as delivered: %v", name, err)
		}
	}
	if got := srv.Delivered(1); !slices.Equal(got, []string{itoa(late)}) {
		t.Errorf("request 1 got %q", got)
	}
	// By connection: of two readers, one is stalled.
	srv.Inject(fault.Stall().On("s"))
	open(t, srv, st.URL(), "")
	srv.For(t).ConnsOn("s", 1)
	open(t, srv, st.URL(), "")
	srv.For(t).ConnsOn("s", 2)
	sendText(t, st, one)
	srv.For(t).DeliveredID("s", "1")
	conns := srv.Conns("s")
	if err := conns[1].WaitDelivered(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	if err := conns[0].WaitDelivered(gone, "1"); err == nil {
		t.Error("the stalled connection got it")
	}
}

// TestWhoGotWhatOfAStreamMadeAnew: events of a session that follows another one under its
// id are its own, also for who connects before there are any, and while the old one
// still publishes.
func TestWhoGotWhatOfAStreamMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		old := srv.Session("abc")
		first := old.Message("assistant", "of the old one")
		open(t, srv, old.URL(), "")
		synctest.Wait()
		old.Ended("done")
		anew := srv.Session("abc")
		open(t, srv, anew.URL(), "")
		synctest.Wait()
		one := anew.Message("assistant", "of the new one")
		late := old.Message("assistant", "of the old one, within its second")
		two := anew.Message("assistant", "of the new one")
		synctest.Wait()
		if got, want := fmt.Sprint(srv.Delivered(1)), fmt.Sprint([]int64{first + 1, late}); got != want {
			t.Errorf("the reader of the old one got %s, want %s", got, want)
		}
		if got, want := fmt.Sprint(srv.Delivered(2)), fmt.Sprint([]int64{one, two}); got != want {
			t.Errorf("the reader of the new one got %s, want %s", got, want)
		}
		srv.For(t).Delivered("abc", two)
	})
}

// TestTheJournalPinsNoEvents: 40 connections that each got one event of 1 MiB leave
// nothing of it, once the log holds others.
func TestTheJournalPinsNoEvents(t *testing.T) {
	srv := ts.NewInMemory(t, &ts.Options{Window: 50, Record: 1 << 20})
	st := srv.Stream("s")
	before := heap()
	for range 40 {
		if err := st.Send(sse.Event{Data: strings.Repeat("x", 1<<20), ID: "big", HasID: true}); err != nil {
			t.Fatal(err)
		}
		srv.Inject(fault.End().AfterEvents(1))
		c := getRaw(t, srv, st.URL(), "Last-Event-ID: 0")
		io.Copy(io.Discard, c.in)
		c.Close()
	}
	for range 50 {
		sendText(t, st, one)
	}
	srv.For(t).Conns(0)
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("%d MiB are left", grown>>20)
	}
}

// TestNamesAreOfOneKind: a name that faults, waits and assertions could take for a
// session or for a plain stream is refused.
func TestNamesAreOfOneKind(t *testing.T) {
	srv := ts.NewInMemory(t)
	srv.Session("abc")
	srv.Stream("orders")
	for name, make := range map[string]func(){
		"a session's name": func() { srv.Stream("abc") }, "a plain stream's name": func() { srv.Session("orders") },
		"*": func() { srv.Stream("*") }, "no name": func() { srv.Stream("") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was taken", name)
				}
			}()
			make()
		}()
	}
	for _, body := range []string{`{"name":"abc"}`, `{"name":"*"}`, `{"name":""}`, `{}`} {
		if status, got := call(t, srv, "POST", "streams", body); status != 400 {
			t.Errorf("%s: %d %s", body, status, got)
		}
	}
	if status, got := call(t, srv, "POST", "publish", `{"stream":"abc","data":"x"}`); status != 400 {
		t.Errorf("published on a session as a plain stream: %d %s", status, got)
	}
}

// TestWaitIsStrict: it takes one fact about what there is, with its own members, and
// zero is zero.
func TestWaitIsStrict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t)
		srv.Stream("s")
		srv.Stream("other")
		srv.Inject(fault.Cut().AfterEvents(99))
		open(t, srv, srv.StreamURL("other"), "")
		start := time.Now()
		for body, field := range map[string]string{
			`{"requests":1,"stream":"s","timeout":0}`:           "", // is of another stream
			`{"connections":7,"timeout":"0s"}`:                  "",
			`{"requests":1,"fault":1}`:                          "fault",
			`{"fired":1,"fault":1,"stream":"s"}`:                "stream",
			`{"fired":1}`:                                       "fault",
			`{"delivered":"1"}`:                                 "stream",
			`{"delivered":"1","stream":"nowhere"}`:              "stream",
			`{"connections":1,"stream":"nowhere"}`:              "stream",
			`{"connections":-1}`:                                "connections",
			`{"requests":-1}`:                                   "requests",
			`{"fired":-1,"fault":1}`:                            "fired",
			`{"delivered":"1","stream":"s","request":9}`:        "request",
			`{"connections":1,"timeout":-1}`:                    "timeout",
			`{"connections":1,"connections":1}`:                 "connections",
			`{"connections":1,"stream":null,"timeout":"11m"}`:   "timeout",
			`{"delivered":"1","stream":"s","connections":null}`: "-", // waits its 10 s
		} {
			status, got := call(t, srv, "POST", "wait", body)
			switch {
			case field == "" && (status != 504 || time.Since(start) != 0):
				t.Errorf("%s: %d %s after %v, want a timeout at once", body, status, got, time.Since(start))
			case field == "-" && (status != 504 || time.Since(start) != 10*time.Second):
				t.Errorf("%s: %d %s after %v", body, status, got, time.Since(start))
			case len(field) > 1 && (status != 400 || !strings.Contains(got, fmt.Sprintf(`"field":%q`, field))):
				t.Errorf("%s: %d %s, want 400 about %s", body, status, got, field)
			}
			start = time.Now()
		}
	})
}

// TestAssertionsDoNotPassOnNothing: an unknown stream, nothing seen, only the last of
// five, changed data, an id whose HasID is not set.
func TestAssertionsDoNotPassOnNothing(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	srv.Stream("empty")
	sendAll(t, st)
	evs := events(all)
	changed := slices.Clone(evs)
	changed[1].Data = "2"
	bare := slices.Clone(evs)
	for i := range bare {
		bare[i].HasID = false
	}
	type assertion func(ts.TB, string, ...sse.Event)
	for _, tt := range []struct {
		name   string
		assert assertion
		stream string
		seen   []sse.Event
		want   string // a part of the first error; "" for none
	}{
		{"all", srv.AssertAll, "s", evs, ""},
		{"HasID is not set", srv.AssertAll, "s", bare, ""},
		{"unknown stream", srv.AssertNoGap, "nowhere", nil, `there is no stream "nowhere"`},
		{"unknown stream", srv.AssertNoRepeat, "nowhere", nil, `there is no stream "nowhere"`},
		{"nothing published", srv.AssertNoGap, "empty", nil, "nothing was published"},
		{"nothing seen", srv.AssertNoGap, "s", nil, "none was seen"},
		{"nothing seen", srv.AssertNoRepeat, "s", nil, "none was seen"},
		{"only the last", srv.AssertAll, "s", evs[3:], `3 events of "s" are missing before seen[0]: event "1" to event "3"`},
		{"not the last", srv.AssertAll, "s", evs[:3], `1 events of "s" are missing at the end: event "4" to event "4"`},
		{"twice", srv.AssertAll, "s", append(slices.Clone(evs), evs[0]), "is a repeat"},
		{"another order", srv.AssertAll, "s", []sse.Event{evs[1], evs[0], evs[2], evs[3]}, `missing before seen[0]: event "1"`},
		{"changed data", srv.AssertAll, "s", changed, `data "two" were, type "message" and data "2" were seen`},
		{"never published", srv.AssertAll, "s", append(events("id: 9\ndata: x\n\n"), evs...), `event "9", was never published`},
	} {
		var tb fakeTB
		tt.assert(&tb, tt.stream, tt.seen...)
		if got := strings.Join(tb.errors, "; "); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestAssertEventsWithoutIDs: an event that was published without an id is seen with the
// one that is in force, as the standard has it, and is not taken for another.
func TestAssertEventsWithoutIDs(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	const text = one + "data: x\n\n" + "data: x\n\n" + two + "data: y\n\n"
	sendText(t, st, text)
	seen := events(text)
	srv.AssertAll(t, "s", seen...)
	for name, wrong := range map[string][]sse.Event{
		"one is missing": slices.Delete(slices.Clone(seen), 2, 3),
		"one is twice":   slices.Insert(slices.Clone(seen), 4, seen[4]),
		"changed":        append(slices.Clone(seen[:4]), sse.Event{ID: "2", Type: "message", Data: "z"}),
	} {
		var tb fakeTB
		if srv.AssertAll(&tb, "s", wrong...); len(tb.errors) == 0 {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestZeroMeansZero on the wire; testserver/fault has it for all members.
func TestZeroMeansZero(t *testing.T) {
	srv := ts.NewInMemory(t)
	s := srv.Session("abc")
	h := srv.Inject(fault.Status(500).Times(0), fault.Status(500).Probability(0))
	if status := statusOf(t, srv, "GET", s.URL()); status != 200 || h.Fired() != 0 {
		t.Errorf("got %d, fired %d", status, h.Fired())
	}
	srv.For(t).Conns(0) // or the connection that is just over could be struck
	srv.Inject(fault.CutAfter(0))
	c := getRaw(t, srv, s.URL())
	c.head(t)
	if got, end := c.rest(); got != "" || end != "cut" {
		t.Errorf("CutAfter(0): got %q, %s", got, end)
	}
	for name, flt := range map[string]fault.Fault{"conn": fault.Refuse().Conn(2), "times": fault.Refuse().Times(3)} {
		func() {
			defer func() {
				if e, ok := recover().(*fault.FieldError); !ok || e.Field != name {
					t.Errorf("%v: %v, want an error about %s", flt, e, name)
				}
			}()
			ts.New(t).Inject(flt)
		}()
	}
}

// TestGapsHaveASign where an id means nothing any more, or is none that HTTP carries.
func TestGapsHaveASign(t *testing.T) {
	srv := ts.NewInMemory(t, &ts.Options{Window: 1})
	s, st := srv.Session("abc"), srv.Stream("s")
	sendAll(t, st)
	if err := srv.Restart(ts.KeepNothing, 0); err != nil {
		t.Fatal(err)
	}
	sendText(t, st, one)
	s.Message("assistant", "hi")
	for _, tt := range []struct{ url, asked, gap string }{
		{st.URL(), "4", "earliest"}, // of the old run
		{s.URL(), "99999999999999999999", "earliest"},
		{s.URL(), "9223372036854775807", "earliest"},
	} {
		if got := open(t, srv, tt.url, tt.asked).Header.Get("Last-Event-ID"); got != tt.gap {
			t.Errorf("behind %q: gap %q, want %q", tt.asked, got, tt.gap)
		}
	}
	for _, id := range []string{"a\x01b", "b\x7f", strings.Repeat("x", 5000)} {
		if err := st.Send(sse.Event{ID: id, HasID: true, Data: "x"}); err != nil {
			t.Fatal(err)
		}
		sendText(t, st, two)
		resp := open(t, srv, st.URL(), "0")
		if got := resp.Header.Get("Last-Event-ID"); got != "earliest" {
			t.Errorf("an id that no header carries: gap %q", got)
		}
	}
}

// TestARestartNeedsItsPort: it says so when somebody else has it, and comes back once it
// is free.
func TestARestartNeedsItsPort(t *testing.T) {
	t.Parallel() // it waits for 5 s
	srv := ts.New(t)
	h := srv.Inject(fault.Refuse().Always())
	l, err := net.Listen("tcp", strings.TrimPrefix(srv.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	h.Remove()
	if err := srv.Restart(ts.KeepLogs, 0); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want that the address is in use", err)
	}
	l.Close()
	for {
		if c, err := srv.Dial(t.Context()); err == nil {
			c.Close()
			return
		}
		runtime.Gosched()
	}
}

// TestNoStreamIsServedDuringTheDownTime, also on an HTTP/2 connection that is spared
// because it carries the order to restart.
func TestNoStreamIsServedDuringTheDownTime(t *testing.T) {
	srv := ts.New(t)
	st := srv.Stream("s")
	client := h2Client(t)
	if resp, err := client.Get(srv.ControlURL() + "stats"); err != nil || resp.ProtoMajor != 2 {
		t.Fatal(resp, err)
	}
	restarted := make(chan struct{})
	go func() {
		defer close(restarted)
		resp, err := client.Post(srv.ControlURL()+"restart", "", strings.NewReader(`{"down":"200ms"}`))
		if err != nil || resp.StatusCode != 200 {
			t.Error(resp, err)
			return
		}
		resp.Body.Close()
	}()
	for served := 0; ; served++ {
		select {
		case <-restarted:
			return
		default:
		}
		resp, err := client.Get(st.URL())
		if err != nil {
			continue
		}
		resp.Body.Close()
		if r := srv.Requests(); srv.Stats().Restarts == 0 && served > 1000 {
			t.Fatalf("%d streams were served while the server was down", len(r))
		}
	}
}

// h2Client speaks HTTP/2 without TLS, over one connection.
func h2Client(t *testing.T) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestAPendingAnswerCanBeSeenAndFreed: a request that gets no answer is in the list of
// connections, can be ended, and is served when its fault is removed.
func TestAPendingAnswerCanBeSeenAndFreed(t *testing.T) {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	h := srv.Inject(fault.NoAnswer().Times(2))
	first := getRaw(t, srv, st.URL())
	srv.For(t).Fired(h, 1)
	second := getRaw(t, srv, st.URL())
	srv.For(t).Fired(h, 2)
	conns := srv.Conns("s")
	if len(conns) != 2 || !conns[0].Awaiting || !conns[1].Awaiting {
		t.Fatalf("connections: %+v", conns)
	}
	conns[0].Cut()
	if _, err := first.in.ReadByte(); err == nil {
		t.Error("the first one was not cut")
	}
	h.Remove()
	if resp := second.head(t); resp.StatusCode != 200 {
		t.Errorf("the second one got %s", resp.Status)
	}
}

// TestAnEndedSessionIsEndedOnce.
func TestAnEndedSessionIsEndedOnce(t *testing.T) {
	srv := ts.NewInMemory(t)
	srv.Session("abc")
	must[object](t, srv, "POST", "sessions/abc/end", "")
	if status, body := call(t, srv, "POST", "sessions/abc/end", ""); status != 404 {
		t.Errorf("a second end: %d %s", status, body)
	}
	srv.Stream("s").End()
	if status, body := call(t, srv, "POST", "streams/s/end", ""); status != 404 {
		t.Errorf("a second end: %d %s", status, body)
	}
}

// TestOneOptions: a second one is a mistake.
func TestOneOptions(t *testing.T) {
	var tb fakeTB
	defer tb.end()
	ts.NewInMemory(&tb, nil, &ts.Options{})
	if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], "2 Options") {
		t.Errorf("got %q", tb.errors)
	}
}

// TestControlIsNotForWebPages of other origins, whatever the method, and says what it
// allows.
func TestControlIsNotForWebPages(t *testing.T) {
	srv := ts.NewInMemory(t)
	for _, tt := range []struct {
		method string
		header []string
		status int
	}{
		{"GET", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"GET", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"GET", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"GET", []string{"Sec-Fetch-Site", "none"}, 200},
		{"GET", []string{"Origin", "http://evil.example"}, 403},
		{"GET", []string{"Origin", "null"}, 403},
		{"GET", []string{"Origin", "http://sse.test"}, 200},
		{"GET", nil, 200},
	} {
		if status, body := call(t, srv, tt.method, "stats", "", tt.header...); status != tt.status {
			t.Errorf("%s %v: %d %s, want %d", tt.method, tt.header, status, body, tt.status)
		}
	}
	req, _ := http.NewRequest("PUT", srv.ControlURL()+"faults", nil)
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Allow"); resp.StatusCode != 405 || got != "DELETE, GET, POST" {
		t.Errorf("PUT: %s, Allow %q", resp.Status, got)
	}
}

// TestPublishIsBounded: by what one request asks for in all, and by its caller's leaving.
func TestPublishIsBounded(t *testing.T) {
	srv := ts.NewInMemory(t)
	body := "[" + strings.Repeat(`{"stream":"s","times":99999},`, 30) + `{"stream":"s"}]`
	if status, got := call(t, srv, "POST", "publish", body); status != 400 || !strings.Contains(got, "[1].times") {
		t.Errorf("3 million events: %d %s", status, got)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequestWithContext(gone, "POST", "/_ctl/publish", strings.NewReader(`{"stream":"s","times":100000}`))
	srv.ServeHTTP(httptest.NewRecorder(), req)
	if n := srv.Stats().Events; n != 0 {
		t.Errorf("%d events were published for a caller that had left", n)
	}
}
