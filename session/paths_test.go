package session_test

import (
	"net/url"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/session"
)

func TestEventsPath(t *testing.T) {
	for id, want := range map[string]string{
		"abc":     "/v1/sessions/abc/events",
		"a b":     "/v1/sessions/a%20b/events",
		"a/b":     "/v1/sessions/a%2Fb/events",
		"../x":    "/v1/sessions/..%2Fx/events",
		"a?b#c":   "/v1/sessions/a%3Fb%23c/events",
		"%2F":     "/v1/sessions/%252F/events",
		"é":       "/v1/sessions/%C3%A9/events",
		"a\r\nb:": "/v1/sessions/a%0D%0Ab:/events",
	} {
		got := session.EventsPath(id)
		if got != want {
			t.Errorf("EventsPath(%q): got %s, want %s", id, got, want)
		}
		if back, ok := session.IDOf(got); !ok || back != id {
			t.Errorf("IDOf(%s): got %q, %v; want %q", got, back, ok, id)
		}
	}
}

func TestIDOf(t *testing.T) {
	for _, tt := range []struct {
		path, id string
		ok       bool
	}{
		{"/v1/sessions/abc/events", "abc", true},
		{"/behind/a/prefix/v1/sessions/abc/events", "abc", true},
		{"/v1/sessions/events/events", "events", true},
		{"/v1/sessions//events", "", false},
		{"/v1/sessions/events", "", false},
		{"/v1/sessions/a/b/events", "", false},
		{"/v1/sessions/abc/events/", "", false},
		{"/v1/sessions/abc", "", false},
		{"/v1/sessions/%zz/events", "", false},
		{"/sessions/abc/events", "", false}, // the legacy route
		{"/v1/events", "", false},
		{"", "", false},
	} {
		if id, ok := session.IDOf(tt.path); id != tt.id || ok != tt.ok {
			t.Errorf("IDOf(%q): got %q, %v; want %q, %v", tt.path, id, ok, tt.id, tt.ok)
		}
	}
}

// The ids that CheckID refuses are those that resolving a URL would lose.
func TestCheckID(t *testing.T) {
	for id, fine := range map[string]bool{
		"": false, ".": false, "..": false, "...": true, "a": true, "a/b": true, "../x": true, " ": true, "%2e": true,
	} {
		if err := session.CheckID(id); (err == nil) != fine {
			t.Errorf("CheckID(%q): got %v, want an error: %v", id, err, !fine)
		}
		base := &url.URL{Scheme: "http", Host: "h", Path: "/"}
		kept, ok := session.IDOf(base.JoinPath(session.EventsPath(id)).EscapedPath())
		if survives := ok && kept == id; survives != fine {
			t.Errorf("id %q survives being resolved: %v, and CheckID lets it pass: %v", id, survives, fine)
		}
	}
}

func TestNotFound(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		want   bool
	}{
		{404, session.NotFoundBody, true},
		{404, `{"error":"Session not found"}`, true},
		{404, `{"error":"session not found."}`, true},
		{404, `{"code":"NOT_FOUND","message":"Session not found","requestId":"45d4031a","error":"Session not found"}`, true}, // Aegis 0.6.6
		{404, `{"code":"NOT_FOUND","message":"Not found","requestId":"74264c0d","error":"Not found"}`, false},                // its other routes
		{404, `{"error":"no such thing","code":"SESSION_NOT_FOUND"}`, true},
		{404, `{"error":"Route not found","code":"NOT_FOUND"}`, false},
		{404, "404 page not found\n", false},
		{404, `{"error":17}`, false},
		{404, "", false},
		{410, session.NotFoundBody, false},
		{200, session.NotFoundBody, false},
	} {
		if got := session.NotFound(tt.status, []byte(tt.body)); got != tt.want {
			t.Errorf("NotFound(%d, %s): got %v, want %v", tt.status, tt.body, got, tt.want)
		}
	}
}
