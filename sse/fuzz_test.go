package sse_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// However a stream is cut into reads, it decodes to what the reference makes of
// it.
func FuzzDecode(f *testing.F) {
	for _, v := range readVectors(f) {
		if v.Limit == 0 {
			f.Add(v.Stream, v.Seed, uint64(len(v.Stream)))
		}
	}
	f.Fuzz(func(t *testing.T, stream, seed string, cuts uint64) {
		want := reference(stream, seed)
		for how, r := range map[string]io.Reader{
			"whole": strings.NewReader(stream), "in reads of one byte": oneByte{strings.NewReader(stream)}, "split": newSplit(stream, cuts),
		} {
			if diff := cmp.Diff(want, decode(r, sse.DecoderOptions{LastEventID: seed})); diff != "" {
				t.Errorf("%q %s (-want +got):\n%s", stream, how, diff)
			}
		}
	})
}

// Under any limit, the events before the error are those that come without it,
// and every error is one of ours, or the reader's own, the same for ever.
func FuzzErrors(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.Stream, v.Limit, uint64(len(v.Stream)), false)
		f.Add(v.Stream, 24, uint64(len(v.Stream)), true)
	}
	broken := errors.New("broken")
	f.Fuzz(func(t *testing.T, stream string, limit int, cuts uint64, breaks bool) {
		limit = max(0, limit)
		r := newSplit(stream, cuts)
		if breaks {
			r.err = broken
		}
		dec := sse.NewDecoder(r, &sse.DecoderOptions{MaxEventSize: limit})
		for _, want := range reference(stream, "").Events {
			got, err := dec.Next()
			if err != nil {
				break
			}
			if got != want {
				t.Errorf("%q: got %+v, want %+v", stream, got, want)
			}
			if limit > 0 && len(got.Data) > limit*len("\uFFFD") {
				t.Errorf("%q: data of %d bytes passed a limit of %d", stream, len(got.Data), limit)
			}
		}
		_, err := dec.Next()
		tooLong, isLimit := errors.AsType[*sse.LimitError](err)
		switch {
		case isLimit && (limit == 0 || tooLong.Limit != limit):
			t.Errorf("%q: got %v under a limit of %d", stream, err, limit)
		case isLimit:
		case breaks && err != broken:
			t.Errorf("%q: got %v, want the reader's %v", stream, err, broken)
		case !breaks && err != io.EOF && err != sse.ErrIncomplete:
			t.Errorf("%q: got %v, want io.EOF or ErrIncomplete", stream, err)
		}
		if ev, again := dec.Next(); again != err || ev != (sse.Event{}) {
			t.Errorf("%q: after %v came %+v, %v", stream, err, ev, again)
		}
	})
}

// What the encoder writes, the decoder reads back, and nothing else with it.
func FuzzRoundTrip(f *testing.F) {
	f.Add("1", true, "update", "a\nb", int64(1500), "ping")
	f.Add("", true, "", "", int64(0), "")
	f.Add("9", false, "message", "a\r\nb\rc\n\n", int64(-1), "a\ndata: b\n\n")
	f.Add("1\ndata: forged", true, "x\n\n", "\xFF", int64(1)<<62, "\r")
	f.Add(" \x00", true, " :\x00", ": \uFEFF\u2028", int64(86_400_000), "\x00")
	f.Fuzz(func(t *testing.T, id string, hasID bool, typ, data string, ms int64, comment string) {
		ev := sse.Event{ID: id, HasID: hasID, Type: typ, Data: data, Retry: time.Duration(ms) * time.Millisecond}
		var out bytes.Buffer
		enc := sse.NewEncoder(&out)
		if err := enc.Encode(ev); err != nil {
			if _, ok := errors.AsType[*sse.FieldError](err); !ok {
				t.Errorf("%+v: got %v, want a *FieldError", ev, err)
			}
			if out.Len() > 0 {
				t.Errorf("%+v: refused, and %q was written", ev, &out)
			}
			return
		}
		if err := enc.Comment(comment); err != nil {
			t.Error(err)
		}
		if err := enc.Encode(ev); err != nil {
			t.Error(err)
		}
		want := carried(ev)
		got := decode(&out, sse.DecoderOptions{})
		if diff := cmp.Diff([]sse.Event{want, want}, got.Events); diff != "" || got.End != "clean" {
			t.Errorf("%+v: ended %s (-want +got):\n%s", ev, got.End, diff)
		}
	})
}

// carried is the event as the format carries it: line ends in data become LF,
// the empty type is message, and an id that is not the event's own is not sent.
func carried(ev sse.Event) sse.Event {
	if !ev.HasID {
		ev.ID = ""
	}
	if ev.Type == "" {
		ev.Type = sse.DefaultType
	}
	ev.Data = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(ev.Data)
	return ev
}
