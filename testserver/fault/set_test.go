package fault_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// request changes the one that rigs send.
func request(method string, header ...string) fault.Request {
	r := get
	r.Method, r.Header = method, http.Header{}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// statusOf lets a request meet a set, and returns the status of its answer; 0 if
// there is none.
func statusOf(set *fault.Set, r fault.Request) int {
	c := set.Meet(r, nil)
	defer c.Close()
	if a := c.Answer(context.Background()); a != nil {
		return a.Status
	}
	return 0
}

func TestConditions(t *testing.T) {
	aside := fault.Request{Aside: true, Path: "/v1/auth/sse-token", Method: "POST", Header: http.Header{}}
	for _, tt := range []struct {
		fault fault.Fault
		r     fault.Request
		want  bool
	}{
		{fault.Status(500), get, true},
		{fault.Status(500), request("POST"), true},
		{fault.Status(500), request("HEAD"), false},
		{fault.Status(500), request("OPTIONS"), false},
		{fault.Status(500), request("PUT"), false},
		{fault.Status(500).On("s"), get, true},
		{fault.Status(500).On("t"), get, false},
		{fault.Status(500).Path("/events"), get, true},
		{fault.Status(500).Path("/event"), get, false},
		{fault.Status(500).Method("post"), request("POST"), true},
		{fault.Status(500).Method("POST"), get, false},
		{fault.Status(500).Header("a", "b"), request("GET", "A", "b"), true},
		{fault.Status(500).Header("a", "b"), request("GET", "A", "c"), false},
		{fault.Status(500).Header("a", "*"), request("GET", "A", "c"), true},
		{fault.Status(500).Header("a", "*"), get, false},
		{fault.Status(500).WithoutHeader("a"), get, true},
		{fault.Status(500).WithoutHeader("a"), request("GET", "A", ""), false},
		{fault.Status(500), aside, false},
		{fault.Status(500).Path("/v1/auth/sse-token"), aside, true},
		{fault.Status(500).Times(0), get, false},
		{fault.Status(500).Probability(0), get, false},
		{fault.Status(500).Probability(1), get, true},
	} {
		set := fault.NewSet(1, nil)
		add(t, set, tt.fault)
		if got := statusOf(set, tt.r) == 500; got != tt.want {
			t.Errorf("%v struck %v: %v", tt.fault, tt.r, got)
		}
	}
}

// TestOneCountForAllKinds: Conn(n) is the n-th GET or POST that the conditions fit,
// whatever becomes of it.
func TestOneCountForAllKinds(t *testing.T) {
	var struck []string
	set := fault.NewSet(1, func(s fault.Strike) { struck = append(struck, fmt.Sprint(s.Tag, " ", s.Kind)) })
	add(t, set,
		fault.Status(404).Conn(1), fault.Status(503).Conn(2).Times(9), fault.ContentType("x/y").Conn(3), fault.Cut().Conn(3),
		fault.IgnoreLastEventID().Conn(4), fault.Slice().Conn(4))
	for i, method := range []string{"HEAD", "GET", "OPTIONS", "POST", "GET", "GET"} {
		c := set.Meet(request(method), i)
		if c.Answer(t.Context()) == nil {
			c.Open(&fault.Opening{LastEventID: "7"})
			c.Start(func() {})
			c.Next(fault.Progress{Boundary: true})
		}
		c.Close()
	}
	if got, want := strings.Join(struck, ", "), "1 status, 3 status, 4 content_type, 4 cut, 5 ignore_last_event_id, 5 slice"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestWhatCannotActIsNotUsedUp: a fault about resuming waits for a connection that
// resumes.
func TestWhatCannotActIsNotUsedUp(t *testing.T) {
	set := fault.NewSet(1, nil)
	add(t, set, fault.IgnoreLastEventID().Conn(3), fault.ReplayInclusive(), fault.IgnoreLastEventID())
	open := func(o fault.Opening) fault.Opening {
		c := set.Meet(get, nil)
		defer c.Close()
		c.Open(&o)
		return o
	}
	open(fault.Opening{})
	if o := open(fault.Opening{LastEventID: "3"}); o.LastEventID != "" {
		t.Errorf("%+v", o)
	}
	if o := open(fault.Opening{LastEventID: "3", Resumes: true}); o.LastEventID != "" || o.Inclusive {
		t.Errorf("%+v", o)
	}
	if o := open(fault.Opening{LastEventID: "3", Resumes: true}); !o.Inclusive {
		t.Errorf("%+v", o)
	}
	for _, i := range set.Info(1, 2, 3) {
		if i.Fired != 1 {
			t.Errorf("%v fired %d times", i.Fault, i.Fired)
		}
	}
}

func TestUnstruck(t *testing.T) {
	set := fault.NewSet(1, nil)
	add(t, set, fault.Status(500), fault.Drop(), fault.Cut().Times(0), fault.End().Probability(0), fault.NoAnswer().On("nobody"))
	set.Remove(5)
	statusOf(set, get)
	if got := fmt.Sprint(set.Unstruck()); !strings.Contains(got, "drop") || !strings.Contains(got, "nobody") || strings.Contains(got, "status") || strings.Contains(got, "end") {
		t.Errorf("unstruck: %v", got)
	}
}

func TestNoAnswerIsFreedByRemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := fault.NewSet(1, nil)
		add(t, set, fault.SlowHeaders(time.Minute), fault.NoAnswer(), fault.Status(418))
		time.AfterFunc(time.Hour, func() { set.Remove(2) })
		start := time.Now()
		if status := statusOf(set, get); status != 418 || time.Since(start) != time.Hour {
			t.Errorf("status %d after %v", status, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		add(t, set, fault.NoAnswer())
		c := set.Meet(get, nil)
		defer c.Close()
		if a := c.Answer(ctx); a == nil || a.Status != 0 || a.Kind != "no_answer" {
			t.Errorf("got %+v", a)
		}
	})
}

func TestAnswerHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := fault.NewSet(1, nil)
		add(t, set, fault.Status(503).RetryAfter(1500*time.Millisecond).SetHeader("x-a", "b").SetHeader("Date", ""),
			fault.Status(503).RetryAfterDate(90*time.Second), fault.Status(503).RetryAfter(0))
		for _, want := range []http.Header{
			{"Retry-After": {"2"}, "X-A": {"b"}, "Date": nil},
			{"Retry-After": {time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)}},
			{"Retry-After": {"0"}},
		} {
			c := set.Meet(get, nil)
			if a := c.Answer(t.Context()); fmt.Sprint(a.Header) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", a.Header, want)
			}
			c.Close()
		}
	})
}

// TestChanceIsOfTheSeed: the n-th request draws the same, in whatever order they are
// served.
func TestChanceIsOfTheSeed(t *testing.T) {
	draw := func(seed int64) string {
		set := fault.NewSet(seed, nil)
		add(t, set, fault.Status(500).Probability(0.5).Always())
		var b strings.Builder
		conns := make([]*fault.Conn, 100)
		for i := range conns {
			conns[i] = set.Meet(get, nil)
		}
		for i := range conns {
			c := conns[(i*37)%100]
			defer c.Close()
			b.WriteString(map[bool]string{true: "x", false: "-"}[c.Answer(t.Context()) != nil])
		}
		return b.String()
	}
	first := draw(3)
	if again := draw(3); again != first {
		t.Errorf("the same seed drew\n%s, then\n%s", first, again)
	}
	if other := draw(4); other == first {
		t.Error("another seed drew the same")
	}
	if n := strings.Count(first, "x"); math.Abs(float64(n-50)) > 25 {
		t.Errorf("%d of 100 with a probability of a half", n)
	}
}

// TestOnlyOpenConnectionsDraw: a request that has had an answer in place of its stream,
// and is not over yet, changes no chances of those that follow.
func TestOnlyOpenConnectionsDraw(t *testing.T) {
	draw := func(linger bool) string {
		set := fault.NewSet(5, nil)
		add(t, set, fault.Status(500))
		if c := set.Meet(get, nil); c.Answer(t.Context()) != nil && linger {
			defer c.Close()
		} else {
			c.Close()
		}
		add(t, set, fault.Drop().Always().Probability(0.5))
		c := set.Meet(get, nil)
		defer c.Close()
		c.Open(&fault.Opening{})
		c.Start(func() {})
		var b strings.Builder
		for range 50 {
			fmt.Fprint(&b, len(c.Event(fault.Progress{Boundary: true}, fault.Event{Bytes: []byte(four[0])})))
		}
		return b.String()
	}
	if with, without := draw(true), draw(false); with != without {
		t.Errorf("drew %s, and without the other %s", with, without)
	}
}

func TestReset(t *testing.T) {
	set := fault.NewSet(1, nil)
	add(t, set, fault.Cut(), fault.Status(500))
	set.Reset()
	if statusOf(set, get) != 0 || len(set.Active()) != 0 || len(set.Info(1, 2)) != 0 {
		t.Error("there is something left")
	}
	if numbers := add(t, set, fault.Cut()); numbers[0] != 1 {
		t.Errorf("numbers begin at %d", numbers[0])
	}
}

// A fault that is added while a request waits for its response strikes the stream that
// it then gets, as it does those that are open.
func TestAddedBeforeTheStreamIsOpen(t *testing.T) {
	s := fault.NewSet(1, nil)
	c := s.Meet(fault.Request{Method: http.MethodGet}, nil)
	defer c.Close()
	if _, err := s.Add(fault.Cut()); err != nil {
		t.Fatal(err)
	}
	if c.Busy() {
		t.Error("a request that may get another answer was struck")
	}
	c.Open(&fault.Opening{})
	c.Start(func() {})
	if step := c.Next(fault.Progress{Boundary: true}); step.End == nil {
		t.Errorf("the stream was not cut: %+v", step)
	}
}
