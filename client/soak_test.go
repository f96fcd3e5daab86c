package client_test

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// Whatever is cut when, no event is lost and none comes twice while the server
// still has it: ten thousand failures of all kinds, drawn from a seed, on each
// sort of stream. What was emitted is compared with what was seen, by id and by
// bytes.
func TestSoak(t *testing.T) {
	cuts := 10_000
	if testing.Short() {
		cuts = 500
	}
	for _, tt := range []struct {
		name   string
		seed   uint64
		stream func(t *testing.T, srv *testserver.Server) soakStream
	}{
		{"session stream", 1, soakSession},
		{"plain stream", 2, soakPlain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// The window is what the server still has after the longest outage.
				srv := testserver.NewInMemory(t, &testserver.Options{Window: 10_000})
				s := &soak{t: t, srv: srv, random: rand.New(rand.NewPCG(tt.seed, 0)), soakStream: tt.stream(t, srv), cuts: map[string]int{}}
				s.run(cuts)
			})
		})
	}
}

// A soakStream is one stream from both ends.
type soakStream struct {
	source *client.EventSource
	emit   func(text string) (id string)
	end    func() // the last event that is seen
	text   func(ev sse.Event) string
}

func soakSession(t *testing.T, srv *testserver.Server) soakStream {
	s := srv.Session("soak")
	es, err := client.Session(srv.URL, "soak", &client.Options{HTTPClient: srv.Client(), LastEventID: "0"})
	if err != nil {
		t.Fatal(err)
	}
	return soakStream{
		source: es,
		emit:   func(text string) string { return strconv.FormatInt(s.Emit(session.Message, text), 10) },
		end:    func() { s.Ended("soaked") },
		text: func(ev sse.Event) (text string) {
			env, err := session.Parse(ev)
			if err != nil || strconv.FormatInt(env.ID, 10) != ev.ID {
				t.Errorf("event %s: envelope of %d, %v", ev.ID, env.ID, err)
			}
			if env.Kind == session.Ended {
				return soakEnd
			}
			if err := json.Unmarshal(env.Data, &text); err != nil {
				t.Errorf("event %s: %v", ev.ID, err)
			}
			return text
		},
	}
}

func soakPlain(t *testing.T, srv *testserver.Server) soakStream {
	st := srv.Stream("soak")
	n := 0
	send := func(text string) string {
		n++
		ev := sse.Event{ID: "e-" + strconv.Itoa(n), HasID: true, Data: text}
		if err := st.Send(ev); err != nil {
			t.Error(err)
		}
		return ev.ID
	}
	return soakStream{
		source: mustNew(t, srv.StreamURL("soak"), client.Options{HTTPClient: srv.Client(), LastEventID: "0", RepeatWindow: 256, Timeouts: client.Timeouts{Idle: 90 * time.Second}}),
		emit:   send,
		end:    func() { send(soakEnd) },
		text:   func(ev sse.Event) string { return ev.Data },
	}
}

const soakEnd = "the end"

// A soak is one such run.
type soak struct {
	t      *testing.T
	srv    *testserver.Server
	random *rand.Rand
	soakStream
	cuts map[string]int // by kind of fault

	mu      sync.Mutex
	emitted []soaked
}

type soaked struct{ id, text string }

func (s *soak) run(cuts int) {
	go s.play(cuts)
	next := 0
	for ev, err := range s.source.Events(s.t.Context()) {
		if err != nil {
			s.t.Fatal(err)
		}
		text := s.text(ev)
		if text == soakEnd {
			s.source.Commit()
			break
		}
		s.mu.Lock()
		want := s.emitted[next]
		s.mu.Unlock()
		if got := (soaked{ev.ID, text}); got != want {
			s.t.Fatalf("event %d: got %.200q, want %.200q; struck so far: %v", next, got, want, s.cuts)
		}
		next++
	}
	if next != len(s.emitted) {
		s.t.Errorf("saw %d events of %d", next, len(s.emitted))
	}
	stats := s.source.Stats()
	if stats.Attempts <= cuts {
		s.t.Errorf("%d attempts, want more than %d cuts", stats.Attempts, cuts)
	}
	s.t.Logf("%d events over %d attempts, %d repeats dropped; faults: %v", next, stats.Attempts, stats.Repeats, s.cuts)
}

// play injects one failure after the other and emits events until it has
// struck.
func (s *soak) play(cuts int) {
	for s.srv.Stats().Requests <= int64(cuts) && s.t.Context().Err() == nil {
		if s.random.IntN(30) == 0 {
			s.srv.Restart(testserver.KeepLogs, time.Duration(s.random.IntN(10))*time.Second)
			s.cuts["restart"]++
		}
		faults := s.faults()
		h := s.srv.Inject(faults...)
		for h.Fired() < len(faults) && s.t.Context().Err() == nil {
			s.publish()
			time.Sleep(time.Duration(s.random.ExpFloat64() * float64(time.Second)))
		}
		h.Remove()
		for _, f := range faults {
			s.cuts[f.Kind()]++
		}
	}
	time.Sleep(5 * time.Minute) // what was cut last is open again: an ended session is not kept for long
	s.end()
}

func (s *soak) publish() {
	text := s.randomText()
	s.mu.Lock()
	s.emitted = append(s.emitted, soaked{s.emit(text), text})
	s.mu.Unlock()
}

// randomText is some lines of characters of one to four bytes.
func (s *soak) randomText() string {
	letters := []rune("ab \tz:{}\"\\\n\néß€→😀")
	var b strings.Builder
	for range s.random.IntN(1 << s.random.IntN(11)) {
		b.WriteRune(letters[s.random.IntN(len(letters))])
	}
	return b.String()
}

// faults draws a failure and its moment. One that strikes a new connection comes
// with a cut of the old one.
func (s *soak) faults() []fault.Fault {
	seconds := func(most int) time.Duration { return time.Duration(1+s.random.IntN(most)) * time.Second }
	atConnect := []func() fault.Fault{
		fault.AcceptThenClose, fault.NoAnswer, fault.ResetOnAccept, fault.Refuse,
		fault.Slice, fault.BOM, fault.ReplayInclusive,
		func() fault.Fault { return fault.SlowHeaders(seconds(20)) },
		func() fault.Fault { return fault.Status(500) },
		func() fault.Fault { return fault.Status(503).RetryAfter(seconds(5)) },
		func() fault.Fault { return fault.ContentType("text/html") },
		func() fault.Fault { return fault.Redirect(fault.ToSameOrigin) },
	}
	inStream := []func() fault.Fault{
		fault.Cut, fault.End, fault.RST,
		fault.CutInsideEvent, fault.CutInsideLine, fault.CutInsideRune, fault.CutInsideChunkHeader,
		fault.Stall, fault.Repeat,
		func() fault.Fault { return fault.Stall().For(seconds(200)) },
		func() fault.Fault { return fault.StallEvents().For(seconds(60)) },
		func() fault.Fault { return fault.Hold(1 + s.random.IntN(10)) },
		func() fault.Fault { return fault.Retry("100") },
	}
	if s.random.IntN(3) == 0 {
		return []fault.Fault{fault.Cut().AfterEvents(1 + s.random.IntN(3)), draw(s.random, atConnect)()}
	}
	f := draw(s.random, inStream)()
	if s.random.IntN(2) == 0 {
		return []fault.Fault{f.AfterBytes(int64(s.random.IntN(3000)))}
	}
	return []fault.Fault{f.AfterEvents(s.random.IntN(6))}
}

func draw[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }
