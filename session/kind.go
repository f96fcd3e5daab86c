package session

import "encoding/json"

// A Kind says what an event tells. Kinds that are not listed here are valid too:
// newer servers may send more.
type Kind string

// Kinds on the stream of one session.
const (
	Status           Kind = "status"
	Message          Kind = "message"
	System           Kind = "system"
	Approval         Kind = "approval"
	Ended            Kind = "ended"
	Heartbeat        Kind = "heartbeat"
	Stall            Kind = "stall"
	Dead             Kind = "dead"
	Hook             Kind = "hook"
	SubagentStart    Kind = "subagent_start"
	SubagentStop     Kind = "subagent_stop"
	Verification     Kind = "verification"
	PermissionDenied Kind = "permission_denied"
)

// Kinds on the global stream.
const (
	SessionStatusChange  Kind = "session_status_change"
	SessionMessage       Kind = "session_message"
	SessionApproval      Kind = "session_approval"
	SessionEnded         Kind = "session_ended"
	SessionCreated       Kind = "session_created"
	SessionStall         Kind = "session_stall"
	SessionDead          Kind = "session_dead"
	SessionSubagentStart Kind = "session_subagent_start"
	SessionSubagentStop  Kind = "session_subagent_stop"
	SessionVerification  Kind = "session_verification"
	Shutdown             Kind = "shutdown"
)

// Connected is the kind of the first frame of each connection, on both streams.
const Connected Kind = "connected"

// counterparts on the global stream.
var global = map[Kind]Kind{
	Status:           SessionStatusChange,
	Heartbeat:        SessionStatusChange,
	PermissionDenied: SessionStatusChange,
	Message:          SessionMessage,
	System:           SessionMessage,
	Hook:             SessionMessage,
	Approval:         SessionApproval,
	Ended:            SessionEnded,
	Stall:            SessionStall,
	Dead:             SessionDead,
	SubagentStart:    SessionSubagentStart,
	SubagentStop:     SessionSubagentStop,
	Verification:     SessionVerification,
}

// Global returns the kind under which an event of a session's stream appears on
// the global one. A kind that has no counterpart there keeps its name.
func (k Kind) Global() Kind {
	if g, ok := global[k]; ok {
		return g
	}
	return k
}

// SessionKind returns the kind that the event has on the stream of its session.
// Several kinds share one on the global stream; the data tells them apart, as far
// as it can: a heartbeat comes back as a status. Other kinds are returned as they
// are.
func (e Envelope) SessionKind() Kind {
	switch e.Kind {
	case SessionMessage:
		return e.kindOfMessage()
	case SessionStatusChange:
		if m := e.members(); m.ToolName != nil && m.Status == nil {
			return PermissionDenied
		}
		return Status
	}
	if k, ok := local[e.Kind]; ok {
		return k
	}
	return e.Kind
}

// local has the global kinds that stand for one kind each.
var local = map[Kind]Kind{
	SessionApproval:      Approval,
	SessionEnded:         Ended,
	SessionStall:         Stall,
	SessionDead:          Dead,
	SessionSubagentStart: SubagentStart,
	SessionSubagentStop:  SubagentStop,
	SessionVerification:  Verification,
}

func (e Envelope) kindOfMessage() Kind {
	switch m := e.members(); {
	case m.HookEvent != nil || m.HookEventName != nil:
		return Hook
	case string(m.IsSystem) == "true" || string(m.Role) == `"system"`:
		return System
	}
	return Message
}

// telling are the members of data that tell kinds apart. Raw, they are of any type.
type telling struct {
	HookEvent     json.RawMessage `json:"hookEvent"`
	HookEventName json.RawMessage `json:"hook_event_name"`
	IsSystem      json.RawMessage `json:"isSystem"`
	Role          json.RawMessage `json:"role"`
	Status        json.RawMessage `json:"status"`
	ToolName      json.RawMessage `json:"toolName"`
}

func (e Envelope) members() (m telling) {
	_ = json.Unmarshal(e.Data, &m) // what is no object has none
	return m
}
