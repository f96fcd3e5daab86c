package testserver_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/sse"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// TestNothingIsLostOverFaults resumes a session's stream over hundreds of
// connections that faults end or bend at random: whoever does as the standard says
// sees each event once. What would make a standard client lose or repeat (drop,
// repeat, lose_ring, …) is left out.
func TestNothingIsLostOverFaults(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { resumeOverFaults(t, rand.New(rand.NewPCG(5, seed))) })
		})
	}
}

func resumeOverFaults(t *testing.T, random *rand.Rand) {
	const events = 2000
	srv := ts.NewInMemory(t, &ts.Options{Window: events})
	s := srv.Session("abc")
	faults := []func(n int) fault.Fault{
		func(n int) fault.Fault { return fault.CutAfter(int64(10 * n)) },
		func(n int) fault.Fault { return fault.End().AfterBytes(int64(10*n + 1)) },
		func(n int) fault.Fault { return fault.CutInsideEvent().AfterEvents(n) },
		func(n int) fault.Fault { return fault.CutInsideLine().AfterEvents(n) },
		func(n int) fault.Fault { return fault.CutInsideRune().AfterEvents(n) },
		func(n int) fault.Fault { return fault.CutInsideChunkHeader().AfterEvents(n) },
		func(n int) fault.Fault { return fault.RST().AfterEvents(n) },
		func(n int) fault.Fault { return fault.Cut().AfterTime(time.Duration(n) * time.Second) },
		func(n int) fault.Fault { return fault.Stall().AfterBytes(int64(n)).For(time.Second) },
		func(n int) fault.Fault { return fault.Hold(n + 1).For(5 * time.Second) },
		func(n int) fault.Fault { return fault.Status(503) },
		func(n int) fault.Fault { return fault.AcceptThenClose() },
		func(n int) fault.Fault { return fault.LineEnds("mixed") },
		func(n int) fault.Fault { return fault.Slice() },
		func(n int) fault.Fault { return fault.BOM() },
		func(n int) fault.Fault { return fault.NULInID().AfterEvents(n) },
		func(n int) fault.Fault { return fault.Insert(": a comment\n").AfterEvents(n) },
	}
	go publishAtRandom(s, rand.New(rand.NewPCG(random.Uint64(), 0)), events)
	var seen []sse.Event
	for last, final := "0", fmt.Sprint(events+1); last != final; {
		for range random.IntN(3) {
			srv.Inject(faults[random.IntN(len(faults))](random.IntN(20)))
		}
		resp, err := srv.Client().Do(request(t, s.URL(), last))
		if err != nil {
			continue // a reset can overtake the head
		}
		patience := time.AfterFunc(10*time.Second, func() { srv.Drop() })
		for ev, err := range each(decode(resp)) {
			if err != nil {
				break
			}
			if !ev.HasID {
				continue // a control frame, or the event whose id has a NUL
			}
			if last, seen = ev.ID, append(seen, ev); last == final {
				break
			}
		}
		resp.Body.Close()
		patience.Stop()
	}
	if n := len(srv.Requests()); n < 200 {
		t.Errorf("it took only %d connections", n)
	}
	srv.AssertNoGap(t, "abc", seen...)
	srv.AssertNoRepeat(t, "abc", seen...)
}

// publishAtRandom publishes n events, some of them at once.
func publishAtRandom(s *server.Session, random *rand.Rand, n int) {
	for range n {
		if random.IntN(2) == 0 {
			time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
		}
		s.Message("assistant", "grüße")
	}
}
