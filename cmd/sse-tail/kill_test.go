//go:build unix

package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// TestKillInTheMiddle kills the command with no warning, again and again, while
// events come as fast as they can: with a cursor nothing is missing.
func TestKillInTheMiddle(t *testing.T) {
	const events, kills, seed = 20_000, 12, 7
	srv := testserver.New(t, &testserver.Options{Window: 2 * events})
	s := srv.Session("abc")
	for n := range events {
		s.Message("assistant", strconv.Itoa(n))
	}
	random := rand.New(rand.NewPCG(seed, seed))
	cursor := filepath.Join(t.TempDir(), "cursor")
	next := 0 // that has not been seen
	for k := range kills + 1 {
		args := []string{"-q", "--cursor", cursor, "--last-event-id", "0", "-o", "data", "--jq", ".data.text // empty", s.URL()}
		if k == kills { // the last one may finish
			args = append(args, "--until", fmt.Sprintf(".data.text == %q", strconv.Itoa(events-1)))
		}
		cmd := exec.CommandContext(t.Context(), "sse-tail", args...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for left := 1 + random.IntN(events/kills); (left > 0 || k == kills) && lines.Scan(); left-- {
			n, err := strconv.Atoi(lines.Text())
			if err != nil || n > next {
				t.Fatalf("process %d writes %q, and event %d was never seen", k, lines.Text(), next)
			}
			next = max(next, n+1)
		}
		cmd.Process.Kill()
		for lines.Scan() { // what had left the process already; the last line may be cut
			if lines.Text() == strconv.Itoa(next) {
				next++
			}
		}
		cmd.Wait()
	}
	if next != events {
		t.Errorf("%d of %d events seen", next, events)
	}
}
