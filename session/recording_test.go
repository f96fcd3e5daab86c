package session_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A frame is one line of a recording: what a real Aegis server has sent.
type frame struct {
	ID   string          `json:"id"` // empty: there was none
	Data json.RawMessage `json:"data"`
}

func (f frame) event() sse.Event {
	return sse.Event{ID: f.ID, HasID: f.ID != "", Type: sse.DefaultType, Data: string(f.Data)}
}

func recording(t *testing.T, name string) (frames []frame) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "aegis", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var f frame
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
	return frames
}

// All that real servers send is decoded, and nothing of it is lost.
func TestRecordings(t *testing.T) {
	for name, want := range map[string]int{"1.3.3-session": 34, "1.3.3-global": 33, "0.6.6-session": 38, "0.6.6-global": 37} {
		t.Run(name, func(t *testing.T) {
			frames := recording(t, name)
			if len(frames) != want {
				t.Errorf("got %d frames, want %d", len(frames), want)
			}
			for _, f := range frames {
				env, err := session.Parse(f.event())
				if err != nil {
					t.Errorf("%s: %v", f.Data, err)
					continue
				}
				if f.ID != "" && f.ID != strconv.FormatInt(env.ID, 10) {
					t.Errorf("%s: id %d in the frame of %s", f.Data, env.ID, f.ID)
				}
				again := env
				if len(env.Data) > 0 {
					again.Data = mustMarshal(t, decoded(t, env))
				}
				if diff := cmp.Diff(jsonValue(t, f.Data), jsonValue(t, mustMarshal(t, again))); diff != "" {
					t.Errorf("%s decoded and encoded (-want +got):\n%s", f.Data, diff)
				}
			}
		})
	}
}

// decoded returns the envelope's data in a type of its own.
func decoded(t *testing.T, env session.Envelope) any {
	t.Helper()
	data, err := env.Decode()
	if err != nil {
		t.Fatal(err)
	}
	switch data := data.(type) {
	case nil, json.RawMessage:
		t.Errorf("data of kind %s has no type: %s", env.Kind, env.Data)
	case session.HookData:
		if len(data.Extra) > 0 {
			t.Errorf("hook %s has members without a field: %v", data.Name(), data.Extra)
		}
	}
	return data
}

func jsonValue(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// The global stream tells what a session's own does, under other kinds, and the
// kinds can be told from the data. Aegis 0.6.6 gives both the same ids.
func TestRecordingsOfBothStreams(t *testing.T) {
	own := map[string]session.Kind{}
	for _, f := range recording(t, "0.6.6-session") {
		env, _ := session.Parse(f.event())
		own[f.ID] = env.Kind
	}
	for _, f := range recording(t, "0.6.6-global") {
		env, _ := session.Parse(f.event())
		want, ok := own[f.ID]
		if !ok {
			t.Errorf("event %s is not on the session's stream", f.ID)
			continue
		}
		if got := want.Global(); got != env.Kind {
			t.Errorf("%s.Global(): got %s, want %s", want, got, env.Kind)
		}
		if got := env.SessionKind(); got != want {
			t.Errorf("%s: SessionKind: got %s, want %s", f.Data, got, want)
		}
	}
}

// In Aegis 1.3.3 the global stream has no ids, but the order is the same.
func TestRecordingsWithoutIDs(t *testing.T) {
	var own []session.Kind
	for _, f := range recording(t, "1.3.3-session") {
		if f.ID != "" {
			env, _ := session.Parse(f.event())
			own = append(own, env.Kind)
		}
	}
	var global []session.Kind
	for _, f := range recording(t, "1.3.3-global") {
		if f.ID != "" || session.IsControl(f.event()) {
			t.Errorf("%s: has an id, or is taken for a control frame", f.Data)
		}
		env, _ := session.Parse(f.event())
		global = append(global, env.SessionKind())
	}
	if diff := cmp.Diff(own, global); diff != "" {
		t.Errorf("kinds of the session's stream, and as told from the global one (-want +got):\n%s", diff)
	}
}

// What the recordings do not have: as http-*.txt of Aegis' own answers, and its
// source, show them.
func TestDecodeRareKinds(t *testing.T) {
	for _, tt := range []struct {
		data string
		want any
	}{
		{`{"event":"stall","data":{"stallType":"unknown","detail":"stuck"}}`, session.StallData{StallType: "unknown", Detail: "stuck"}},
		{`{"event":"session_stall","data":{"stallType":"jsonl"}}`, session.StallData{StallType: "jsonl"}},
		{`{"event":"dead","data":{"reason":"process is gone"}}`, session.DeadData{Reason: "process is gone"}},
		{`{"event":"session_dead","data":{"reason":"x"}}`, session.DeadData{Reason: "x"}},
		{`{"event":"shutdown","sessionId":"","timestamp":"2026-11-24T14:40:45.106Z","data":{}}`, json.RawMessage("{}")},
		{`{"event":"heartbeat","sessionId":"abc"}`, nil},
		{`{"event":"connected"}`, nil},
		{`{"event":"connected","data":{"activeSessions":2}}`, session.ConnectedData{ActiveSessions: 2}},
		{`{"event":"status","data":null}`, nil},
		{`{"event":"session_status_change","data":{"toolName":"Write","reason":"no"}}`, session.PermissionDeniedData{ToolName: "Write", Reason: "no"}},
		{`{"event":"session_status_change","data":{"status":"idle","toolName":"x"}}`, session.StatusData{Status: "idle"}},
		{`{"event":"session_message","data":{"role":"system","text":"hi"}}`, session.MessageData{Role: "system", Text: "hi"}},
		{`{"event":"session_message","data":{"hook_event_name":"Stop"}}`, session.HookData{HookEventName: "Stop"}},
		{`{"event":"session_created","data":{"name":"a"}}`, json.RawMessage(`{"name":"a"}`)},
		{`{"event":"teleport","data":[1]}`, json.RawMessage(`[1]`)},
	} {
		env, err := session.Parse(sse.Event{Data: tt.data})
		if err != nil {
			t.Fatal(err)
		}
		got, err := env.Decode()
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", tt.data, err, diff)
		}
	}
}

func TestDecodeMalformed(t *testing.T) {
	for _, data := range []string{`[]`, `"text"`, `17`, `{"status":1}`, `false`} {
		env := session.Envelope{Kind: session.Status, ID: 41, Data: json.RawMessage(data)}
		got, err := env.Decode()
		e, ok := err.(*session.MalformedError)
		if !ok || e.EventID != "41" || got != nil || !strings.Contains(err.Error(), `data of kind "status"`) {
			t.Errorf("%s: got %v, %v; want a *MalformedError of event 41", data, got, err)
		}
	}
}

// A hook passes on what Claude Code says, which grows with its versions.
func TestHookDataLosesNothing(t *testing.T) {
	for _, text := range []string{
		`{}`,
		`{"hookEvent":"Stop","TOOL_NAME":"x","tool_name":"Bash"}`,
		`{"hookEvent":"Later","new":{"a":[1,null]},"message":{"no":"text"},"prompt":"","error":null,"session_id":7}`,
		`{"tool_input":null,"tool_response":"text","":1}`,
		`{"tool_input":{"big":12345678901234567890,"<&>":" "}}`,
	} {
		var h session.HookData
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(jsonValue(t, []byte(text)), jsonValue(t, mustMarshal(t, h))); diff != "" {
			t.Errorf("%s decoded and encoded (-want +got):\n%s", text, diff)
		}
	}
	h := session.HookData{HookEvent: "Stop", Extra: map[string]json.RawMessage{"hookEvent": []byte(`"old"`), "z": []byte("1"), "a": []byte("2")}}
	if got, want := string(mustMarshal(t, h)), `{"hookEvent":"Stop","a":2,"z":1}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := json.Unmarshal([]byte(`[1]`), &h); err == nil {
		t.Error("an array is taken for a hook's data")
	}
}
