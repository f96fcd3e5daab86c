package sse_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
)

func url(r *http.Request) string { return r.Host + r.URL.String() }

func TestStreamParameter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, bodies())
		c := w.client()
		must(t, c.Subscribe("a b&c", nil))
		must(t, c.SubscribeRaw(nil))
		c.URL = streamURL + "?z=1&stream=x"
		must(t, c.Subscribe("y", nil))
		equal(t, "URLs", w.asked(url), []string{
			"stream.test/events?stream=a+b%26c", "stream.test/events", "stream.test/events?stream=x&stream=y&z=1"})
	})
}

// TestFieldsChangedInCallbacks: they count from the next attempt on.
func TestFieldsChangedInCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, bodies("id: 1\ndata: YQ==\n\n", "id: 2\ndata: YQ==\n\n"))
		c := w.client()
		c.Headers["X-Kept"], c.Headers["x-gone"], c.Headers["Host"] = "kept", "old", "named.test"
		c.OnDisconnect(func(c *sse.Client) {
			delete(c.Headers, "x-gone")
			c.Headers["x-new"] = "new"
			c.URL = "http://elsewhere.test/events"
			c.EncodingBase64 = true
		})
		var got messages
		must(t, c.Subscribe("s", got.add))
		equal(t, "messages", got, messages{"1||YQ==", "2||a"})
		equal(t, "URLs", w.asked(url), []string{
			"named.test/events?stream=s", "elsewhere.test/events?stream=s", "elsewhere.test/events?stream=s"})
		equal(t, "headers", w.asked(func(r *http.Request) string {
			return r.Header.Get("X-Kept") + " " + r.Header.Get("X-Gone") + " " + r.Header.Get("X-New")
		}), []string{"kept old ", "kept  new", "kept  new"})
	})
}

// TestMistakeInCallback ends the subscription.
func TestMistakeInCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, brief)
		c := w.client()
		c.ReconnectNotify = func(error, time.Duration) { c.URL = "http://stream.test/%zz?token=secret" }
		err := c.SubscribeRaw(func(*sse.Event) {})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v, want an error without the URL", err)
		}
		equal(t, "requests", len(w.askedAt()), 1)
	})
}

// TestUpdate: fields are changed and read while subscriptions run; the race
// detector looks on.
func TestUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, brief)
		c := w.client()
		ch := make(chan *sse.Event)
		must(t, c.SubscribeChan("a", ch))
		must(t, c.SubscribeChan("b", ch))
		for _, token := range []string{"1", "2", "3"} {
			receive(ch, 4)
			c.Update(func(c *sse.Client) { c.Headers["Token"] = token })
		}
		receive(ch, 4)
		c.Unsubscribe(ch)
		synctest.Wait()
		c.Update(func(c *sse.Client) {
			if c.Connected {
				t.Error("connected without a subscription")
			}
		})
		tokens := w.asked(func(r *http.Request) string { return r.Header.Get("Token") })
		if got := strings.Join(tokens, ""); !strings.Contains(got, "1") || !strings.Contains(got, "2") {
			t.Errorf("tokens sent: %q", got)
		}
	})
}

// TestFirstPosition: LastEventID or a header says where a stream begins; from then
// on it is the stream's own.
func TestFirstPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := bodies("data: no id\n\n", "id: 8\ndata: a\n\n")
		for name, set := range map[string]func(c *sse.Client){
			"LastEventID": func(c *sse.Client) { c.LastEventID.Store([]byte("7")) },
			"header": func(c *sse.Client) {
				c.Headers["last-event-id"] = "7"
				c.OnDisconnect(func(*sse.Client) { delete(c.Headers, "last-event-id") })
			},
		} {
			w := newWorld(t, answer)
			c := w.client()
			set(c)
			var got messages
			must(t, c.SubscribeRaw(got.add))
			equal(t, name+": messages", got, messages{"7||no id", "8||a"})
			equal(t, name+": asked", w.askedIDs(), []string{"7", "7", "8"})
		}
	})
}

// TestPositionsOfStreams: a client's streams do not take each other's position,
// unless the caller says so.
func TestPositionsOfStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if n%2 == 0 {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			stream(w, "id: "+r.FormValue("stream")+"1\ndata: a\n\n")
		})
		c := w.client()
		ignore := func(*sse.Event) {}
		for _, stream := range []string{"a", "b", "a"} {
			must(t, c.Subscribe(stream, ignore))
		}
		c.LastEventID.Store([]byte("mine"))
		must(t, c.Subscribe("b", ignore))
		c.LastEventID.Store([]byte("b1")) // equal to what is there, but the caller's wish
		must(t, c.Subscribe("a", ignore))
		equal(t, "asked", w.askedIDs(), []string{"", "a1", "", "b1", "a1", "a1", "mine", "b1", "b1", "a1"})
	})
}

// TestRedirectToAnotherOrigin: the caller's headers stay behind.
func TestRedirectToAnotherOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				http.Redirect(w, r, "http://other.test/", http.StatusFound)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
		c := w.client()
		c.Headers["X-Api-Key"] = "secret"
		must(t, c.SubscribeRaw(nil))
		equal(t, "keys", w.asked(func(r *http.Request) string { return r.Host + r.Header.Get("X-Api-Key") }),
			[]string{"stream.testsecret", "other.test"})
	})
}

// TestTimeoutOfConnection: it bounds the opening, and a stream outlives it.
func TestTimeoutOfConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				<-r.Context().Done()
				return
			}
			send := stream(w, "data: a\n\n")
			time.Sleep(time.Minute)
			send("data: b\n\n")
			<-r.Context().Done()
		})
		c := w.client()
		c.Connection.Timeout = 10 * time.Second
		ch := make(chan *sse.Event)
		must(t, c.SubscribeChanRaw(ch))
		equal(t, "messages", receive(ch, 2), messages{"||a", "||b"})
		c.Unsubscribe(ch)
		equal(t, "requests", len(w.askedAt()), 2)
	})
}

// TestMistakes are returned at once; they were retried for 15 minutes.
func TestMistakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]*sse.Client{
			"URL":    sse.NewClient("http://stream.test/%zz?token=secret"),
			"scheme": sse.NewClient("ftp://stream.test/"),
			"header": {URL: streamURL, Headers: map[string]string{"A": "b\nc"}},
			"limit":  sse.NewClient(streamURL, sse.ClientMaxBufferSize(-1)),
		} {
			for _, err := range []error{c.SubscribeRaw(nil), c.SubscribeChanRaw(nil)} {
				if err == nil || strings.Contains(err.Error(), "secret") {
					t.Errorf("%s: got %v", name, err)
				}
			}
		}
	})
}

func TestZeroClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, open("data: a\n\n"))
		c := &sse.Client{URL: streamURL, Connection: w.http}
		ch := make(chan *sse.Event)
		c.Unsubscribe(ch)
		must(t, c.SubscribeChanRaw(ch))
		equal(t, "messages", receive(ch, 1), messages{"||a"})
		c.Unsubscribe(ch)
	})
}
