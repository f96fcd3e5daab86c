package hub_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
)

// A plan does what its functions say; nil ones do nothing.
type plan struct {
	answer func(context.Context, http.ResponseWriter, *http.Request) hub.Answer
	admit  func(*hub.Opening)
	event  func(hub.Progress, hub.Event) []hub.Part
	next   func(hub.Progress) hub.Step
	quiet  int // how many times it says that it is
}

func (p *plan) Answer(ctx context.Context, w http.ResponseWriter, r *http.Request) (a hub.Answer) {
	if p.answer != nil {
		a = p.answer(ctx, w, r)
	}
	return a
}

func (p *plan) Admit(o *hub.Opening) {
	if p.admit != nil {
		p.admit(o)
	}
}

func (p *plan) Wrap(w hub.Wire) hub.Wire { return w }

func (p *plan) Quiet() bool {
	p.quiet--
	return p.quiet >= 0
}

func (p *plan) Event(pr hub.Progress, ev hub.Event) []hub.Part {
	if p.event == nil {
		return ev.Keep()
	}
	return p.event(pr, ev)
}

func (p *plan) Next(pr hub.Progress) (s hub.Step) {
	if p.next != nil {
		s = p.next(pr)
	}
	return s
}

// A seam gives the first request its plan.
type seam struct{ plan *plan }

func (s *seam) Arrive(v *hub.Visit) hub.Plan {
	if v.Number == 1 && s.plan != nil {
		return s.plan
	}
	return nil
}

// A witness writes down what it is told.
type witness struct {
	mu    sync.Mutex
	lines []string
}

func (w *witness) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

func (w *witness) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := strings.Join(w.lines, "; ")
	w.lines = nil
	return s
}

func (w *witness) Published(id hub.StreamID, ev hub.Event) {
	if id.Kind != hub.OfAll {
		w.note("published %s at %d", ev.Name(), ev.Place)
	}
}
func (w *witness) Arrived(v *hub.Visit) {
	w.note("arrived %d for %s, %v", v.Number, v.Stream.Name, v.Known)
}
func (w *witness) Opened(v *hub.Visit, o hub.Opened) {
	w.note("opened %d behind %s, gap %q", v.Number, o.Start, o.Gap)
}
func (w *witness) Delivered(v *hub.Visit, d hub.Delivered) {
	w.note("delivered %d: %d to %d, %d, last %s", v.Number, d.From, d.To, d.Events, d.Name())
}
func (w *witness) Ended(v *hub.Visit, e hub.Ending) {
	w.note("ended %d: %d %s, %d events, panic %v", v.Number, e.Status, e.Why, e.Events, e.Panic)
}

// withPlan runs a test in a bubble in all ways of writing. The plan of the first
// request is made by make for each.
func withPlan(t *testing.T, make func() *plan, test func(t *testing.T, s *server, p *plan, w *witness)) {
	var w *witness
	var p *plan
	inAllWays(t, func(c *hub.Config) {
		w, p = &witness{}, make()
		c.Watcher, c.Seam = w, &seam{p}
	}, func(t *testing.T, s *server) { test(t, s, p, w) })
}

// What happened is told under the lock: in the order of the facts.
func TestWatcher(t *testing.T) {
	withPlan(t, func() *plan { return nil }, func(t *testing.T, s *server, _ *plan, w *witness) {
		abc := s.session("abc")
		emit(t, abc, "")
		emit(t, abc, "")
		r := s.read("/v1/sessions/abc/events", "Last-Event-ID", "2")
		r.ids(1)
		synctest.Wait()
		s.get("/v1/sessions/xyz/events")
		s.CommandAll(nil, hub.Clean, "enough")
		r.rest()
		synctest.Wait()
		want := `published 2 at 1; published 3 at 2; arrived 1 for abc, true; opened 1 behind 2, gap ""; delivered 1: 2 to 2, 1, last 3; ` +
			`arrived 2 for xyz, false; ended 2: 404 Not Found, 0 events, panic <nil>; ended 1: 200 enough, 1 events, panic <nil>`
		if got := w.take(); got != want {
			t.Errorf("got\n%s, want\n%s", got, want)
		}
	})
}

// Who has waited until no stream is under way finds the end of each with the watcher.
func TestIdleIsTold(t *testing.T) {
	w := &witness{}
	s := serve(t, hub.Config{Watcher: w})
	s.session("abc")
	for n := range 100 {
		s.get("/v1/sessions/abc/events")
		s.CommandAll(nil, hub.Abort, "enough")
		if err := s.Idle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if told := w.take(); !strings.Contains(told, "200 enough") {
			t.Fatalf("after stream %d the watcher knows: %s", n+1, told)
		}
	}
}

// A plan's cut that is due by time strikes during its stall, and within a drip.
func TestTimedEndWhileHushed(t *testing.T) {
	for _, boundary := range []bool{true, false} {
		withPlan(t, func() *plan {
			return &plan{next: func(p hub.Progress) hub.Step {
				at := p.Opened.Add(300 * time.Millisecond)
				if !time.Now().Before(at) {
					return hub.Step{End: &hub.End{How: hub.Abort, Why: "timed"}}
				}
				if !boundary && p.Bytes == 0 {
					return hub.Step{Max: 10} // into connected
				}
				return hub.Step{Hush: true, Wake: at}
			}}
		}, func(t *testing.T, s *server, _ *plan, w *witness) {
			emit(t, s.session("abc"), "")
			resp, start := s.get("/v1/sessions/abc/events", "Last-Event-ID", "0"), time.Now()
			b, err := io.ReadAll(resp.Body)
			if err == nil || time.Since(start) != 300*time.Millisecond || len(b) > 10 {
				t.Errorf("got %q, %v after %v, want a cut after 300ms", b, err, time.Since(start))
			}
			synctest.Wait()
			if got := w.take(); !strings.HasSuffix(got, "ended 1: 200 timed, 0 events, panic <nil>") {
				t.Errorf("told %s", got)
			}
		})
	}
}

// Events that a plan withholds are not delivered, those that it keeps for later are when
// they come, also at a clean end.
func TestPlanReorders(t *testing.T) {
	withPlan(t, func() *plan {
		var late []hub.Part
		return &plan{
			event: func(_ hub.Progress, ev hub.Event) []hub.Part {
				switch ev.Num {
				case 2: // drop
					return nil
				case 3, 5: // keep back
					late = ev.Keep()
					return nil
				}
				parts := append(ev.Keep(), late...)
				late = nil
				return parts
			},
			next: func(p hub.Progress) (s hub.Step) {
				if p.Ending {
					s.Parts, late = late, nil
				}
				return s
			},
		}
	}, func(t *testing.T, s *server, _ *plan, w *witness) {
		abc := s.session("abc")
		for range 4 {
			emit(t, abc, "")
		}
		r := s.read("/v1/sessions/abc/events", "Last-Event-ID", "0")
		s.CommandAll(nil, hub.Drain, "enough")
		if got, err := r.rest(); got != "4 3 5" || err != nil {
			t.Errorf("got %s, %v, want 4 3 5", got, err)
		}
		synctest.Wait()
		_, got, _ := strings.Cut(w.take(), `gap ""; `)
		want := "delivered 1: 3 to 3, 1, last 4; delivered 1: 2 to 2, 1, last 3; delivered 1: 4 to 4, 1, last 5; ended 1: 200 enough, 3 events, panic <nil>"
		if got != want {
			t.Errorf("told\n%s, want\n%s", got, want)
		}
	})
}

// Who ends the quiet of a plan reaches events that were taken together and not written.
func TestPlanTakesBack(t *testing.T) {
	withPlan(t, func() *plan {
		return &plan{
			quiet: 3, // for the greeting, and until the events are taken
			event: func(_ hub.Progress, ev hub.Event) []hub.Part {
				return []hub.Part{{Bytes: fmt.Appendf(nil, "id: seen-%d\ndata:\n\n", ev.Num), Event: &ev}}
			},
		}
	}, func(t *testing.T, s *server, _ *plan, w *witness) {
		abc := s.session("abc")
		emit(t, abc, "")
		emit(t, abc, "")
		if got := s.read("/v1/sessions/abc/events", "Last-Event-ID", "0").ids(2); got != "seen-2 seen-3" {
			t.Errorf("got %s, want seen-2 seen-3", got)
		}
		synctest.Wait()
		if got := w.take(); !strings.HasSuffix(got, "delivered 1: 1 to 1, 1, last 2; delivered 1: 2 to 2, 1, last 3") {
			t.Errorf("told %s", got)
		}
	})
}

// A plan's answer can be ended by a command, and by the hub's end.
func TestPendingAnswer(t *testing.T) {
	withPlan(t, func() *plan {
		return &plan{answer: func(ctx context.Context, _ http.ResponseWriter, _ *http.Request) hub.Answer {
			<-ctx.Done()
			return hub.Answer{}
		}}
	}, func(t *testing.T, s *server, _ *plan, w *witness) {
		s.session("abc")
		go func() {
			time.Sleep(time.Hour)
			conns := s.Conns()
			if len(conns) != 1 || conns[0].Open || !s.Command(conns[0].Visit.Number, hub.Abort, "freed") {
				t.Errorf("connections: %+v, want one that waits", conns)
			}
		}()
		start := time.Now()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/sessions/abc/events", strings.NewReader("x")) // which nobody repeats
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := s.client.Do(req); err == nil {
			t.Errorf("got %s, want no answer", resp.Status)
		}
		if d := time.Since(start); d != time.Hour {
			t.Errorf("freed after %v, want 1h", d)
		}
		synctest.Wait()
		if got := w.take(); !strings.Contains(got, "ended 1: 0 freed, 0 events, panic <nil>") {
			t.Errorf("told %s", got)
		}
	})
}

// A plan that panics takes its connection with it, and nothing else, with a trace.
func TestPanic(t *testing.T) {
	withPlan(t, func() *plan {
		return &plan{event: func(hub.Progress, hub.Event) []hub.Part { panic("oops") }}
	}, func(t *testing.T, s *server, _ *plan, w *witness) {
		abc := s.session("abc")
		emit(t, abc, "")
		r := s.read("/v1/sessions/abc/events", "Last-Event-ID", "0")
		if got, err := r.rest(); got != "" || err == nil {
			t.Errorf("got %s, %v, want a cut", got, err)
		}
		synctest.Wait()
		if got := w.take(); !strings.Contains(got, "ended 1: 200 the handler panicked, 0 events, panic oops") {
			t.Errorf("told %s", got)
		}
		if open := len(s.Conns()); open != 0 {
			t.Errorf("%d connections are left", open)
		}
		if got := s.read("/v1/sessions/abc/events", "Last-Event-ID", "0").ids(1); got != "2" {
			t.Errorf("the next reader: got %s, want 2", got)
		}
	})
}

// A plan changes where a stream starts, with the lock held.
func TestAdmit(t *testing.T) {
	for _, tt := range []struct {
		name  string
		admit func(*hub.Opening)
		gap   string
		ids   string
	}{
		{"as it is", func(*hub.Opening) {}, "", "3"},
		{"inclusive", func(o *hub.Opening) { o.Inclusive = o.Kept(o.Asked) }, "", "2 3"},
		{"live", func(o *hub.Opening) { o.Asked = "" }, "", ""},
		{"an empty log", func(o *hub.Opening) { o.ClearLog = true }, "3", ""},
		{"a new run", func(o *hub.Opening) { o.NewRun = true }, hub.Earliest, ""},
		{"another header", func(o *hub.Opening) { o.Header["Content-Type"] = nil; o.Header.Set("X-Test", "1") }, "", "3"},
	} {
		withPlan(t, func() *plan { return &plan{admit: tt.admit} }, func(t *testing.T, s *server, _ *plan, _ *witness) {
			abc := s.session("abc")
			emit(t, abc, "")
			emit(t, abc, "")
			r := s.read("/v1/sessions/abc/events", "Last-Event-ID", "2")
			s.CommandAll(nil, hub.Drain, "")
			got, err := r.rest()
			if gap := r.resp.Header.Get("Last-Event-ID"); got != tt.ids || gap != tt.gap || err != nil {
				t.Errorf("%s: got %q, gap %q, %v, want %q, gap %q", tt.name, got, gap, err, tt.ids, tt.gap)
			}
			if typ, added := r.resp.Header.Get("Content-Type"), r.resp.Header.Get("X-Test") != ""; (typ == "") != added {
				t.Errorf("%s: content type %q, a header added: %v", tt.name, typ, added)
			}
		})
	}
}
