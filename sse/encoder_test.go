package sse_test

import (
	"bytes"
	"encoding"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

var _ encoding.TextAppender = sse.Event{}

func TestEncode(t *testing.T) {
	for _, tt := range []struct {
		name string
		ev   sse.Event
		want string
	}{
		{"nothing", sse.Event{}, "data: \n\n"},
		{"data", sse.Event{Data: "a"}, "data: a\n\n"},
		{"everything", sse.Event{ID: "7", HasID: true, Type: "x", Data: "a", Retry: 1500 * time.Millisecond},
			"id: 7\nevent: x\nretry: 1500\ndata: a\n\n"},
		{"an id that is not its own", sse.Event{ID: "7", Data: "a"}, "data: a\n\n"},
		{"an empty id of its own", sse.Event{HasID: true, Data: "a"}, "id: \ndata: a\n\n"},
		{"the default type", sse.Event{Type: "message", Data: "a"}, "data: a\n\n"},
		{"lines", sse.Event{Data: "a\nb\rc\r\nd"}, "data: a\ndata: b\ndata: c\ndata: d\n\n"},
		{"blank lines", sse.Event{Data: "\n\r\r\n"}, "data: \ndata: \ndata: \ndata: \n\n"},
		{"LF CR", sse.Event{Data: "a\n\rb"}, "data: a\ndata: \ndata: b\n\n"},
		{"what looks like a field", sse.Event{Data: "a\nid: 9\n\ndata: b"}, "data: a\ndata: id: 9\ndata: \ndata: data: b\n\n"},
		{"blanks in front", sse.Event{ID: " 7", HasID: true, Type: " x", Data: " a"}, "id:  7\nevent:  x\ndata:  a\n\n"},
		{"NUL where it is allowed", sse.Event{Type: "\x00", Data: "\x00"}, "event: \x00\ndata: \x00\n\n"},
		{"the longest retry", sse.Event{Retry: sse.MaxRetry}, "retry: 86400000\ndata: \n\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w writes
			if err := sse.NewEncoder(&w).Encode(tt.ev); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(writes{tt.want}, w); diff != "" {
				t.Errorf("%+v: writes (-want +got):\n%s", tt.ev, diff)
			}
		})
	}
}

// writes remembers each Write.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

// A value from outside must not forge a field: the class of CVE-2026-33128,
// CVE-2026-29085, CVE-2026-44214 and CVE-2026-44217.
func TestEncodeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		ev   sse.Event
		want sse.FieldError
	}{
		{"LF in an id", sse.Event{HasID: true, ID: "1\ndata: forged"}, sse.FieldError{Field: "id", Reason: "contains LF"}},
		{"CR in an id", sse.Event{HasID: true, ID: "1\rretry: 1"}, sse.FieldError{Field: "id", Reason: "contains CR"}},
		{"NUL in an id", sse.Event{HasID: true, ID: "1\x00"}, sse.FieldError{Field: "id", Reason: "contains NUL"}},
		{"a bad sequence in an id", sse.Event{HasID: true, ID: "\xFF"}, sse.FieldError{Field: "id", Reason: "is not valid UTF-8"}},
		{"LF in a type", sse.Event{Type: "x\n\ndata: forged"}, sse.FieldError{Field: "event", Reason: "contains LF"}},
		{"CR in a type", sse.Event{Type: "\r"}, sse.FieldError{Field: "event", Reason: "contains CR"}},
		{"a bad sequence in a type", sse.Event{Type: "\xC3"}, sse.FieldError{Field: "event", Reason: "is not valid UTF-8"}},
		{"a bad sequence in data", sse.Event{Data: "a\xE2\x82"}, sse.FieldError{Field: "data", Reason: "is not valid UTF-8"}},
		{"a negative retry", sse.Event{Retry: -time.Second}, sse.FieldError{Field: "retry", Reason: "is negative"}},
		{"a retry too long", sse.Event{Retry: sse.MaxRetry + time.Millisecond}, sse.FieldError{Field: "retry", Reason: "is longer than 24h0m0s"}},
		{"a retry too fine", sse.Event{Retry: 1500 * time.Microsecond}, sse.FieldError{Field: "retry", Reason: "is not a whole number of milliseconds"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w writes
			err := sse.NewEncoder(&w).Encode(tt.ev)
			got, ok := errors.AsType[*sse.FieldError](err)
			if !ok || *got != tt.want {
				t.Errorf("%+v: got %v, want %v", tt.ev, err, &tt.want)
			}
			if len(w) > 0 {
				t.Errorf("%+v: refused, and %q was written", tt.ev, w)
			}
			b, err := tt.ev.AppendText([]byte("before"))
			if string(b) != "before" || err == nil {
				t.Errorf("%+v: AppendText gave %q, %v; want what was there and an error", tt.ev, b, err)
			}
		})
	}
}

func TestFieldErrorText(t *testing.T) {
	err := &sse.FieldError{Field: "id", Reason: "contains LF"}
	if want := "sse: id contains LF"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// An encoder that refused an event writes the next one as if nothing had been.
func TestEncodeAfterRefusal(t *testing.T) {
	var out bytes.Buffer
	enc := sse.NewEncoder(&out)
	for _, typ := range []string{"a", "\n", "b"} {
		_ = enc.Encode(sse.Event{Type: typ}) // the second is refused: TestEncodeRefuses
	}
	if want := "event: a\ndata: \n\nevent: b\ndata: \n\n"; out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}

func TestComment(t *testing.T) {
	for text, want := range map[string]string{
		"":                        ": \n\n",
		"ping":                    ": ping\n\n",
		"a\nb\rc\r\nd":            ": a\n: b\n: c\n: d\n\n",
		"a\n\ndata: forged\n\nid": ": a\n: \n: data: forged\n: \n: id\n\n",
	} {
		var w writes
		if err := sse.NewEncoder(&w).Comment(text); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(writes{want}, w); diff != "" {
			t.Errorf("%q: writes (-want +got):\n%s", text, diff)
		}
	}
}

func TestEncodeWriterError(t *testing.T) {
	full := errors.New("disk full")
	enc := sse.NewEncoder(failing{full})
	if err := enc.Encode(sse.Event{Data: "a"}); err != full {
		t.Errorf("Encode: got %v, want %v", err, full)
	}
	if err := enc.Comment("a"); err != full {
		t.Errorf("Comment: got %v, want %v", err, full)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// The buffer is reused, but one huge event does not keep its memory for good.
func TestEncoderMemory(t *testing.T) {
	enc := sse.NewEncoder(failing{})
	small, large := sse.Event{ID: "1", HasID: true, Data: "a\nb"}, sse.Event{Data: strings.Repeat("x", 8<<20)}
	before := heap()
	if err := enc.Encode(large); err != nil {
		t.Fatal(err)
	}
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("%d bytes are kept after an event of 8 MiB", grown)
	}
	runtime.KeepAlive(large) // or its memory would be gone, and hide what is kept
	if err := enc.Encode(small); err != nil {
		t.Fatal(err)
	}
	if got := testing.AllocsPerRun(100, func() { _ = enc.Encode(small) }); got != 0 {
		t.Errorf("%v allocations an event, want 0", got)
	}
}
