package session_test

import (
	"testing"

	"github.com/OneStepAt4time/resilient-sse/session"
)

func TestGlobal(t *testing.T) {
	for kind, want := range map[session.Kind]session.Kind{
		session.Status:           session.SessionStatusChange,
		session.Heartbeat:        session.SessionStatusChange,
		session.Message:          session.SessionMessage,
		session.System:           session.SessionMessage,
		session.Hook:             session.SessionMessage,
		session.Approval:         session.SessionApproval,
		session.PermissionDenied: session.SessionStatusChange,
		session.Ended:            session.SessionEnded,
		session.Stall:            session.SessionStall,
		session.Dead:             session.SessionDead,
		session.SubagentStart:    session.SessionSubagentStart,
		session.SubagentStop:     session.SessionSubagentStop,
		session.Verification:     session.SessionVerification,
		session.SessionCreated:   session.SessionCreated,
		session.Shutdown:         session.Shutdown,
		session.Connected:        session.Connected,
		"teleport":               "teleport",
	} {
		if got := kind.Global(); got != want {
			t.Errorf("%s on the global stream: got %s, want %s", kind, got, want)
		}
		if got := want.Global(); got != want {
			t.Errorf("%s, of the global stream already, became %s", want, got)
		}
	}
}
