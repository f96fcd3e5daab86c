package render_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

var update = flag.Bool("update", false, "write the golden files")

// recordings are what real servers sent, and what those have not.
var recordings = []string{
	"../../session/testdata/aegis/0.6.6-session.jsonl",
	"../../session/testdata/aegis/0.6.6-global.jsonl",
	"../../session/testdata/aegis/1.3.3-session.jsonl",
	"../../session/testdata/aegis/1.3.3-global.jsonl",
	"testdata/more.jsonl",
}

// recorded returns the events of a recording.
func recorded(tb testing.TB, path string) (list []render.Event) {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var frame struct {
			ID   string
			Data json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &frame); err != nil {
			tb.Fatalf("%s: %v", path, err)
		}
		stream := "abc"
		if strings.Contains(path, "global") || strings.Contains(path, "more") {
			stream = render.Global
		}
		list = append(list, render.Event{
			Event:  sse.Event{ID: frame.ID, HasID: frame.ID != "", Type: sse.DefaultType, Data: string(frame.Data)},
			Stream: stream, Received: at, Attempt: 1,
		})
	}
	if err := lines.Err(); err != nil || len(list) == 0 {
		tb.Fatalf("%s: %d events, %v", path, len(list), err)
	}
	return list
}

// TestGolden shows each kind of both versions at the widths that terminals have,
// with colours and without. Look at the files with cat, and write them with
// -update.
func TestGolden(t *testing.T) {
	for _, recording := range recordings {
		events := recorded(t, recording)
		for _, width := range []int{100, 80, 40} {
			for _, paint := range []console.Paint{false, true} {
				name := fmt.Sprintf("%s.%d.txt", strings.TrimSuffix(filepath.Base(recording), ".jsonl"), width)
				if paint {
					name = strings.TrimSuffix(name, "txt") + "ansi"
				}
				t.Run(name, func(t *testing.T) {
					got := renderAll(t, events, render.Options{Format: "text", TTY: true, Paint: paint, Columns: columns(width), Zone: time.UTC})
					checkGolden(t, filepath.Join("testdata", name), got)
					if !paint {
						checkFits(t, got, width)
					}
				})
			}
		}
	}
}

// TestVerboseGolden has the JSON below each event, and cuts nothing.
func TestVerboseGolden(t *testing.T) {
	got := renderAll(t, recorded(t, "testdata/more.jsonl"), render.Options{Format: "text", TTY: true, Columns: columns(80), Zone: time.UTC, Verbose: true})
	checkGolden(t, "testdata/more.verbose.txt", got)
	if strings.Contains(got, " more ") {
		t.Error("something was cut")
	}
}

func renderAll(t *testing.T, events []render.Event, o render.Options) string {
	t.Helper()
	r, err := render.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for _, ev := range events {
		if b, err = r(b, &ev); err != nil {
			t.Fatalf("%+v: %v", ev, err)
		}
	}
	return string(b)
}

func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; to take it over: go test -update):\n%s", path, diff)
	}
}

// checkFits has no line wider than the terminal, and none with raw JSON but for
// the kind that nothing is known of.
func checkFits(t *testing.T, text string, width int) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if w := termsafe.Width(line); w > width {
			t.Errorf("%d columns are more than %d: %s", w, width, line)
		}
		if strings.Contains(line, `{"`) && !strings.Contains(line, "teleport") {
			t.Errorf("this is JSON: %s", line)
		}
	}
}
