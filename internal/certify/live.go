package certify

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

const (
	liveStream = "certify"
	livePace   = 2 * time.Millisecond // between two events
	liveRetry  = 100 * time.Millisecond
)

// A live audience is a test server on which events are published, while faults
// strike.
type live struct {
	srv    *testserver.Server
	change chan struct{}
	first  chan struct{} // closed when the client has shown an event
	once   sync.Once
	stop   context.CancelFunc
	wg     sync.WaitGroup

	mu   sync.Mutex
	sent []scenario.Event
}

// openLive starts a server. The publisher begins when the client is there.
func openLive(l *scenario.Live) (*live, error) {
	var faults []fault.Fault
	for _, text := range l.Faults {
		var f fault.Fault
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			return nil, fmt.Errorf("certify: fault %s: %w", text, err)
		}
		faults = append(faults, f)
	}
	srv, err := testserver.Start(&testserver.Options{NoControl: true, Window: l.Events + 1, Seed: 1})
	if err != nil {
		return nil, fmt.Errorf("certify: %w", err)
	}
	stream := srv.Stream(liveStream)
	srv.Inject(faults...)
	ctx, stop := context.WithCancel(context.Background())
	a := &live{srv: srv, change: make(chan struct{}, 1), first: make(chan struct{}), stop: stop}
	a.wg.Go(func() { a.publish(ctx, l, stream.Send) })
	a.wg.Go(func() { a.notice(ctx) })
	return a, nil
}

// publish sends the first event when somebody listens, and the others when it was
// shown: from then on the client has an id to resume from.
func (a *live) publish(ctx context.Context, l *scenario.Live, send func(sse.Event) error) {
	if a.srv.WaitConnsOn(ctx, liveStream, 1) != nil {
		return
	}
	tick := time.NewTicker(livePace)
	defer tick.Stop()
	for n := 1; n <= l.Events; n++ {
		ev := sse.Event{ID: strconv.Itoa(n), HasID: true, Data: fmt.Sprintf("event %d é€𝄞", n)}
		if n == 1 {
			ev.Retry = liveRetry
		}
		a.mu.Lock()
		a.sent = append(a.sent, scenario.WithID(ev.ID, ev.Data))
		a.mu.Unlock()
		if send(ev) != nil {
			return
		}
		wait := (<-chan struct{})(nil)
		if n == 1 {
			wait = a.first
		}
		select {
		case <-ctx.Done():
			return
		case <-wait:
		case <-orNil(tick.C, wait == nil):
		}
		if n == l.Events/2 && l.Restart > 0 && a.srv.Restart(testserver.KeepLogs, l.Restart) != nil {
			return
		}
	}
}

// orNil is the channel, or one on which nothing comes.
func orNil[T any](c <-chan T, ok bool) <-chan T {
	if ok {
		return c
	}
	return nil
}

// notice tells of each request.
func (a *live) notice(ctx context.Context) {
	for n := 1; a.srv.WaitRequestsOn(ctx, liveStream, n) == nil; n++ {
		select {
		case a.change <- struct{}{}:
		default:
		}
	}
}

func (a *live) URL() string { return a.srv.StreamURL(liveStream) }

func (a *live) Changed() <-chan struct{} { return a.change }

func (a *live) Shown(int) { a.once.Do(func() { close(a.first) }) }

// emitted is what was published so far.
func (a *live) emitted() []scenario.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent[:len(a.sent):len(a.sent)]
}

func (a *live) Journal() []scenario.Request {
	var all []scenario.Request
	for i, r := range a.srv.RequestsOn(liveStream) {
		sent := fmt.Sprintf("status %d; %d events, the newest with the id %q", r.Status, r.Events, r.LastSent)
		if len(r.Faults) > 0 {
			sent += fmt.Sprintf("; faults: %q", r.Faults)
		}
		if r.Why != "" {
			sent += "; " + r.Why
		}
		all = append(all, scenario.Request{
			N: i + 1, At: r.Time, Method: r.Method, Target: r.URL, Proto: r.Proto, Header: r.Header,
			Sent: []byte(sent), Bytes: r.Bytes, Done: r.End,
		})
	}
	return all
}

func (a *live) Close() {
	a.stop()
	a.srv.Close()
	a.wg.Wait()
}
