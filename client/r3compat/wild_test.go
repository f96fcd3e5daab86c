package sse_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "gopkg.in/cenkalti/backoff.v1"

	"github.com/OneStepAt4time/resilient-sse/client"
	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
	wire "github.com/OneStepAt4time/resilient-sse/sse"
)

// What programs in the wild do with r3labs' client, and want to go on doing.

// TestSwitchOverTypes: the type is as the server spelled it.
func TestSwitchOverTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, bodies("event: message\ndata: a\n\nevent:message\ndata: b\n\ndata: c\n\nevent: other\ndata: d\n\n"))
		var got []string
		must(t, w.client().SubscribeRaw(func(msg *sse.Event) {
			switch string(msg.Event) {
			case "message":
				got = append(got, "message "+string(msg.Data))
			case "":
				got = append(got, "none "+string(msg.Data))
			default:
				got = append(got, string(msg.Event)+" "+string(msg.Data))
			}
		}))
		equal(t, "types", got, []string{"message a", "message b", "none c", "other d"})
	})
}

// TestOneShot: a stream that has said all it has to say ends Subscribe without an
// error, and is not asked for again.
func TestOneShot(t *testing.T) {
	const events = "data: a\n\ndata: b\n\n"
	follow := func(o *client.Options) { o.Retryable = func(error, bool) bool { return true } }
	once := func(o *client.Options) {
		o.Retryable = func(err error, opened bool) bool { return !errors.Is(err, client.ErrEnded) }
	}
	for name, tt := range map[string]struct {
		body     string
		strategy v1.BackOff
		tune     func(o *client.Options)
		requests int // the third says 204
	}{
		"no means to go on":            {events, nil, nil, 1},
		"the same, followed":           {events, nil, follow, 3},
		"ids":                          {"id: 1\n" + events, nil, nil, 3},
		"an id without an event":       {"id: 1\n\n" + events, nil, nil, 3},
		"ids, not followed":            {"id: 1\n" + events, nil, once, 1},
		"ids, and StopBackOff":         {"id: 1\n" + events, &v1.StopBackOff{}, nil, 1},
		"a reconnection time":          {"retry: 5\n" + events, nil, nil, 3},
		"no event":                     {": hello\n\n", nil, nil, 3},
		"no event, and StopBackOff":    {"", &v1.StopBackOff{}, nil, 1},
		"unfinished event":             {"data: a\n", nil, nil, 3},
		"a strategy that goes on":      {events, v1.NewConstantBackOff(time.Second), nil, 1},
		"ids and a strategy that does": {"id: 1\n" + events, v1.NewConstantBackOff(time.Second), nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, bodies(tt.body, tt.body))
				c := w.client(sse.ClientTune(func(o *client.Options) {
					if tt.tune != nil {
						tt.tune(o)
					}
				}))
				c.ReconnectStrategy = tt.strategy
				must(t, c.SubscribeRaw(func(*sse.Event) {}))
				equal(t, "requests", len(w.askedAt()), tt.requests)
			})
		})
	}
}

// TestOneShotCut: what is cut short is an error, and asked for again.
func TestOneShotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			stream(w, "data: a\n\n")
			if n == 1 {
				panic(http.ErrAbortHandler)
			}
		})
		var got messages
		must(t, w.client().SubscribeRaw(got.add))
		equal(t, "messages", got, messages{"||a", "||a"})
	})
}

// TestOneShotOnChannel: nobody would notice that it has ended; it is followed.
func TestOneShotOnChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, bodies("data: a\n\n", "data: b\n\n"))
		c, ch, ended := w.client(), make(chan *sse.Event), make(chan error, 1)
		c.OnEnd(func(_ chan *sse.Event, err error) { ended <- err })
		must(t, c.SubscribeChanRaw(ch))
		equal(t, "messages", receive(ch, 2), messages{"||a", "||b"})
		must(t, <-ended)
	})
}

// TestStopAfterCleanEnds: what a strategy stops at is no failure if it is a clean
// end.
func TestStopAfterCleanEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(_ int, w http.ResponseWriter, _ *http.Request) { stream(w, "") })
		c := w.client()
		c.ReconnectStrategy = v1.WithMaxTries(v1.NewConstantBackOff(time.Second), 3)
		must(t, c.SubscribeRaw(nil))
		equal(t, "requests", len(w.askedAt()), 4)
	})
}

// TestTextOfLongEvent: programs look for bufio's words, and for its error.
func TestTextOfLongEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, open("data: "+strings.Repeat("b", 2000)+"\n\n"))
		err := w.client(sse.ClientMaxBufferSize(1000)).SubscribeRaw(nil)
		if err == nil || !strings.Contains(err.Error(), "token too long") || !errors.Is(err, bufio.ErrTooLong) {
			t.Errorf("got %v, want r3labs' error", err)
		}
		if limit, ok := errors.AsType[*wire.LimitError](err); !ok || limit.Limit != 1000 {
			t.Errorf("got %#v, want a *LimitError inside", err)
		}
	})
}

// TestLastEventIDAfterReceive: who has received an event finds its id there.
func TestLastEventIDAfterReceive(t *testing.T) {
	for name, size := range map[string]int{"unbuffered": 0, "buffered": 4} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var body strings.Builder
				for id := range strings.FieldsSeq("1 2 3 4 5 6 7 8") {
					body.WriteString("id: " + id + "\ndata: a\n\n")
				}
				w := newWorld(t, open(body.String()))
				c, ch := w.client(), make(chan *sse.Event, size)
				must(t, c.SubscribeChanRaw(ch))
				for range 8 {
					msg := <-ch
					if got := lastID(c); got < string(msg.ID) {
						t.Errorf("LastEventID is %q behind event %q", got, msg.ID)
					}
				}
				synctest.Wait()
				equal(t, "LastEventID", lastID(c), "8")
				c.Unsubscribe(ch)
			})
		})
	}
}

// TestLastEventIDTakenBack: what a channel's reader did not take is not in
// LastEventID, and what the program has put there since is left alone.
func TestLastEventIDTakenBack(t *testing.T) {
	for name, set := range map[string][]byte{"nothing": nil, "the program's": []byte("mine")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, open("id: 1\ndata: a\n\n"))
				c, ch := w.client(), make(chan *sse.Event)
				ctx, cancel := context.WithCancel(t.Context())
				must(t, c.SubscribeChanRawWithContext(ctx, ch))
				synctest.Wait()
				equal(t, "LastEventID on offer", lastID(c), "1")
				if set != nil {
					c.LastEventID.Store(set)
				}
				cancel()
				synctest.Wait()
				equal(t, "LastEventID", lastID(c), string(set))

				must(t, c.SubscribeChanRaw(ch))
				equal(t, "asked ids", w.askedIDs(), []string{"", string(set)})
				c.Unsubscribe(ch)
			})
		})
	}
}
