package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// An aegis behaves as the real servers were measured: one counter, windows of 50,
// exclusive replays, and no word of what was not replayed. It has one session, abc.
type aegis struct {
	*world
	noGlobalIDs bool   // as 1.3.3
	inclusive   bool   // a replay begins with the event asked behind
	run         string // Sse-Run, which real ones do not send

	mu      sync.Mutex
	last    int64
	own     []aegisFrame // the session's
	global  []aegisFrame
	unknown bool // the session is
	behind  time.Duration
	conns   map[chan string]bool // true: of the session
}

type aegisFrame struct {
	id   int64
	text string
}

const aegisWindow = 50

// newAegis must be called in a bubble.
func newAegis(t *testing.T) *aegis {
	a := &aegis{conns: map[chan string]bool{}}
	a.world = newWorld(t, func(_ int, w http.ResponseWriter, r *http.Request) { a.serve(w, r) })
	t.Cleanup(a.cut)
	return a
}

func (a *aegis) now() string {
	return time.Now().Add(-a.behind).UTC().Format("2006-01-02T15:04:05.000Z")
}

// emit emits an event of the session, which takes a millisecond.
func (a *aegis) emit(text string) int64 { return a.emitAs(session.Message, `{"text":"`+text+`"}`) }

func (a *aegis) emitAs(kind session.Kind, data string) int64 {
	time.Sleep(time.Millisecond)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	frame := func(kind session.Kind, id bool) string {
		s := fmt.Sprintf(`data: {"event":%q,"sessionId":"abc","timestamp":%q,"data":%s`, kind, a.now(), data)
		if !id {
			return s + "}\n\n"
		}
		return fmt.Sprintf("id: %d\n%s,\"id\":%d}\n\n", a.last, s, a.last)
	}
	own, global := frame(kind, true), frame(kind.Global(), !a.noGlobalIDs)
	a.own = append(a.own, aegisFrame{a.last, own})
	a.global = append(a.global, aegisFrame{a.last, global})
	for c, ofSession := range a.conns {
		if ofSession {
			c <- own
		} else {
			c <- global
		}
	}
	return a.last
}

// elsewhere takes ids for another session, which the global stream does not show.
func (a *aegis) elsewhere(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last += n
}

// set changes what connections look at.
func (a *aegis) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// send sends a frame to all connections; nothing keeps it.
func (a *aegis) send(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.conns {
		c <- text
	}
}

// cut ends all connections.
func (a *aegis) cut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.conns {
		close(c)
		delete(a.conns, c)
	}
}

// restart forgets everything and counts anew.
func (a *aegis) restart() {
	a.cut()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last, a.own, a.global = 0, nil, nil
}

func (a *aegis) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	ofSession := r.URL.Path != session.GlobalPath
	if ofSession && a.unknown {
		a.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"code":"NOT_FOUND","message":"Session not found","requestId":"1","error":"Session not found"}`)
		return
	}
	id, frames := "", a.global
	if ofSession {
		id, frames = `"sessionId":"abc",`, a.own
	}
	if a.run != "" {
		w.Header().Set("Sse-Run", a.run)
	}
	c := make(chan string, 1000)
	a.conns[c] = ofSession
	c <- fmt.Sprintf("data: {\"event\":\"connected\",%s\"timestamp\":%q}\n\n", id, a.now())
	if asked := r.Header.Get("Last-Event-ID"); asked != "" && (ofSession || !a.noGlobalIDs) {
		after, _ := strconv.ParseInt(asked, 10, 64)
		for _, f := range frames[max(len(frames)-aegisWindow, 0):] {
			if f.id > after || a.inclusive && f.id == after {
				c <- f.text
			}
		}
	}
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.conns, c)
	}()
	send := stream(w)
	for {
		select {
		case <-r.Context().Done():
			return
		case text, ok := <-c:
			if !ok {
				panic(http.ErrAbortHandler)
			}
			send(text)
		}
	}
}

// source returns a source of the session, or of the global stream, whose gaps are
// noted.
func (a *aegis) source(global bool, opts client.Options) *client.EventSource {
	a.t.Helper()
	opts.HTTPClient, opts.Backoff = a.client, exact
	opts.Observer = func(tr client.Transition) { a.observed = append(a.observed, tr) }
	es, err := client.Session("http://stream.test", "abc", &opts)
	if global {
		es, err = client.Global("http://stream.test", &opts)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return es
}

// gaps are those that the observer was told of.
func (a *aegis) gaps() (gaps []string) {
	for _, tr := range a.observed {
		if e, ok := tr.Cause.(*client.GapError); ok && tr.From == tr.State {
			gaps = append(gaps, strings.TrimPrefix(e.Error(), "client: "))
		}
	}
	return gaps
}

// play follows a source while the script runs, from a second on, and for a minute
// more. It returns the events' ids and texts, and the loop's error.
func (a *aegis) play(es *client.EventSource, script func()) (got []string, err error) {
	a.t.Helper()
	ctx, cancel := context.WithCancel(a.t.Context())
	defer cancel()
	done := make(chan bool)
	go func() {
		defer close(done)
		time.Sleep(time.Second)
		script()
		time.Sleep(time.Minute)
		cancel()
	}()
	defer func() { <-done }()
	for ev, err := range es.Events(ctx) {
		if err != nil {
			if err == context.Canceled {
				err = nil
			}
			return got, err
		}
		got = append(got, textOf(a.t, ev))
	}
	return got, nil
}

// textOf is an event's id and the text that it was emitted with.
func textOf(t *testing.T, ev sse.Event) string {
	t.Helper()
	env, err := session.Parse(ev)
	if err != nil {
		t.Error(err)
	}
	var data struct{ Text string }
	if err := json.Unmarshal(env.Data, &data); err != nil || data.Text == "" {
		data.Text = string(env.Kind)
	}
	id := ""
	if ev.HasID {
		id = ev.ID
	}
	return strings.TrimSpace(id + " " + data.Text)
}
