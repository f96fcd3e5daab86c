package tail

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/filter"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// TestSessionsOfAPattern has sessions that talk while they are found, get streams of
// their own, and are cut: of each, every event from the first one on comes once.
func TestSessionsOfAPattern(t *testing.T) {
	for name, profile := range map[string]testserver.Profile{"ours": testserver.Ours, "1.3.3": testserver.Aegis133, "0.6.6": testserver.Aegis066} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const each = 40
			srv := testserver.New(t, &testserver.Options{Profile: profile, Window: 10 * each})
			srv.Session("demo-1")
			srv.Session("other")
			out, said := newLines(), newLines()
			w := followPattern(t, out, said, srv.URL)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- w.Run(ctx) }()
			srv.WaitConns(ctx, 1) // that of all sessions, or that of the one

			talk := func(id string, from, to int) {
				for n := from; n < to; n++ {
					srv.Session(id).Message("assistant", id+" "+strconv.Itoa(n))
				}
			}
			talk("demo-1", 0, each) // while its own stream is opened
			talk("other", 0, 1)
			talk("demo-2", 0, each) // it is new
			out.wait("demo-2 " + strconv.Itoa(each-1))
			srv.Drop()
			talk("demo-1", each, 2*each)
			talk("demo-2", each, 2*each)
			srv.Session("demo-3").Message("assistant", "demo-3 0")
			talk("demo-3", 1, each)
			for _, last := range []string{"demo-1 79", "demo-2 79", "demo-3 39"} {
				out.wait(last)
			}
			cancel()
			<-ended
			if text := strings.Join(said.all(), "\n"); !strings.Contains(text, ", none missing") {
				t.Errorf("nothing is missing, and this is said:\n%s", text)
			}

			next := map[string]int{"demo-1": -1}
			for _, line := range out.all() {
				id, number, _ := strings.Cut(line, " ")
				n, err := strconv.Atoi(number)
				if want, ok := next[id]; ok && want >= 0 && n != want || err != nil || !strings.HasPrefix(id, "demo-") {
					t.Fatalf("got %q, want %s %d; all:\n%s", line, id, want, strings.Join(out.all(), "\n"))
				}
				next[id] = n + 1
			}
			for id, want := range map[string]int{"demo-1": 2 * each, "demo-2": 2 * each, "demo-3": each} {
				if next[id] != want {
					t.Errorf("%s: got all up to %d, want %d", id, next[id]-1, want-1)
				}
			}
		})
	}
}

func followPattern(t *testing.T, out, said io.Writer, server string) *Follower {
	t.Helper()
	all, err := target.Parse("demo-*", server, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := access.New(access.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := filter.New(filter.Options{JQ: ".data.text", Kinds: []string{"message"}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(Options{
		System:  &system.System{Out: out, Err: said, Env: func(string) string { return "" }},
		Targets: []target.Target{all}, Access: a, Filter: f,
		Source: client.Options{Backoff: backoff.Policy{Initial: 10 * time.Millisecond, Max: 50 * time.Millisecond, GiveUp: time.Minute}},
		Print:  true, Render: render.Options{Format: "data"}, Color: "auto",
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// lines is output that can be waited for.
type lines struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	grown *sync.Cond
}

func newLines() *lines {
	l := new(lines)
	l.grown = sync.NewCond(&l.mu)
	return l
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.grown.Broadcast()
	return l.buf.Write(b)
}

// wait waits for a line; for ever, if it does not come.
func (l *lines) wait(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !strings.Contains("\n"+l.buf.String(), "\n"+line+"\n") {
		l.grown.Wait()
	}
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSuffix(l.buf.String(), "\n"), "\n")
}

// TestSessionsWithOddIDs: sessions whose own streams can't be had, for their ids or as
// the server refuses them, are told of on the stream of all.
func TestSessionsWithOddIDs(t *testing.T) {
	const odd = "demo-\x1b[2J"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == session.ListPath:
			json.NewEncoder(w).Encode([]map[string]string{{"id": odd}, {"id": "demo-/"}, {"id": ".."}, {"id": ""}})
		case r.URL.Path != session.GlobalPath:
			w.WriteHeader(http.StatusNotFound)
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			for _, id := range []string{odd, "demo-."} {
				data, _ := json.Marshal(map[string]any{"event": "session_message", "sessionId": id, "data": map[string]string{"role": "user", "text": "hello"}})
				fmt.Fprintf(w, "data: %s\n\n", data)
			}
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}))
	defer srv.CloseClientConnections()
	out := newLines()
	w := followPattern(t, out, t.Output(), srv.URL)
	w.opts.Count = 2
	if err := w.Run(t.Context()); err != nil && err != ErrDone {
		t.Fatal(err)
	}
	if got := out.all(); len(got) != 2 || got[0] != "hello" || got[1] != "hello" {
		t.Errorf("got %q", got)
	}
}
