package server_test

import (
	"bufio"
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// stored is a History with the events 1 to n of one session.
func stored(n int) server.History {
	return func(_ context.Context, id server.StreamID, after string) (server.Past, error) {
		from, _ := strconv.Atoi(after)
		events := iter.Seq2[sse.Event, error](func(yield func(sse.Event, error) bool) {
			for i := from + 1; i <= n; i++ {
				if !yield(sse.Event{ID: strconv.Itoa(i), HasID: true, Data: `{"event":"message","id":` + strconv.Itoa(i) + `}`}, nil) {
					return
				}
			}
		})
		return server.Past{Known: id.Name == "abc", Newest: int64(n), Events: events}, nil
	}
}

// ids asks for the session's stream and returns the ids of its first n lines with one.
func ids(t *testing.T, url, lastEventID string, n int) (got []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+session.EventsPath("abc"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); len(got) < n; {
		if !lines.Scan() {
			t.Fatalf("after %v: %v", got, errors.Join(lines.Err(), errors.New("the stream has ended")))
		}
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			got = append(got, id)
		}
	}
	return got
}

// A process that starts behind events in its History gives them to who asks for all
// there is, also where a reader came before the first event was published here, and
// starts live readers behind them.
func TestStartBehindStoredEvents(t *testing.T) {
	srv, err := server.New(&server.Options{Run: "r", Newest: 3, History: stored(3)})
	if err != nil {
		t.Fatal(err)
	}
	hs := httptest.NewServer(srv)
	t.Cleanup(func() { srv.Shutdown(context.Background()); hs.Close() })
	if got := ids(t, hs.URL, "", 1); got[0] != "3" {
		t.Errorf("a live reader starts behind %v, want 3", got)
	}
	s, err := srv.Session("abc")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(3, session.Message, []byte(`{"event":"message"}`)); err != server.ErrOrder {
		t.Errorf("an id that was given before: %v, want ErrOrder", err)
	}
	if err := s.Append(4, session.Message, []byte(`{"event":"message"}`)); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ids(t, hs.URL, "0", 4), " "); got != "1 2 3 4" {
		t.Errorf("all there is: %s", got)
	}
	if got := strings.Join(ids(t, hs.URL, "2", 2), " "); got != "3 4" {
		t.Errorf("behind 2: %s", got)
	}
}

func TestNewestNeedsRun(t *testing.T) {
	for _, o := range []server.Options{{Newest: 3}, {Newest: -1, Run: "r"}} {
		if _, err := server.New(&o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
