package hub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A store keeps what is published, before it is published: the thing that a History
// reads.
type store struct {
	mu       sync.Mutex
	events   []stored
	lost     map[string]int64 // the newest id that retention took, by session; "" is the global stream
	over     map[string]bool
	broken   func(after int64) error                 // fails a read behind an id
	reading  func(id hub.StreamID)                   // is called for each event that is read
	asked    func(ctx context.Context, after string) // is called for each question
	answered func(*hub.Past)                         // may change an answer; the lock is not held
	now      atomic.Int64                            // how many read at once
	most     atomic.Int64
}

type stored struct {
	num     int64
	session string
	kind    session.Kind
}

func (e stored) data() string { return fmt.Sprintf(`{"event":%q,"n":%d}`, e.kind, e.num) }

// put stores an event and publishes it.
func (st *store) put(t *testing.T, h *hub.Hub, num int64, name string, kind session.Kind) {
	t.Helper()
	e := stored{num, name, kind}
	st.keep(e)
	ses, err := h.Session(name)
	if err == nil {
		err = ses.Append(num, kind, []byte(e.data()))
	}
	if err != nil {
		t.Errorf("Append(%d): %v", num, err)
	}
}

func (st *store) keep(e stored) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.events = append(st.events, e)
}

func (st *store) history(ctx context.Context, id hub.StreamID, after string) (hub.Past, error) {
	if st.asked != nil {
		st.asked(ctx, after)
	}
	p, err := st.answer(id, after)
	if st.answered != nil && err == nil {
		st.answered(&p)
	}
	return p, err
}

func (st *store) answer(id hub.StreamID, after string) (hub.Past, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	num, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		return hub.Past{}, fmt.Errorf("asked behind %q", after)
	}
	p := hub.Past{Known: id.Kind == hub.OfAll, Over: st.over[id.Name]}
	for _, e := range st.events {
		p.Newest = e.num
		p.Known = p.Known || e.session == id.Name
	}
	if num < st.lost[id.Name] {
		p.Start = hub.Earliest
	}
	p.Events = st.behind(id, num)
	return p, nil
}

// behind iterates over the events of a stream behind an id, as they are stored then.
func (st *store) behind(id hub.StreamID, num int64) iter.Seq2[sse.Event, error] {
	return func(yield func(sse.Event, error) bool) {
		n := st.now.Add(1)
		defer st.now.Add(-1)
		for most := st.most.Load(); n > most && !st.most.CompareAndSwap(most, n); most = st.most.Load() {
		}
		for at := num; ; {
			e, ok := st.next(id, at)
			if !ok {
				return
			}
			if st.broken != nil {
				if err := st.broken(at); err != nil {
					yield(sse.Event{}, err)
					return
				}
			}
			if st.reading != nil {
				st.reading(id)
			}
			if !yield(sse.Event{ID: strconv.FormatInt(e.num, 10), HasID: true, Data: e.data()}, nil) {
				return
			}
			at = e.num
		}
	}
}

func (st *store) next(id hub.StreamID, after int64) (e stored, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	i := sort.Search(len(st.events), func(i int) bool { return st.events[i].num > max(after, st.lost[id.Name]) })
	for _, e := range st.events[i:] {
		if id.Kind == hub.OfAll || e.session == id.Name {
			return e, true
		}
	}
	return e, false
}

// ids are those of a stream, behind one.
func (st *store) ids(id hub.StreamID, after int64) string {
	st.mu.Lock()
	defer st.mu.Unlock()
	var ids []string
	for _, e := range st.events {
		if e.num > after && (id.Kind == hub.OfAll || e.session == id.Name) {
			ids = append(ids, strconv.FormatInt(e.num, 10))
		}
	}
	return strings.Join(ids, " ")
}

func (st *store) config(window int) hub.Config {
	return hub.Config{Run: "r1", Window: window, LagEvents: window, History: st.history}
}

// withStore runs a test in a bubble with each way of writing, on a server that has a
// store behind it.
func withStore(t *testing.T, window int, change func(*hub.Config), test func(t *testing.T, s *server, st *store)) {
	var st *store
	inAllWays(t, func(c *hub.Config) {
		st = &store{lost: map[string]int64{}, over: map[string]bool{}}
		hijack := c.NoHijack
		*c = st.config(window)
		c.NoHijack = hijack
		if change != nil {
			change(c)
		}
	}, func(t *testing.T, s *server) { test(t, s, st) })
}

func count(ids string) int { return len(strings.Fields(ids)) }

func session1(name string) hub.StreamID { return hub.StreamID{Kind: hub.OfSession, Name: name} }

// Events that are published while a replay is read from the history come once and in
// order, on a session's stream and on the global one.
func TestHistoryWhilePublishing(t *testing.T) {
	withStore(t, 5, nil, func(t *testing.T, s *server, st *store) {
		for n := range int64(3000) {
			st.put(t, s.Hub, n+1, []string{"a", "b", "c"}[n%3], session.Message)
		}
		next := int64(3001)
		st.reading = func(hub.StreamID) { // one more for each that is read, for a while
			if n := next; n <= 4000 {
				next++
				st.put(t, s.Hub, n, []string{"a", "b", "c"}[n%3], session.Message)
			}
		}
		for _, id := range []hub.StreamID{session1("a"), hub.GlobalID} {
			path := "/v1/events"
			if id.Kind == hub.OfSession {
				path = "/v1/sessions/a/events"
			}
			r := s.read(path, "Last-Event-ID", "10")
			if gap := r.resp.Header.Get("Last-Event-ID"); gap != "" {
				t.Errorf("%s: gap %q, want none", path, gap)
			}
			got := r.ids(count(st.ids(id, 10))) // of those so far
			rest := r.ids(count(st.ids(id, 10)) - count(got))
			if want := st.ids(id, 10); strings.TrimSpace(got+" "+rest) != want {
				t.Errorf("%s: got %.60s… of %d, want %.60s… of %d", path, got, count(got+" "+rest), want, count(want))
			}
			r.resp.Body.Close()
		}
	})
}

// A reader that is slower than the window alternates between the log and the history,
// and is not cut.
func TestHistoryForSlowReader(t *testing.T) {
	withStore(t, 5, nil, func(t *testing.T, s *server, st *store) {
		st.put(t, s.Hub, 1, "a", session.Message)
		r := s.read("/v1/sessions/a/events")
		synctest.Wait()
		next := int64(2)
		var got []string
		for round := range 40 {
			for range 400 { // more than the buffers hold in all
				st.put(t, s.Hub, next, "a", session.Message)
				next++
			}
			if round%2 == 0 {
				synctest.Wait()
			}
			got = append(got, strings.Fields(r.ids(350))...)
		}
		got = append(got, strings.Fields(r.ids(int(next)-2-len(got)))...)
		if want := strings.Fields(st.ids(session1("a"), 1)); !slices.Equal(got, want) {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			t.Errorf("got %d events, want 2 to %d in order; event %d is %v", len(got), next-1, i, got[i:min(i+3, len(got))])
		}
	})
}

// An error in the middle aborts the connection, and its resume goes on there.
func TestHistoryFails(t *testing.T) {
	var e endings
	withStore(t, 5, func(c *hub.Config) { e = endings{}; c.Report = e.report }, func(t *testing.T, s *server, st *store) {
		for n := range int64(2000) {
			st.put(t, s.Hub, n+1, "a", session.Message)
		}
		oops := errors.New("oops")
		st.broken = func(after int64) error {
			if after == 1200 {
				return oops
			}
			return nil
		}
		got, err := s.read("/v1/sessions/a/events", "Last-Event-ID", "0").rest()
		ids := strings.Fields(got)
		if err == nil || len(ids) == 0 || len(ids) > 1200 || ids[0] != "1" || ids[len(ids)-1] != strconv.Itoa(len(ids)) {
			t.Errorf("got %d events, %v, want at most 1200 and a cut", len(ids), err)
		}
		synctest.Wait()
		if last := e.all[len(e.all)-1]; !errors.Is(last.Err, oops) || last.Why != "the history failed" {
			t.Errorf("reported %+v, want the history's error", last)
		}
		st.broken = nil
		last := ids[len(ids)-1]
		r := s.read("/v1/sessions/a/events", "Last-Event-ID", last)
		if got := r.ids(2000 - len(ids)); !strings.HasPrefix(got, fmt.Sprint(len(ids)+1)+" ") || !strings.HasSuffix(got, " 2000") {
			t.Errorf("behind %s: got %.30s…", last, got)
		}
		// Before the head is out, the answer is 503.
		s2 := serve(t, hub.Config{Run: "r1", History: func(context.Context, hub.StreamID, string) (hub.Past, error) { return hub.Past{}, oops }})
		if resp := s2.get("/v1/sessions/a/events"); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("got %s, want 503", resp.Status)
		}
	})
}

// An id ahead of the log is asked of the history: up to its newest it is one of this
// run, and what the log gets later than the history comes once; beyond, it is of another
// run.
func TestHistoryAhead(t *testing.T) {
	withStore(t, 50, nil, func(t *testing.T, s *server, st *store) {
		for n := range int64(100) {
			if n < 60 {
				st.put(t, s.Hub, n+1, "a", session.Message)
			} else {
				st.keep(stored{n + 1, "a", session.Message}) // stored by another process, and not here yet
			}
		}
		waits, beyond := s.read("/v1/sessions/a/events", "Last-Event-ID", "80"), s.read("/v1/sessions/a/events", "Last-Event-ID", "101")
		if gap := waits.resp.Header.Get("Last-Event-ID"); gap != "" {
			t.Errorf("behind 80: gap %q, want none", gap)
		}
		if gap := beyond.resp.Header.Get("Last-Event-ID"); gap != hub.Earliest {
			t.Errorf("behind 101: gap %q, want earliest", gap)
		}
		synctest.Wait()
		ses := s.session("a")
		for n := int64(61); n <= 100; n++ {
			if err := ses.Append(n, session.Message, []byte(stored{n, "a", session.Message}.data())); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := waits.ids(20), st.ids(session1("a"), 80); got != want {
			t.Errorf("behind 80: got %s, want %s", got, want)
		}
		if got, want := beyond.ids(100), st.ids(session1("a"), 0); got != want {
			t.Errorf("behind 101: got %s, want all", got)
		}
		st.put(t, s.Hub, 101, "a", session.Message)
		if got := waits.ids(1) + " " + beyond.ids(1); got != "101 101" {
			t.Errorf("then got %s, want 101 101", got)
		}
	})
}

// What is stored after a history has read the end of a stream, and before it says what is
// newest, comes when it is published here: that it is stored is no sign that it was read.
func TestHistoryEndsBeforeItsNewest(t *testing.T) {
	for _, published := range []int64{0, 5} { // before the reader comes
		withStore(t, 50, nil, func(t *testing.T, s *server, st *store) {
			for n := range int64(6) {
				if e := (stored{n + 1, "a", session.Message}); n < published {
					st.put(t, s.Hub, e.num, e.session, e.kind)
				} else {
					st.keep(e)
				}
			}
			more, once := int64(0), sync.Once{}
			st.answered = func(p *hub.Past) {
				once.Do(func() {
					for n := int64(7); n <= 9; n++ { // by another process
						st.keep(stored{n, "a", session.Message})
					}
					more, p.Newest = 9, 9
					p.Events = func(func(sse.Event, error) bool) {} // as it was before
				})
			}
			r := s.read("/v1/sessions/a/events", "Last-Event-ID", "6")
			ses := s.session("a")
			synctest.Wait() // it has read what the history has
			if more == 0 {
				t.Fatal("the history was not asked")
			}
			for n := published + 1; n <= more; n++ {
				if err := ses.Append(n, session.Message, []byte(stored{n, "a", session.Message}.data())); err != nil {
					t.Fatal(err)
				}
			}
			st.put(t, s.Hub, 10, "a", session.Message)
			if got := r.ids(1); got != "7" {
				t.Fatalf("with %d events published before: got %s first, want 7", published, got)
			}
			if got := r.ids(3); got != "8 9 10" {
				t.Errorf("with %d events published before: then got %s, want 8 9 10", published, got)
			}
		})
	}
}

// What the server does not know the history may: a session after a restart. It is made
// when it is first read, and until then its events are not kept.
func TestHistoryKnowsSessions(t *testing.T) {
	withStore(t, 50, nil, func(t *testing.T, s *server, st *store) {
		st.over["over"], st.lost["worn"] = true, 3
		for n, name := range []string{"a", "over", "worn", "worn", "a"} {
			st.keep(stored{int64(n + 1), name, session.Message})
		}
		for _, tt := range []struct {
			path, asked string
			status      int
			gap, ids    string
		}{
			{"/v1/sessions/nobody/events", "", 404, "", ""},
			{"/v1/sessions/a/events", "0", 200, "", "1 5"},
			{"/v1/sessions/a/events", "1", 200, "", "5"},
			{"/v1/sessions/a/events", "garbage", 200, "", "1 5"},
			{"/v1/sessions/a/events", "99999999999999999999", 200, hub.Earliest, "1 5"},
			{"/v1/sessions/worn/events", "1", 200, hub.Earliest, "4"},
			{"/v1/sessions/worn/events", "3", 200, "", "4"},
			{"/v1/sessions/over/events", "1", 200, "", "2"},
			{"/v1/sessions/over/events", "2", 204, "", ""},
			{"/v1/sessions/over/events", "1", 200, "", "2"},
			{"/v1/events", "0", 200, "", "1 2 3 4 5"},
		} {
			var header []string
			if tt.asked != "" {
				header = []string{"Last-Event-ID", tt.asked}
			}
			resp := s.get(tt.path, header...)
			if resp.StatusCode != tt.status || resp.Header.Get("Last-Event-ID") != tt.gap {
				t.Errorf("%s behind %q: got %s, gap %q, want %d, %q", tt.path, tt.asked, resp.Status, resp.Header.Get("Last-Event-ID"), tt.status, tt.gap)
				continue
			}
			r := &reader{t, resp, sse.NewDecoder(resp.Body, nil)}
			if got := r.ids(count(tt.ids)); got != tt.ids {
				t.Errorf("%s behind %q: got %s, want %s", tt.path, tt.asked, got, tt.ids)
			}
			if strings.Contains(tt.path, "/over/") && tt.status == 200 {
				if got, err := r.rest(); got != "" || err != nil {
					t.Errorf("%s: then got %s, %v, want a clean end", tt.path, got, err)
				}
			}
			resp.Body.Close()
		}
		synctest.Wait()
		before := s.Stats().Kept
		st.put(t, s.Hub, 10, "fresh", session.Message)
		if kept := s.Stats().Kept - before; kept > 100 {
			t.Errorf("%d bytes are kept of one event in a session that nobody reads: its own log is to have none", kept)
		}
		st.put(t, s.Hub, 11, "a", session.Message)
		r := s.read("/v1/sessions/fresh/events", "Last-Event-ID", "1")
		st.put(t, s.Hub, 12, "fresh", session.Ended)
		if got, err := r.rest(); got != "10 12" || err != nil {
			t.Errorf("got %s, %v, want 10 12 and a clean end", got, err)
		}
	})
}

// Retention that overtakes a reader ends it cleanly, and its resume is told.
func TestHistoryLosesEvents(t *testing.T) {
	withStore(t, 5, nil, func(t *testing.T, s *server, st *store) {
		for n := range int64(2000) {
			st.put(t, s.Hub, n+1, "a", session.Message)
		}
		st.asked = func(_ context.Context, after string) {
			if after != "0" { // the second piece
				st.mu.Lock()
				st.lost["a"] = 1500
				st.mu.Unlock()
			}
		}
		got, err := s.read("/v1/sessions/a/events", "Last-Event-ID", "0").rest()
		ids := strings.Fields(got)
		if err != nil || len(ids) == 0 || len(ids) > 1500 {
			t.Errorf("got %d events, %v, want some and a clean end", len(ids), err)
		}
		r := s.read("/v1/sessions/a/events", "Last-Event-ID", ids[len(ids)-1])
		if gap := r.resp.Header.Get("Last-Event-ID"); gap != hub.Earliest {
			t.Errorf("gap %q, want earliest", gap)
		}
		if got := r.ids(500); !strings.HasPrefix(got, "1501 ") {
			t.Errorf("got %.20s…, want 1501 to 2000", got)
		}
	})
}

// While others read, a reader waits with heartbeats, and can be ended.
func TestHistoryReadersWait(t *testing.T) {
	withStore(t, 5, func(c *hub.Config) { c.HistoryReaders = 1 }, func(t *testing.T, s *server, st *store) {
		for n := range int64(20) {
			st.put(t, s.Hub, n+1, "a", session.Message)
		}
		first := true
		st.reading = func(hub.StreamID) {
			if first {
				first = false
				time.Sleep(5 * time.Minute)
			}
		}
		holds := s.read("/v1/sessions/a/events", "Last-Event-ID", "1")
		synctest.Wait()
		r, start := s.read("/v1/sessions/a/events", "Last-Event-ID", "2"), time.Now()
		gone := s.read("/v1/sessions/a/events", "Last-Event-ID", "3")
		synctest.Wait()
		conns := s.Conns()
		s.Command(conns[len(conns)-1].Visit.Number, hub.Abort, "test")
		if _, err := gone.rest(); err == nil || time.Since(start) != 0 {
			t.Errorf("who waits is not cut: %v after %v", err, time.Since(start))
		}
		beats := 0
		for {
			ev, err := r.dec.Next()
			if err != nil {
				t.Fatal(err)
			}
			if session.KindOf(ev) == session.Heartbeat {
				beats++
			}
			if ev.HasID {
				break
			}
		}
		if d := time.Since(start); d != 5*time.Minute || beats < 9 {
			t.Errorf("%d heartbeats in %v, want one each 30 s for 5m", beats, d)
		}
		if got := r.ids(17) + " " + holds.ids(19); count(got) != 36 {
			t.Errorf("got %s", got)
		}
	})
}

// A listener takes the body of a stream as a test's reader of many: it decodes nothing
// but ids, and can be told to leave.
type listener struct {
	header http.Header
	status int
	want   int64 // the next id
	rest   []byte
	err    error
	done   func() // is called with the last event
	last   int64
}

func (l *listener) Header() http.Header              { return l.header }
func (l *listener) WriteHeader(status int)           { l.status = status }
func (l *listener) Flush()                           {}
func (l *listener) SetWriteDeadline(time.Time) error { return nil }
func (l *listener) SetReadDeadline(time.Time) error  { return nil }
func (l *listener) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		block, rest, ok := bytes.Cut(l.rest, []byte("\n\n"))
		if !ok {
			return len(b), nil
		}
		l.rest = rest
		line, data, _ := bytes.Cut(block, []byte("\n"))
		num, isEvent := bytes.CutPrefix(line, []byte("id: "))
		if !isEvent || len(data) == 0 {
			continue
		}
		if id, _ := strconv.ParseInt(string(num), 10, 64); id != l.want {
			l.err = fmt.Errorf("got %d, want %d", id, l.want)
			return 0, l.err
		}
		if l.want++; l.want > l.last {
			l.done()
		}
	}
}

// Ten thousand readers come at once, all from the beginning, while events are published.
// No more than the limit read from the history at a time, and each sees each event once
// and in order.
func TestHistoryForTenThousand(t *testing.T) {
	const readers, before, after, limit = 10_000, 30, 10, 8
	synctest.Test(t, func(t *testing.T) {
		st := &store{}
		cfg := st.config(10)
		cfg.HistoryReaders = limit
		h, err := hub.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for n := range int64(before) {
			st.put(t, h, n+1, "a", session.Message)
		}
		var done sync.WaitGroup
		var failed atomic.Int64
		for range readers {
			ctx, cancel := context.WithCancel(t.Context())
			l := &listener{header: http.Header{}, want: 1, last: before + after, done: cancel}
			req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/sessions/a/events", nil)
			req.ProtoMajor, req.ProtoMinor = 2, 0
			req.Header.Set("Last-Event-ID", "0")
			done.Go(func() {
				defer func() {
					recover() // net/http would
					if l.err != nil || l.want <= l.last {
						failed.Add(1)
					}
				}()
				h.ServeHTTP(l, req)
			})
		}
		for n := range int64(after) {
			st.put(t, h, before+n+1, "a", session.Message)
			if n%5 == 0 {
				synctest.Wait()
			}
		}
		done.Wait()
		if n := failed.Load(); n > 0 {
			t.Errorf("%d of %d readers have not seen each event once", n, readers)
		}
		if most := st.most.Load(); most > limit {
			t.Errorf("%d read at once, want at most %d", most, limit)
		}
		h.Close()
	})
}

// TestHistorySoak lets readers of three sessions and of the global stream come and go at
// random, slow and fast, while events are published in bursts and logs are small:
// whoever resumes gets each event once and in order, wherever history, window and live
// meet.
func TestHistorySoak(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { soak(t, seed) })
		})
	}
}

func soak(t *testing.T, seed uint64) {
	const events, readers = 1500, 12
	st := &store{}
	cfg := st.config(1 + int(seed)*3)
	cfg.LagBytes, cfg.HistoryReaders, cfg.NoHijack = 4<<10, 2, seed%2 == 1
	s := serve(t, cfg, seed%4 == 3)
	names := []string{"a", "b", "c"}
	var done sync.WaitGroup
	for i := range readers {
		id := hub.GlobalID
		if i%4 != 3 {
			id = session1(names[i%4])
		}
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		done.Go(func() { s.followInPieces(t, st, id, random, events) })
	}
	random := rand.New(rand.NewPCG(seed, 1000))
	for n := int64(1); n <= events; n++ {
		st.put(t, s.Hub, n, names[random.IntN(3)], session.Message)
		if random.IntN(100) == 0 {
			time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
		}
	}
	for _, name := range names {
		st.put(t, s.Hub, events+1+int64(slices.Index(names, name)), name, session.Message)
	}
	done.Wait()
	if most := st.most.Load(); most > 2 {
		t.Errorf("%d read at once, want at most 2", most)
	}
}

// followInPieces reads a stream over many connections, until it has its newest event of
// all that will be published.
func (s *server) followInPieces(t *testing.T, st *store, id hub.StreamID, random *rand.Rand, events int64) {
	path := "/v1/events"
	if id.Kind == hub.OfSession {
		path = "/v1/sessions/" + id.Name + "/events"
	}
	last, seen := "0", []string{}
	for n, _ := strconv.ParseInt(last, 10, 64); n <= events; n, _ = strconv.ParseInt(last, 10, 64) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Last-Event-ID", last)
		resp, err := s.client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		if gap := resp.Header.Get("Last-Event-ID"); gap != "" || resp.StatusCode != 200 {
			if resp.StatusCode == 404 { // nothing was published yet
				resp.Body.Close()
				time.Sleep(time.Second)
				continue
			}
			t.Errorf("%s behind %s: %s, gap %q", path, last, resp.Status, gap)
			return
		}
		r := &reader{t, resp, sse.NewDecoder(resp.Body, nil)}
		for n := random.IntN(400); n > 0; n-- {
			ev, err := r.next()
			if err != nil {
				t.Errorf("%s behind %s: %v", path, last, err)
				return
			}
			last = ev.ID
			seen = append(seen, ev.ID)
			if id, _ := strconv.ParseInt(last, 10, 64); id > events {
				break
			}
			if random.IntN(50) == 0 {
				time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
			}
		}
		resp.Body.Close()
	}
	if want := strings.Fields(st.ids(id, 0)); !slices.Equal(seen, want[:len(seen)]) || len(seen) < len(want)-3 {
		t.Errorf("%s: saw %d events, want the %d in order", path, len(seen), len(want))
	}
}
