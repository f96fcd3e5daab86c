package session

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
)

// HookData is that of hook: what Claude Code tells a hook, as far as the server
// passes it on. Which members there are depends on the event. The global stream
// calls it session_message.
type HookData struct {
	HookEvent     string `json:"hookEvent"`       // SessionStart, PreToolUse, Stop, …
	HookEventName string `json:"hook_event_name"` // the same

	ToolName     string          `json:"tool_name"`
	ToolInput    json.RawMessage `json:"tool_input"`
	ToolResponse json.RawMessage `json:"tool_response"`
	ToolUseID    string          `json:"tool_use_id"`

	Prompt       string `json:"prompt"`
	Message      string `json:"message"`
	Title        string `json:"title"`
	Reason       string `json:"reason"`
	StopReason   string `json:"stop_reason"`
	Error        string `json:"error"`
	AgentName    string `json:"agent_name"`
	TeammateName string `json:"teammate_name"`

	SessionID    string `json:"session_id"` // Claude Code's own, not the server's
	Model        string `json:"model"`
	CWD          string `json:"cwd"`
	FilePath     string `json:"file_path"`
	WorktreePath string `json:"worktree_path"`

	// Extra has the members that no field holds: unknown ones, empty ones, and
	// those whose value is of another type than the field. Nil if there are none.
	Extra map[string]json.RawMessage `json:"-"`
}

// hookFields are the fields' indices, by member.
var hookFields = func() map[string]int {
	m := map[string]int{}
	for i := range reflect.TypeFor[HookData]().NumField() {
		if name := reflect.TypeFor[HookData]().Field(i).Tag.Get("json"); name != "-" {
			m[name] = i
		}
	}
	return m
}()

// Name returns the hook's event, whichever member tells it.
func (h HookData) Name() string {
	if h.HookEvent != "" {
		return h.HookEvent
	}
	return h.HookEventName
}

// UnmarshalJSON implements [json.Unmarshaler]. No member of an object is lost,
// and none fails.
func (h *HookData) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	*h = HookData{}
	fields := reflect.ValueOf(h).Elem()
	for name, raw := range members {
		i, ok := hookFields[name] // encoding/json alone would also take Name for name
		if !ok {
			continue
		}
		field := fields.Field(i)
		if json.Unmarshal(raw, field.Addr().Interface()) != nil || field.IsZero() {
			field.SetZero() // half of it may be there
			continue
		}
		delete(members, name)
	}
	if len(members) > 0 {
		h.Extra = members
	}
	return nil
}

// MarshalJSON implements [json.Marshaler]: the fields that are not empty, in their
// order, and then Extra by name. A field stands above a member of Extra.
func (h HookData) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	add := func(name string, v any) error {
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		quoted, err := json.Marshal(name)
		b = append(append(append(b, quoted...), ':'), raw...)
		return err
	}
	fields := reflect.ValueOf(h)
	taken := map[string]bool{}
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Tag.Get("json")
		if name == "-" || fields.Field(i).IsZero() {
			continue
		}
		taken[name] = true
		if err := add(name, fields.Field(i).Interface()); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.Extra)) {
		if taken[name] {
			continue
		}
		if err := add(name, h.Extra[name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}
