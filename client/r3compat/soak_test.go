package sse_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
	wire "github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// TestSoak: a thousand failures of many kinds, and each event arrives once, in
// order, whole.
func TestSoak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := testserver.NewInMemory(t, &testserver.Options{Window: 10_000, Seed: 1})
		prices := srv.Stream("prices")
		random := rand.New(rand.NewPCG(1, 2))
		c, ch := sse.NewClient(srv.URL+"/events"), make(chan *sse.Event)
		c.Connection = srv.Client()
		c.LastEventID.Store([]byte("0")) // from the beginning, also if it is cut before the first event
		connects, disconnects := 0, 0
		c.OnConnect(func(*sse.Client) { connects++ })
		c.OnDisconnect(func(*sse.Client) { disconnects++ })
		must(t, c.SubscribeChan("prices", ch))
		defer c.Unsubscribe(ch)
		srv.Inject(fault.BOM().Always(), fault.ReplayInclusive().Always())

		data := func(n int) string { return "événement " + strconv.Itoa(n) + "\nof the soak" }
		const failures = 1000
		sent, received, struck := 0, 0, 0
		for range failures {
			faults := srv.Inject(someFault(random))
			for range 1 + random.IntN(4) {
				must(t, prices.Send(wire.Event{ID: "e" + strconv.Itoa(sent), HasID: true, Data: data(sent)}))
				sent++
			}
			for ; received < sent; received++ {
				select {
				case msg := <-ch:
					if want := "e" + strconv.Itoa(received) + "||" + data(received); text(msg) != want {
						t.Fatalf("got %q, want %q", text(msg), want)
					}
				case <-time.After(time.Hour):
					t.Fatalf("lost event %d of %d", received, sent)
				}
			}
			struck += faults.Fired()
			faults.Remove()
		}
		c.Unsubscribe(ch)
		synctest.Wait()
		if struck < failures/2 || connects < failures/3 || connects != disconnects {
			t.Errorf("%d failures of %d struck; %d connects, %d disconnects", struck, failures, connects, disconnects)
		}
	})
}

func someFault(random *rand.Rand) fault.Fault {
	all := []fault.Fault{
		fault.Cut(), fault.RST(), fault.End(), fault.CutInsideEvent(), fault.CutInsideLine(),
		fault.CutInsideRune(), fault.CutInsideChunkHeader(), fault.CutAfter(random.Int64N(100)),
		fault.Slice(), fault.LineEnds("mixed"),
	}
	return all[random.IntN(len(all))]
}
