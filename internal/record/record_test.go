package record_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/internal/record"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	at := time.Date(2026, 5, 4, 12, 30, 45, 678901000, time.UTC)
	events := []record.Event{
		{Time: at, Event: sse.Event{ID: "17", HasID: true, Type: "message", Data: "a\n<b>\x00\u2028"}},
		{Time: at.Add(time.Second), Event: sse.Event{ID: "17", Type: "update"}},
		{Time: at.Add(time.Minute), Event: sse.Event{ID: "", HasID: true, Type: "message", Data: `{"a":1}`}},
		{Time: at, Stream: "other", Event: sse.Event{Type: "message", Data: "x"}},
	}
	var file bytes.Buffer
	w := record.NewWriter(&file)
	for _, ev := range events {
		if err := w.Write(ev); err != nil {
			t.Fatal(err)
		}
	}
	if file.Len() > 0 {
		t.Error("written before it was flushed")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	const first = `{"time":"2026-05-04T12:30:45.678901Z","id":"17","data":"a\n<b>\u0000\u2028"}` + "\n"
	if line, _ := file.ReadString('\n'); line != first {
		t.Errorf("got %s, want %s", line, first)
	}
	file.Reset()
	for _, ev := range events {
		w.Write(ev)
	}
	w.Flush()
	var got []record.Event
	for ev, err := range record.Read(&file) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ev)
	}
	if diff := cmp.Diff(events, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDamage(t *testing.T) {
	const good = `{"time":"2026-05-04T12:30:45Z","data":"x"}` + "\n"
	for bad, want := range map[string]string{
		"{":                               "record: line 2: no event in JSON",
		`{"time":"2026-05-04T12:30:45Z"}`: "record: line 2: no data",
		`{"time":"yesterday","data":"x"}`: "record: line 2: no time of RFC 3339",
	} {
		n := 0
		var last error
		for _, err := range record.Read(strings.NewReader(good + bad)) {
			n++
			last = err
		}
		if n != 2 || last == nil || last.Error() != want {
			t.Errorf("%s: got %d events, %v; want %s", bad, n, last, want)
		}
	}
}
