package session

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

var global = map[Kind]Kind{
	Status:           SessionStatusChange,
	Heartbeat:        SessionStatusChange,
	Message:          SessionMessage,
	System:           SessionMessage,
	Hook:             SessionMessage,
	Approval:         SessionApproval,
	PermissionDenied: SessionApproval,
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
