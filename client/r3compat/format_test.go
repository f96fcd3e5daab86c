package sse_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
	wire "github.com/OneStepAt4time/resilient-sse/sse"
)

// TestFormat has what r3labs' parser and its ids got wrong: each body ends
// cleanly, and the next request shows the position.
func TestFormat(t *testing.T) {
	large := strings.Repeat("0123456789", 10_000)
	for _, tt := range []struct {
		name     string
		bodies   []string
		messages messages
		ids      []string // asked for
	}{
		{"a byte order mark costs nothing",
			[]string{"\uFEFFdata: a\n\n"},
			messages{"||a"}, []string{""}},
		{"an empty id resets",
			[]string{"id: 1\ndata: a\n\nid\ndata: b\n\n"},
			messages{"1||a", "||b"}, []string{"", ""}},
		{"an id with a NUL is ignored",
			[]string{"id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n"},
			messages{"1||a", "1||b"}, []string{"", "1"}},
		{"an id that no header carries stops nothing",
			[]string{"id: 1\ndata: a\n\nid: 2\x013\ndata: b\n\n", "id: 4\ndata: c\n\n"},
			messages{"1||a", "2\x013||b", "4||c"}, []string{"", "1", "4"}},
		{"empty data is an event",
			[]string{"data:\n\nevent: e\ndata\n\n"},
			messages{"||", "|e|"}, []string{""}},
		{"no data is no event, but its id counts",
			[]string{"id: 1\n\nevent: e\n\n: comment\n\n"},
			nil, []string{"", "1"}},
		{"what the end cuts short is asked for again",
			[]string{"id: 1\ndata: a\n\nid: 2\ndata: b\n", "id: 2\ndata: b and more\n\n"},
			messages{"1||a", "2||b and more"}, []string{"", "1", "2"}},
		{"an event that r3labs' buffer does not hold arrives",
			[]string{"id: 1\ndata: " + large + "\n\n"},
			messages{"1||" + large}, []string{"", "1"}},
		{"invalid UTF-8 is replaced",
			[]string{"data: \xff\n\n"},
			messages{"||\uFFFD"}, []string{""}},
		{"line ends of all kinds, lines of data, types",
			[]string{"data: a\rdata:b\r\rdata: c\r\ndata:  d\r\n\r\nevent: e\nid: 1\ndata: f\n\nevent: message\ndata: g\n\nevent:message\nevent\ndata: h\n\n"},
			messages{"||a\nb", "||c\n d", "1|e|f", "1|message|g", "1||h"}, []string{"", "1"}},
		{"a resumed stream keeps its id",
			[]string{"id: 1\ndata: a\n\n", "data: b\n\n"},
			messages{"1||a", "1||b"}, []string{"", "1", "1"}},
		{"an event that a replay repeats is dropped",
			[]string{"id: 1\ndata: a\n\nid: 2\ndata: b\n\n", "id: 2\ndata: b\n\nid: 3\ndata: c\n\n"},
			messages{"1||a", "2||b", "3||c"}, []string{"", "2", "3"}},
		{"equal events elsewhere are different ones",
			[]string{"id: 1\ndata: a\n\nid: 1\ndata: a\n\n", "id: 1\ndata: a\n\nid: 1\ndata: a\n\n", "data: a\n\n", "data: a\n\n"},
			messages{"1||a", "1||a", "1||a", "1||a", "1||a"}, []string{"", "1", "1", "1", "1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, bodies(tt.bodies...))
				c := w.client()
				var got messages
				must(t, c.SubscribeRaw(got.add))
				equal(t, "messages", got, tt.messages)
				equal(t, "asked ids", w.askedIDs(), tt.ids)
				equal(t, "LastEventID", lastID(c), tt.ids[len(tt.ids)-1])
			})
		})
	}
}

func TestEventFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, bodies("id: 1\nevent: e\nretry: 2500\ndata: d\n\ndata: \n\n"))
		var got []*sse.Event
		must(t, w.client().SubscribeRaw(func(msg *sse.Event) { got = append(got, msg) }))
		if len(got) != 2 {
			t.Fatalf("got %d messages", len(got))
		}
		equal(t, "Retry", string(got[0].Retry), "2500")
		if m := got[1]; m.Data == nil || m.Event != nil || m.Retry != nil {
			t.Errorf("what is absent is nil, what is empty is not: got %+v", m)
		}
	})
}

func TestBase64(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, bodies("data: aGVs\ndata: bG8=\n\ndata: AP8=\n\ndata: aGVsbG8 and not\n\n"))
		c := w.client()
		c.EncodingBase64 = true
		var got messages
		must(t, c.SubscribeRaw(got.add))
		equal(t, "messages", got, messages{"||hello", "||\x00\xff", "||aGVsbG8 and not"})
	})
}

func TestEventOverTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, open("id: 1\ndata: a\n\nid: 2\ndata: "+strings.Repeat("b", 2000)+"\n\n"))
		var got messages
		err := w.client(sse.ClientMaxBufferSize(1000)).SubscribeRaw(got.add)
		if limit, ok := errors.AsType[*wire.LimitError](err); !ok || limit.Limit != 1000 {
			t.Errorf("got %v, want a *LimitError of 1000", err)
		}
		equal(t, "messages", got, messages{"1||a"})
		equal(t, "asked ids", w.askedIDs(), []string{""}) // once
	})
}
