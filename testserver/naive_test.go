package testserver_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A naiveClient follows a stream as many programs do, with one bug or none.
type naiveClient struct {
	http *http.Client
	url  string
	bug  string

	mu   sync.Mutex
	seen []sse.Event
}

// Its bugs.
const (
	startsOver     = "it does not send Last-Event-ID"
	takesUnfinised = "it dispatches an event that is unfinished at the end"
	keepsTheID     = "it keeps the id of an event that was unfinished"
	splitsAtLF     = "it ends lines at LF alone"
	givesUp        = "it gives up on a 503"
	waitsForEver   = "it waits for ever on a connection that says nothing"
)

func (c *naiveClient) run(ctx context.Context) {
	last := "0"
	for ctx.Err() == nil {
		more, id := c.connect(ctx, last)
		if !more {
			return
		}
		last = id
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// connect reads one connection; false if that was the last.
func (c *naiveClient) connect(ctx context.Context, last string) (more bool, id string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := time.AfterFunc(time.Hour, cancel)
	if c.bug != waitsForEver {
		idle.Reset(time.Minute)
	}
	defer idle.Stop()
	req, _ := http.NewRequestWithContext(ctx, "GET", c.url, nil)
	if c.bug == startsOver {
		last = ""
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return true, last
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent || resp.StatusCode != http.StatusOK && c.bug == givesUp {
		return false, last
	}
	if resp.StatusCode != http.StatusOK {
		return true, last
	}
	return true, c.read(resp.Body, last, func() { idle.Reset(time.Minute) })
}

// read dispatches what comes, and returns the last event ID.
func (c *naiveClient) read(body io.Reader, last string, alive func()) string {
	lines := bufio.NewScanner(body)
	if c.bug != splitsAtLF {
		lines.Split(anyLineEnd)
	}
	var ev sse.Event
	var data []string
	pending := last
	dispatch := func() {
		if data != nil {
			ev.Data, ev.ID, ev.HasID, ev.Type = strings.Join(data, "\n"), pending, true, sse.DefaultType
			c.mu.Lock()
			c.seen = append(c.seen, ev)
			c.mu.Unlock()
		}
		data, last = nil, pending
	}
	for lines.Scan() {
		if c.bug != waitsForEver {
			alive()
		}
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			dispatch()
		case field == "id":
			pending = value
		case field == "data":
			data = append(data, value)
		}
	}
	switch c.bug {
	case takesUnfinised:
		dispatch()
	case keepsTheID:
		last = pending
	}
	return last
}

// anyLineEnd splits at LF, CR and CRLF, when the next byte is there.
func anyLineEnd(b []byte, atEnd bool) (advance int, line []byte, err error) {
	i := slices.IndexFunc(b, func(c byte) bool { return c == '\n' || c == '\r' })
	switch {
	case i < 0 && atEnd && len(b) > 0:
		return len(b), b, nil
	case i < 0, b[i] == '\r' && i+1 == len(b) && !atEnd:
		return 0, nil, nil
	case b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n':
		return i + 2, b[:i], nil
	}
	return i + 1, b[:i], nil
}

// TestEachBugIsFound: a client without a bug passes, and each bug is found by its fault.
func TestEachBugIsFound(t *testing.T) {
	for bug, faults := range map[string][]fault.Fault{
		startsOver:     {fault.Cut().AfterEvents(3)},
		takesUnfinised: {fault.CutInsideLine().EventID("5")},
		keepsTheID:     {fault.CutInsideLine().EventID("5")},
		splitsAtLF:     {fault.LineEnds("cr").Always()},
		givesUp:        {fault.Cut().AfterEvents(2), fault.Status(503).Conn(2)},
		waitsForEver:   {fault.Stall().AfterEvents(4)},
	} {
		for _, with := range []string{"", bug} {
			t.Run(bug+"/"+with, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					problems := judge(t, with, faults)
					if (with == "") != (problems == "") {
						t.Errorf("with the bug %q: %q", with, problems)
					}
				})
			})
		}
	}
}

// judge lets a client follow ten events over faults, and returns what the server says
// of it.
func judge(t *testing.T, bug string, faults []fault.Fault) string {
	srv := ts.NewInMemory(t)
	st := srv.Stream("s")
	srv.Inject(faults...)
	c := &naiveClient{http: srv.Client(), url: st.URL(), bug: bug}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(ctx)
	}()
	srv.For(t).Conns(1)
	for i := range 10 {
		sendText(t, st, "id: "+itoa(int64(i+1))+"\ndata: number "+itoa(int64(i+1))+"\n\n")
	}
	time.Sleep(5 * time.Minute)
	cancel()
	<-done
	var tb fakeTB
	srv.AssertAll(&tb, "s", c.seen...)
	srv.AssertFired(&tb)
	return strings.Join(tb.errors, "; ")
}
