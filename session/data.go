package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// What [Envelope.Decode] returns, by kind. Members that Aegis servers leave out
// are omitted when empty.
type (
	// StatusData is that of status and session_status_change.
	StatusData struct {
		Status string `json:"status"`
		Detail string `json:"detail,omitempty"`
	}
	// MessageData is that of message, system and session_message.
	MessageData struct {
		Role string `json:"role"`
		Text string `json:"text"`
		// ContentType is text, thinking, tool_use, tool_result, tool_error,
		// permission_request or progress; others may come.
		ContentType string `json:"contentType,omitempty"`
		ToolName    string `json:"tool_name,omitempty"` // of a tool_use
		ToolID      string `json:"tool_id,omitempty"`   // the same for a tool's use and its result
		IsSystem    bool   `json:"isSystem,omitempty"`  // its own stream calls it system
	}
	// ApprovalData is that of approval and session_approval.
	ApprovalData struct {
		Prompt string `json:"prompt"`
	}
	// EndedData is that of ended and session_ended.
	EndedData struct {
		Reason string `json:"reason"`
	}
	// StallData is that of stall and session_stall.
	StallData struct {
		StallType string `json:"stallType"`
		Detail    string `json:"detail,omitempty"`
	}
	// DeadData is that of dead and session_dead.
	DeadData struct {
		Reason string `json:"reason"`
	}
	// SubagentData is that of subagent_start, subagent_stop and their global kinds.
	SubagentData struct {
		AgentName string `json:"agentName"`
	}
	// PermissionDeniedData is that of permission_denied, which the global stream
	// calls session_status_change.
	PermissionDeniedData struct {
		ToolName string `json:"toolName"`
		Reason   string `json:"reason,omitempty"`
	}
	// VerificationData is that of verification and session_verification.
	VerificationData struct {
		OK              bool               `json:"ok"`
		Steps           []VerificationStep `json:"steps"`
		TotalDurationMs int64              `json:"totalDurationMs"`
		Summary         string             `json:"summary"`
	}
	// VerificationStep is one command of a verification.
	VerificationStep struct {
		Name       string  `json:"name"` // tsc, build, test
		OK         bool    `json:"ok"`
		DurationMs int64   `json:"durationMs"`
		Output     string  `json:"output"`
		Error      *string `json:"error,omitempty"` // nil where the step is ok
	}
	// ConnectedData is that of connected on the global stream.
	ConnectedData struct {
		ActiveSessions int `json:"activeSessions"`
	}
)

// Decode decodes the data by its kind: to one of this package's data types, as a
// value. Where a global kind stands for several of a session's own stream, the
// data tells which ([Envelope.SessionKind]).
//
// It returns nil where there is no data, and a [json.RawMessage] where the kind
// has no type here. Data that is not an object, or has a member of another type,
// is a [*MalformedError]. Members that a type has no field for are dropped, but in
// [HookData]; all of them are in Envelope.Data.
func (e Envelope) Decode() (any, error) {
	data := bytes.TrimLeft(e.Data, " \t\r\n")
	if len(data) == 0 || data[0] == 'n' { // null
		return nil, nil
	}
	decode, ok := decoders[e.SessionKind()]
	if !ok {
		return e.Data, nil
	}
	var v any
	err := errNoObject
	if data[0] == '{' {
		v, err = decode(data)
	}
	if err != nil {
		return nil, &MalformedError{EventID: strconv.FormatInt(e.ID, 10), Err: fmt.Errorf("data of kind %q: %w", e.Kind, err)}
	}
	return v, nil
}

var errNoObject = errors.New("not an object")

var decoders = map[Kind]func([]byte) (any, error){
	Status:           decode[StatusData],
	Message:          decode[MessageData],
	System:           decode[MessageData],
	Approval:         decode[ApprovalData],
	Ended:            decode[EndedData],
	Stall:            decode[StallData],
	Dead:             decode[DeadData],
	Hook:             decode[HookData],
	SubagentStart:    decode[SubagentData],
	SubagentStop:     decode[SubagentData],
	Verification:     decode[VerificationData],
	PermissionDenied: decode[PermissionDeniedData],
	Connected:        decode[ConnectedData],
}

func decode[T any](data []byte) (any, error) {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	return v, nil
}
