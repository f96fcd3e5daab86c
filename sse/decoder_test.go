package sse_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// next decodes one event that must be there.
func next(t *testing.T, dec *sse.Decoder) sse.Event {
	t.Helper()
	ev, err := dec.Next()
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// Whoever commits at the next Read relies on it: a read means that all that came
// before was returned.
func TestDecoderReadsOnlyWhenNothingIsLeft(t *testing.T) {
	src := &counted{r: strings.NewReader("data: a\n\ndata: b\r\rid: 7\n\ndata: c\n\n: comment\n")}
	dec := sse.NewDecoder(src, nil)
	for _, want := range []string{"a", "b", "c"} {
		if ev := next(t, dec); ev.Data != want {
			t.Errorf("got %q, want %q", ev.Data, want)
		}
		if src.reads != 1 {
			t.Errorf("event %q took %d reads, want 1", want, src.reads)
		}
	}
	if _, err := dec.Next(); err != io.EOF || src.reads != 2 {
		t.Errorf("got %v after %d reads, want io.EOF after 2", err, src.reads)
	}
}

func TestDecoderPosition(t *testing.T) {
	dec := sse.NewDecoder(strings.NewReader("data: a\n\nid: 2\ndata: b\n\nid: 3\nretry: 10\n\nid\ndata: c\n\nid: 5\ndata: d\n"),
		&sse.DecoderOptions{LastEventID: "1"})
	if got := dec.LastEventID(); got != "1" {
		t.Errorf("before the stream: got %q, want the seed 1", got)
	}
	for _, want := range []string{"1", "2", ""} {
		if ev := next(t, dec); ev.ID != want || dec.LastEventID() != want {
			t.Errorf("event %q: got ID %q and position %q, want %q", ev.Data, ev.ID, dec.LastEventID(), want)
		}
	}
	if _, err := dec.Next(); err != sse.ErrIncomplete {
		t.Errorf("got %v, want ErrIncomplete", err)
	}
	if got := dec.LastEventID(); got != "" {
		t.Errorf("the dropped block's id moved the position to %q", got)
	}
}

func TestErrIncompleteIsAnUnexpectedEOF(t *testing.T) {
	dec := sse.NewDecoder(strings.NewReader("data: a\n"), nil)
	if _, err := dec.Next(); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, sse.ErrIncomplete) {
		t.Errorf("got %v, want ErrIncomplete, which wraps io.ErrUnexpectedEOF", err)
	}
}

// The reader's error comes after all that came before it, unchanged, and again.
func TestDecoderReaderError(t *testing.T) {
	reset := errors.New("connection reset")
	for name, r := range map[string]io.Reader{
		"by itself":           io.MultiReader(strings.NewReader("data: a\n\nid: 2\ndata: b"), iotest.ErrReader(reset)),
		"with the last bytes": &split{rest: []byte("data: a\n\nid: 2\ndata: b"), rnd: newSplit("", 3).rnd, err: reset},
	} {
		dec := sse.NewDecoder(r, nil)
		if ev := next(t, dec); ev.Data != "a" {
			t.Errorf("%s: got %q, want a", name, ev.Data)
		}
		for range 2 {
			if _, err := dec.Next(); err != reset {
				t.Errorf("%s: got %v, want %v", name, err, reset)
			}
		}
		if got := dec.LastEventID(); got != "" {
			t.Errorf("%s: position %q of a block cut short", name, got)
		}
	}
}

// A reader that gives nothing and no error for ever must not spin.
func TestDecoderNoProgress(t *testing.T) {
	dec := sse.NewDecoder(iotest.ErrReader(nil), nil)
	if _, err := dec.Next(); err != io.ErrNoProgress {
		t.Errorf("got %v, want io.ErrNoProgress", err)
	}
}

// An event is a value: what is read later does not reach into it.
func TestEventsOutliveTheBuffer(t *testing.T) {
	var stream strings.Builder
	var want []sse.Event
	enc := sse.NewEncoder(&stream)
	for i := range 500 {
		ev := sse.Event{ID: strings.Repeat("i", i%7), HasID: true, Type: strings.Repeat("t", 1+i%50), Data: strings.Repeat("d", 37*i)}
		want = append(want, ev)
		if err := enc.Encode(ev); err != nil {
			t.Fatal(err)
		}
	}
	got := decode(newSplit(stream.String(), 1), sse.DecoderOptions{})
	if diff := cmp.Diff(want, got.Events); diff != "" {
		t.Errorf("events after the end (-want +got):\n%s", diff)
	}
}

func TestRead(t *testing.T) {
	reset := errors.New("connection reset")
	type pair struct {
		Data string
		Err  error
	}
	for _, tt := range []struct {
		name string
		r    io.Reader
		want []pair
	}{
		{"a clean end", strings.NewReader("data: a\n\ndata: b\n\n"), []pair{{"a", nil}, {"b", nil}}},
		{"an empty stream", strings.NewReader(""), nil},
		{"an end inside an event", strings.NewReader("data: a\n\ndata: b\n"), []pair{{"a", nil}, {"", sse.ErrIncomplete}}},
		{"a broken reader", io.MultiReader(strings.NewReader("data: a\n\n"), iotest.ErrReader(reset)), []pair{{"a", nil}, {"", reset}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []pair
			for ev, err := range sse.Read(tt.r) {
				got = append(got, pair{ev.Data, err})
			}
			if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" {
				t.Errorf("pairs (-want +got):\n%s", diff)
			}
		})
	}
}

// Breaking out of the loop reads no further, and so can't block.
func TestReadBreak(t *testing.T) {
	src := &counted{r: iotest.OneByteReader(strings.NewReader("data: a\n\ndata: b\n\n"))}
	for ev, err := range sse.Read(src) {
		if ev.Data != "a" || err != nil {
			t.Errorf("got %+v, %v; want event a", ev, err)
		}
		break
	}
	if want := len("data: a\n\n"); src.n != want {
		t.Errorf("%d bytes were read, want %d", src.n, want)
	}
}
