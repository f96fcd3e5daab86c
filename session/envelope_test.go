package session_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// kinds are all that package session names, with what their Data holds.
var kinds = map[session.Kind]any{
	session.Status:           session.StatusData{Status: "working", Detail: "tests"},
	session.Message:          session.MessageData{Role: "assistant", Text: "hi\nthere", ContentType: "text"},
	session.System:           session.MessageData{Role: "system", Text: "<b> & \u2028"},
	session.Approval:         session.ApprovalData{Prompt: "run it?"},
	session.Ended:            session.EndedData{Reason: "done"},
	session.Heartbeat:        nil,
	session.Stall:            session.StallData{StallType: "quiet"},
	session.Dead:             session.DeadData{Reason: "gone"},
	session.Hook:             session.HookData{HookEvent: "Stop"},
	session.SubagentStart:    session.SubagentData{AgentName: "scout"},
	session.SubagentStop:     session.SubagentData{AgentName: "scout"},
	session.Verification:     session.VerificationData{OK: true, Steps: []session.VerificationStep{}},
	session.PermissionDenied: session.PermissionDeniedData{ToolName: "Bash"},

	session.SessionStatusChange:  session.StatusData{Status: "idle"},
	session.SessionMessage:       session.MessageData{Role: "user", Text: "go on"},
	session.SessionApproval:      session.ApprovalData{Prompt: "again?"},
	session.SessionEnded:         session.EndedData{Reason: "killed"},
	session.SessionCreated:       map[string]any{"name": "abc"},
	session.SessionStall:         session.StallData{},
	session.SessionDead:          session.DeadData{},
	session.SessionSubagentStart: session.SubagentData{},
	session.SessionSubagentStop:  session.SubagentData{},
	session.SessionVerification:  session.VerificationData{Steps: []session.VerificationStep{}},
	session.Shutdown:             map[string]any{},
	session.Connected:            session.ConnectedData{ActiveSessions: 3},
}

// Each kind goes over the wire and comes back as it was.
func TestRoundTrip(t *testing.T) {
	id := int64(0)
	for kind, data := range kinds {
		id++
		want := session.Envelope{
			Kind: kind, SessionID: "abc", EmittedAt: 1767366245123, ID: id,
			Timestamp: time.Date(2026, 1, 2, 15, 4, 5, 123e6, time.UTC),
		}
		if data != nil {
			want.Data = mustMarshal(t, data)
		}
		var wire strings.Builder
		ev := sse.Event{ID: fmt.Sprint(id), HasID: true, Data: string(mustMarshal(t, want))}
		if err := sse.NewEncoder(&wire).Encode(ev); err != nil {
			t.Fatal(err)
		}
		for ev, err := range sse.Read(strings.NewReader(wire.String())) {
			if err != nil {
				t.Fatal(err)
			}
			got, err := session.Parse(ev)
			if err != nil {
				t.Errorf("%s: %v", kind, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: envelope (-want +got):\n%s", kind, diff)
			}
			if k := session.KindOf(ev); k != kind {
				t.Errorf("KindOf: got %q, want %q", k, kind)
			}
			if session.IsControl(ev) {
				t.Errorf("%s with an id of its own is taken for a control frame", kind)
			}
		}
	}
}

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Frames as an Aegis server writes them.
func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name string
		data string
		want session.Envelope
	}{
		{
			"a message",
			`{"event":"message","sessionId":"abc","timestamp":"2026-01-02T15:04:05.000Z","data":{"role":"assistant","text":"hi"},"emittedAt":1767366245000,"id":17}`,
			session.Envelope{
				Kind: session.Message, SessionID: "abc", Timestamp: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
				Data: json.RawMessage(`{"role":"assistant","text":"hi"}`), EmittedAt: 1767366245000, ID: 17,
			},
		},
		{"connected", `{"event":"connected","data":{"activeSessions":2}}`, session.Envelope{Kind: session.Connected, Data: json.RawMessage(`{"activeSessions":2}`)}},
		{"a kind from the future", `{"event":"teleport","data":[1]}`, session.Envelope{Kind: "teleport", Data: json.RawMessage(`[1]`)}},
		{"members from the future", `{"event":"hook","extra":{"a":[]}}`, session.Envelope{Kind: session.Hook}},
		{"members in another order", `{"id":3,"event":"hook"}`, session.Envelope{Kind: session.Hook, ID: 3}},
		{"blanks and lines", " {\n\t\"event\" : \"hook\"\n}\n", session.Envelope{Kind: session.Hook}},
		{"escapes", `{"event":"\u0068ook"}`, session.Envelope{Kind: session.Hook}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := session.Parse(sse.Event{Data: tt.data})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.data, diff)
			}
			if k := session.KindOf(sse.Event{Data: tt.data}); k != tt.want.Kind {
				t.Errorf("KindOf(%s): got %q, want %q", tt.data, k, tt.want.Kind)
			}
		})
	}
}

func TestParseMalformed(t *testing.T) {
	for _, data := range []string{
		"", "hello", "null", "17", `"message"`, "[]", "{}", `{"event":""}`, `{"event":null}`, `{"event":17}`, `{"data":{}}`,
		`{"event":"message"`, `{"event":"message"} {}`, `{"event":"message","id":"17"}`, `{"event":"message","id":1.5}`,
		`{"event":"message","timestamp":"yesterday"}`, `{"event":"message","sessionId":{}}`, `{"event":"mess` + "\n" + `age"}`,
	} {
		env, err := session.Parse(sse.Event{ID: "41", Data: data})
		e, ok := errors.AsType[*session.MalformedError](err)
		if !ok || e.EventID != "41" || e.Err == nil || !errors.Is(err, e.Err) {
			t.Errorf("Parse(%q): got %v, want a *MalformedError of event 41", data, err)
			continue
		}
		if diff := cmp.Diff(session.Envelope{}, env); diff != "" {
			t.Errorf("Parse(%q): half an envelope came with the error: %+v", data, env)
		}
		if want := `session: malformed envelope in event "41": `; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Parse(%q): got %q, want it to begin with %q", data, err, want)
		}
	}
}

func TestKindOfWhatIsNoEnvelope(t *testing.T) {
	for _, data := range []string{
		"", "hello", "null", `"message"`, "[]", "{}", `{"event":""}`, `{"event":17}`, `{"data":{"event":"ended"}}`,
		`[{"event":"ended"}]`, `{"event":"`, `{"event":"ended`, ` {"event":"ended"`, `{"event":"a\`,
	} {
		if k := session.KindOf(sse.Event{Data: data}); k != "" {
			t.Errorf("KindOf(%q): got %q, want none", data, k)
		}
	}
}

func TestPeek(t *testing.T) {
	const at = "2026-11-24T14:40:45.106Z"
	for _, tt := range []struct{ data, kind, timestamp string }{
		{`{"event":"hook","sessionId":"abc","timestamp":"` + at + `","data":{"timestamp":"other"}}`, "hook", at},
		{`{"event":"connected","timestamp":"` + at + `"}`, "connected", at},
		{`{"event":"hook","sessionId":"abc","data":{"timestamp":"` + at + `"}}`, "hook", ""},
		{`{"event":"hook","data":{},"timestamp":"` + at + `"}`, "hook", ""},
		{`{"event":"hook","sessionId":"\"","timestamp":"` + at + `"}`, "hook", ""},
		{` {"timestamp":"` + at + `","event":"hook"}`, "hook", at},
		{` {"timestamp":17,"event":"hook"}`, "hook", ""},
		{`{"event":"hook","timestamp":null}`, "hook", ""},
		{`{"event":"hook","timestamp":"`, "hook", ""},
		{"hello", "", ""},
	} {
		kind, timestamp := session.Peek(sse.Event{Data: tt.data})
		if string(kind) != tt.kind || timestamp != tt.timestamp {
			t.Errorf("Peek(%s): got %q, %q; want %q, %q", tt.data, kind, timestamp, tt.kind, tt.timestamp)
		}
	}
}

func TestIsControl(t *testing.T) {
	for _, tt := range []struct {
		data  string
		hasID bool
		want  bool
	}{
		{`{"event":"connected"}`, false, true},
		{`{"event":"heartbeat"}`, false, true},
		{`{"sessionId":"abc","event":"heartbeat"}`, false, true},
		{`{"event":"connected"}`, true, false},
		{`{"event":"heartbeat"}`, true, false},
		{`{"event":"message"}`, false, false},
		{`{"event":"Heartbeat"}`, false, false},
		{`heartbeat`, false, false},
		{``, false, false},
	} {
		// The id in force is the stream's; only the block's own counts.
		if got := session.IsControl(sse.Event{ID: "17", HasID: tt.hasID, Data: tt.data}); got != tt.want {
			t.Errorf("IsControl(%q, id of its own: %v): got %v, want %v", tt.data, tt.hasID, got, tt.want)
		}
	}
}

// KindOf is asked for each event of a session stream.
func TestKindOfAllocatesNothing(t *testing.T) {
	ev := sse.Event{Data: `{"event":"message","sessionId":"abc","data":{"text":"` + strings.Repeat("x", 1000) + `"}}`}
	if n := testing.AllocsPerRun(100, func() { session.IsControl(ev) }); n != 0 {
		t.Errorf("%v allocations an event, want 0", n)
	}
}

// Times are written as servers write them, which is how they compare as text.
func TestEnvelopeAsServersWriteIt(t *testing.T) {
	at := time.Date(2026, 11, 24, 14, 40, 45, 500e6, time.UTC)
	for _, tt := range []struct {
		env  session.Envelope
		want string
	}{
		{session.Envelope{Kind: session.Hook, SessionID: "a", Timestamp: at, Data: json.RawMessage(`{}`), EmittedAt: 5, ID: 7},
			`{"event":"hook","sessionId":"a","timestamp":"2026-11-24T14:40:45.500Z","data":{},"emittedAt":5,"id":7}`},
		{session.Envelope{Kind: session.Shutdown, Timestamp: at.Truncate(time.Second)}, `{"event":"shutdown","sessionId":"","timestamp":"2026-11-24T14:40:45.000Z"}`},
		{session.Envelope{Kind: session.Connected}, `{"event":"connected"}`},
		{session.Envelope{Kind: session.Hook, Timestamp: at.Add(time.Microsecond)}, `{"event":"hook","timestamp":"2026-11-24T14:40:45.500001Z"}`},
		{session.Envelope{Kind: session.Hook, Timestamp: at.In(time.FixedZone("", 3600))}, `{"event":"hook","timestamp":"2026-11-24T15:40:45.500+01:00"}`},
	} {
		if got := string(mustMarshal(t, tt.env)); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	if b, err := json.Marshal(session.Envelope{Kind: session.Hook, Timestamp: time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)}); err == nil {
		t.Errorf("a time that JSON can't hold became %s", b)
	}
}
