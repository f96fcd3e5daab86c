package client_test

import (
	"bufio"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A process that is killed at any moment, 60 times over, and goes on from its
// cursor sees each event, and again only those whose position was not yet safe.
func TestCursorSurvivesKill(t *testing.T) {
	const kills = 60
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	srv := httptest.NewServer(http.HandlerFunc(endlessLog))
	t.Cleanup(srv.Close)
	path := filepath.Join(t.TempDir(), "cursor")

	seen, repeats := 0, 0 // all ids up to seen, and how often one came again
	for n := range kills {
		saved := savedID(t, path, srv.URL)
		ids := killedAfter(t, random.IntN(300), srv.URL, path)
		for i, id := range ids {
			if want := saved + 1 + i; id != want {
				t.Fatalf("process %d: event %d is %d, want %d: position %d was saved", n, i+1, id, want, saved)
			}
		}
		last := saved + len(ids)
		if saved > seen {
			t.Fatalf("process %d: position %d was saved, but only %d was printed", n, saved, seen)
		}
		repeats += min(last, seen) - saved
		seen = max(seen, last)
	}
	t.Logf("%d kills: %d events, all seen; %d of them again", kills, seen, repeats)
}

// killedAfter runs a process that follows the stream, kills it when it has
// printed so many ids, and returns all that it printed.
func killedAfter(t *testing.T, lines int, url, path string) (ids []int) {
	t.Helper()
	cmd := child(t, "follow", url, path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(out)
	for s.Scan() {
		id, err := strconv.Atoi(s.Text())
		if err != nil {
			t.Fatalf("got %q, want an id", s.Text())
		}
		if ids = append(ids, id); len(ids) >= lines {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	return ids
}

// savedID is what a process that starts now goes on from.
func savedID(t *testing.T, path, url string) int {
	t.Helper()
	c := openCursor(t, path)
	defer c.Close()
	p, _, _ := c.Load(t.Context(), url)
	n, err := strconv.Atoi(cmp.Or(p.LastEventID, "0"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// endlessLog serves the events after the Last-Event-ID in bursts, for as long as
// somebody reads.
func endlessLog(w http.ResponseWriter, r *http.Request) {
	send := stream(w)
	last, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	for burst := 1; r.Context().Err() == nil; burst = burst%7 + 1 {
		var events strings.Builder
		for range burst {
			last++
			fmt.Fprintf(&events, "id: %d\ndata: event %d\n\n", last, last)
		}
		send(events.String())
	}
}

// A kill in the middle of a save leaves one file, which the next save takes.
func TestKilledSavesLeaveOneFile(t *testing.T) {
	dir := t.TempDir()
	srv := httptest.NewServer(http.HandlerFunc(endlessLog))
	t.Cleanup(srv.Close)
	for n := range 20 {
		killedAfter(t, 20+n*3, srv.URL, filepath.Join(dir, "cursor"))
	}
	es, _ := os.ReadDir(dir)
	var names []string
	for _, e := range es {
		names = append(names, e.Name())
	}
	if len(names) > 3 {
		t.Errorf("left behind: %v", names)
	}
}
