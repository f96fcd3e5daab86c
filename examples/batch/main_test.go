package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// TestMain lets the test binary stand in for the program.
func TestMain(m *testing.M) {
	if os.Getenv("RESILIENT_SSE_CHILD") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The program is killed a hundred times at any moment. Each time all events up to
// the position that it has left are in the file.
func TestBatchSurvivesKill(t *testing.T) {
	t.Parallel()
	const kills = 100
	random := rand.New(rand.NewPCG(3, 4))
	path := filepath.Join(t.TempDir(), "log")
	var limit atomic.Int64 // of the file, in bytes: then the program is killed
	reached := make(chan bool, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		last, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
		for burst := 1; r.Context().Err() == nil; burst = burst%97 + 1 {
			for range burst {
				last++
				fmt.Fprintf(w, "id: %d\ndata: event %d\n\n", last, last)
			}
			http.NewResponseController(w).Flush()
			if info, err := os.Stat(path); err == nil && info.Size() > limit.Load() {
				select {
				case reached <- true:
				default:
				}
			}
		}
	}))
	t.Cleanup(srv.Close)

	position, again := 0, 0
	for n := range kills {
		size := int64(0)
		if info, err := os.Stat(path); err == nil {
			size = info.Size()
		}
		limit.Store(size + random.Int64N(12_000))
		select {
		case <-reached: // of the process before
		default:
		}
		run(t, reached, srv.URL, path)
		saved := savedID(t, path+".cursor", srv.URL)
		if saved < position {
			t.Fatalf("kill %d: position %d is behind %d", n, saved, position)
		}
		position = saved
		again = complete(t, path, position)
	}
	if position < kills {
		t.Errorf("%d kills, and only %d events: the test has shown nothing", kills, position)
	}
	t.Logf("%d kills: %d events, none lost, %d of them again", kills, position, again)
}

// run runs the program until it has written enough, and kills it.
func run(t *testing.T, reached <-chan bool, url, path string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], url, path)
	cmd.Env = append(os.Environ(), "RESILIENT_SSE_CHILD=1")
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if said.Len() > 0 {
		t.Fatalf("the program said %s", said.String())
	}
}

func savedID(t *testing.T, path, url string) int {
	t.Helper()
	c, err := client.OpenFileCursor(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, _, err := c.Load(context.Background(), url)
	id, err2 := strconv.Atoi(cmp.Or(p.LastEventID, "0"))
	if err := cmp.Or(err, err2); err != nil {
		t.Fatal(err)
	}
	return id
}

// complete checks that the file has each event up to the position, whole, and
// returns how many it has more than once.
func complete(t *testing.T, path string, position int) (again int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	has := make([]bool, position+1)
	for line := range strings.Lines(string(b)) {
		var id, data int
		if n, _ := fmt.Sscanf(line, "%d event %d\n", &id, &data); n != 2 || id != data || id > position {
			continue // torn, or not committed
		}
		if has[id] {
			again++
		}
		has[id] = true
	}
	for id := 1; id <= position; id++ {
		if !has[id] {
			t.Fatalf("event %d is lost: the position is %d", id, position)
		}
	}
	return again
}
