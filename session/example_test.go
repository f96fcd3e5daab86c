package session_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Decode gives the data in the type of its kind. A malformed envelope spoils its
// event, and the stream goes on.
func ExampleParse() {
	stream := strings.NewReader(`data: {"event":"connected"}

id: 16
data: {"event":"status","sessionId":"abc","data":{"status":"working"},"id":16}

id: 17
data: {"event":"status",

id: 18
data: {"event":"ended","sessionId":"abc","data":{"reason":"done"},"id":18}

`)
	for ev, err := range sse.Read(stream) {
		if err != nil {
			fmt.Println(err)
			return
		}
		env, err := session.Parse(ev)
		if err != nil {
			fmt.Println(err)
			continue
		}
		data, err := env.Decode()
		switch data := data.(type) {
		case session.StatusData:
			fmt.Println(env.ID, env.SessionID, "is", data.Status, err)
		case session.EndedData:
			fmt.Println(env.ID, env.SessionID, "has ended:", data.Reason)
		default:
			fmt.Println(env.Kind, "is a control frame:", session.IsControl(ev))
		}
	}
	// Output:
	// connected is a control frame: true
	// 16 abc is working <nil>
	// session: malformed envelope in event "17": unexpected end of JSON input
	// 18 abc has ended: done
}

func ExampleEventsPath() {
	fmt.Println(session.EventsPath("fix/login"))
	// Output:
	// /v1/sessions/fix%2Flogin/events
}

// What one session's stream calls a message is a session_message among all
// sessions.
func ExampleKind_Global() {
	fmt.Println(session.Message.Global(), session.Heartbeat.Global())
	// Output:
	// session_message session_status_change
}

// Each connection gets a token of its own: in a client, Prepare is what
// client.Options.Prepare is set to.
func ExampleTokenSource() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"token":"sse_4711","expiresAt":"2026-01-02T15:05:05.000Z"}`)
	}))
	defer server.Close()

	src, err := session.NewTokenSource(server.URL, "api-key", server.Client())
	if err != nil {
		fmt.Println(err)
		return
	}
	req := httptest.NewRequest(http.MethodGet, server.URL+session.EventsPath("abc"), nil)
	if err := src.Prepare(req.Context(), req); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(req.URL.RequestURI())
	// Output:
	// /v1/sessions/abc/events?token=sse_4711
}
