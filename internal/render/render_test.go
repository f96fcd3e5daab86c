package render_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

var at = time.Date(2026, 5, 4, 12, 30, 45, 678e6, time.UTC)

// local is how the text format shows that time, wherever the test runs.
var local = at.Local().Format(time.TimeOnly)

func event(id, typ, data string) render.Event {
	return render.Event{
		Event:  sse.Event{ID: id, HasID: id != "", Type: typ, Data: data},
		Stream: "abc", Received: at, Attempt: 2,
	}
}

const envelope = `{"event":"message","sessionId":"s1","timestamp":"2026-05-04T12:30:45Z","data":{"role":"user","text":"hello\nworld"},"id":7}`

func columns(n int) func() int { return func() int { return n } }

func TestFormats(t *testing.T) {
	for _, test := range []struct {
		name    string
		options render.Options
		event   render.Event
		want    string
	}{
		{"data", render.Options{Format: "data"}, event("1", "message", "a\nb"), "a\nb\n"},
		{"data, exactly", render.Options{Format: "data"}, event("1", "message", "\x1b[31m \t"), "\x1b[31m \t\n"},
		{"data, labelled", render.Options{Format: "data", Labels: true, Timestamps: true}, event("1", "x", "a\nb"),
			"2026-05-04T12:30:45.678Z\tabc\ta\n2026-05-04T12:30:45.678Z\tabc\tb\n"},
		{"data on a terminal", render.Options{Format: "data", TTY: true}, event("1", "x", "\x1b[31m\tb"), `\x1b[31m` + "\tb\n"},

		{"json", render.Options{Format: "json"}, event("1", "x", `{ "b": 1.0, "a": [] }`),
			`{"stream":"abc","id":"1","event":"x","data":{"b":1.0,"a":[]},"received_at":"2026-05-04T12:30:45.678000Z","attempt":2}` + "\n"},
		{"json of text", render.Options{Format: "json"}, event("", "x", "<a> & {b"),
			`{"stream":"abc","id":"","event":"x","data":"<a> & {b","received_at":"2026-05-04T12:30:45.678000Z","attempt":2}` + "\n"},
		{"json of numbers", render.Options{Format: "json"}, event("", "x", "12345678901234567890"),
			`{"stream":"abc","id":"","event":"x","data":12345678901234567890,"received_at":"2026-05-04T12:30:45.678000Z","attempt":2}` + "\n"},
		{"json on a terminal", render.Options{Format: "json", TTY: true}, event("1", "x", `{"a":"\u001b\u009b","b":[1,null]}`),
			`{"stream":"abc","id":"1","event":"x","data":{"a":"\u001b\u009b","b":[1,null]},"received_at":"2026-05-04T12:30:45.678000Z","attempt":2}` + "\n"},

		{"sse", render.Options{Format: "sse"}, event("1", "x", "a\nb"), "id: 1\nevent: x\ndata: a\ndata: b\n\n"},
		{"sse, labelled", render.Options{Format: "sse", Labels: true, Timestamps: true}, event("1", "message", ""),
			": received 2026-05-04T12:30:45.678Z\n: stream abc\nid: 1\ndata: \n\n"},
		{"sse on a terminal", render.Options{Format: "sse", TTY: true}, event("1", "x\x1b", "a\x1b"), "id: 1\nevent: x\\x1b\ndata: a\\x1b\n\n"},

		{"template", render.Options{Format: `template={{.Kind}} {{.JSON.data.role}} {{oneline .JSON.data.text}} {{pad 6 .ID}}|{{upper .Stream}}`},
			event("7", "message", envelope), "message user hello world 7     |ABC\n"},

		{"template with escapes", render.Options{Format: `template={{.ID}}\t{{range .JSON.list}}{{.a}}\n{{else}}{{.Event}}\\n{{end}}`},
			event("7", "message", `{"list":[]}`), "7\tmessage\\n\n"},
		{"template, joined", render.Options{Format: `template={{.Data}}`, Join: true}, event("7", "message", "a"), "a"},
		{"data, joined", render.Options{Format: "data", Join: true, Labels: true}, event("7", "message", "a"), "a"},

		{"text", render.Options{Format: "text"}, event("7", "message", envelope), textTime + "   7 user      hello\n                       world\n"},
		{"text of plain data", render.Options{Format: "text"}, event("1", "ping", "x\x1b"), local + "   1 ping      x\\x1b\n"},
		{"text without an id", render.Options{Format: "text"}, event("", "ping", ""), local + " ping\n"},
		{"text with a long id", render.Options{Format: "text"}, event("0123456789abcdef", "ping", "x"), local + " 012345…bcdef ping      x\n"},
		{"text, labelled", render.Options{Format: "text", Labels: true, Timestamps: true}, event("1", "ping", "x"),
			"2026-05-04T12:30:45.678Z abc   1 ping      x\n"},
		{"text in 40 columns", render.Options{Format: "text", Columns: columns(45)}, event("1", "ping", "one two three 日本語日本語日本語 four"),
			local + " ping      one two three\n                   日本語日本語日本語 four\n"},
		{"text of what an expression made", render.Options{Format: "text"}, mapped(), local + "   1 message   made\n"},
	} {
		r, err := render.New(test.options)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		b, err := r(nil, &test.event)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, string(b)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// textTime is that of the envelope, as the text format shows it.
var textTime = time.Date(2026, 5, 4, 12, 30, 45, 0, time.UTC).Local().Format(time.TimeOnly)

func mapped() render.Event {
	e := event("1", "message", "made")
	e.Mapped, e.Kind = []byte(`"made"`), "message"
	return e
}

func TestGlobalStreamNamesSessions(t *testing.T) {
	r, _ := render.New(render.Options{Format: "text"})
	e := event("7", "message", envelope)
	e.Stream = render.Global
	b, err := r(nil, &e)
	if err != nil || !strings.Contains(string(b), " s1   7 user ") {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestColours(t *testing.T) {
	r, _ := render.New(render.Options{Format: "json", TTY: true, Paint: true})
	ev := event("1", "x", `{"a":[-1.5,true,"s"]}`)
	b, err := r(nil, &ev)
	for _, want := range []string{"\x1b[34m\"a\"\x1b[0m:[", "\x1b[36m-1.5\x1b[0m", "\x1b[35mtrue\x1b[0m", "\x1b[32m\"s\"\x1b[0m"} {
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("no %q in %q, %v", want, b, err)
		}
	}
}

func TestBadFormats(t *testing.T) {
	for format, want := range map[string]string{
		"xml":                `"xml" is not one of auto, text, data, json, sse, template=…`,
		"template={{.ID":     "template:1: unclosed action",
		"template={{.Nope}}": "template:1:2: there is no .Nope; an event has .Stream, .ID, .Event, .Kind, .Data, .JSON, .Received, .Attempt",
		"template={{if .ID}}{{with .JSON}}{{.data}}{{$.id}}{{end}}{{end}}": "template:1:36: there is no .id; did you mean .ID?",
		"template={{nothing}}": `template:1: function "nothing" not defined`,
	} {
		if _, err := render.New(render.Options{Format: format}); err == nil || err.Error() != want {
			t.Errorf("New(%q): got %v, want %s", format, err, want)
		}
	}
}

func TestKindOf(t *testing.T) {
	for _, test := range []struct{ typ, data, want string }{
		{"message", envelope, "message"},
		{"message", `{"event":"stall"}`, "stall"},
		{"message", "plain", "message"},
		{"update", `{"event":"stall"}`, "update"},
	} {
		if got := render.KindOf(sse.Event{Type: test.typ, Data: test.data}); got != test.want {
			t.Errorf("KindOf(%q, %q): got %q, want %q", test.typ, test.data, got, test.want)
		}
	}
}

// TestKinds holds the kinds that are shown against those of package session.
func TestKinds(t *testing.T) {
	for _, recording := range recordings {
		for _, ev := range recorded(t, recording) {
			env, err := session.Parse(ev.Event)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := render.KindOf(ev.Event), string(env.SessionKind()); got != want {
				t.Errorf("KindOf(%s): got %s, want %s", ev.Data, got, want)
			}
		}
	}
}

// TestLabels tells sessions apart, also those whose ids begin alike.
func TestLabels(t *testing.T) {
	var events []render.Event
	for _, id := range []string{
		"5e38af8b-f934-429c-bc53-a956a5882a2e", "5e38af8b-f934-5555-bc53-a956a5882a2e", "aaaaaaaa-f934-5555-bc53-a956a5882a2e",
		"5e38af8b-f934-429c-bc53-a956a5882a2e", "no-uuid-but-a-name-that-is-much-too-long",
	} {
		ev := event("1", "message", `{"event":"session_ended","sessionId":"`+id+`","data":{}}`)
		ev.Stream = render.Global
		events = append(events, ev)
	}
	got := renderAll(t, events, render.Options{Format: "text", Zone: time.UTC})
	want := `12:30:45 5e38af8b   1 ended
12:30:45 5e38af8b-f934   1 ended
12:30:45 aaaaaaaa        1 ended
12:30:45 5e38af8b        1 ended
12:30:45 no-uuid-but-…ch-too-long   1 ended
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// FuzzText shows whatever a server sends as lines that no terminal obeys and that
// fit it.
func FuzzText(f *testing.F) {
	for _, recording := range recordings {
		for _, ev := range recorded(f, recording) {
			f.Add(ev.Data, ev.ID, 80)
		}
	}
	f.Add(`{"event":"message","sessionId":"\u001b[2J","timestamp":"\u0007","data":{"role":"\u009b","text":"\u202e","contentType":"tool_use","tool_name":"\n\r"}}`, "\x1b", 40)
	f.Add(`{"event":"hook","data":{"hookEvent":"\u0085A\u0085","tool_input":{"command":"\u0007"}}}`, "1", 30)
	f.Fuzz(func(t *testing.T, data, id string, width int) {
		ev := event(strings.ToValidUTF8(id, "?"), "message", strings.ToValidUTF8(data, "?"))
		ev.Stream = render.Global
		width = 40 + max(width, 0)%100
		for _, verbose := range []bool{false, true} {
			got := renderAll(t, []render.Event{ev}, render.Options{Format: "text", TTY: true, Columns: columns(width), Verbose: verbose})
			for _, r := range got {
				if r != '\n' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r)) {
					t.Fatalf("%U comes out of %q: %q", r, data, got)
				}
			}
		}
	})
}
