package client_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// Hundreds of streams of one server lose it for two minutes: with a shared
// breaker the dead server sees few attempts instead of a thousand; either way all
// come back soon, and none has lost an event or seen one twice. (Package backoff
// has the figures for ten thousand; the race detector takes no more goroutines.)
func TestHerd(t *testing.T) {
	t.Logf("%-10s %12s %15s", "", "attempts", "all back after")
	for _, shared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) { herd(t, 300, 2*time.Minute, shared) })
	}
}

func herd(t *testing.T, streams int, outage time.Duration, shared bool) {
	srv := testserver.NewInMemory(t)
	plain := srv.Stream("herd")
	send := func(n int) { plain.Send(sse.Event{ID: strconv.Itoa(n), HasID: true, Data: fmt.Sprint("event ", n)}) }
	opts := client.Options{HTTPClient: srv.Client(), LastEventID: "0"}
	name := "each alone"
	if shared {
		name, opts.Breaker = "shared", newBreaker(t, backoff.Policy{})
	}

	const events = 10
	var mu sync.Mutex
	var back time.Time // when the last stream saw the last event
	attempts := 0
	var wg sync.WaitGroup
	for range streams {
		wg.Go(func() {
			es := mustNew(t, srv.StreamURL("herd"), opts)
			var ids []string
			for ev, err := range es.Events(t.Context()) {
				if err != nil {
					t.Error(err)
					return
				}
				if ids = append(ids, ev.ID); len(ids) == events {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			back = time.Now()
			attempts += es.Stats().Attempts - 2 // the first one and the last one succeed
			if got := strings.Join(ids, " "); got != "1 2 3 4 5 6 7 8 9 10" {
				t.Errorf("saw %s", got)
			}
		})
	}
	for n := range 3 {
		send(n + 1)
	}
	if err := srv.WaitConns(t.Context(), streams); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // all is well
	srv.Inject(fault.Refuse().For(outage))
	srv.Drop()
	for n := range events - 3 {
		send(n + 4)
		time.Sleep(outage / (events - 3))
	}
	up := time.Now()
	wg.Wait()
	t.Logf("%-10s %12d %15v", name, attempts, back.Sub(up).Round(time.Millisecond))
	if back.Sub(up) > time.Minute {
		t.Errorf("%s: all back after %v, want two delays of the outage at most", name, back.Sub(up))
	}
	if shared && attempts > 12 {
		t.Errorf("%d attempts in the outage, want no more than one for each delay", attempts)
	}
}
