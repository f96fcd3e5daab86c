package session

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Where a server has its routes. There is no legacy route without /v1.
const (
	GlobalPath = "/v1/events"         // GET: the stream of all sessions
	TokenPath  = "/v1/auth/sse-token" // POST: a single-use token for one connection
)

// Intervals that both sides agree on.
const (
	HeartbeatInterval = 30 * time.Second // from the server, on each connection
	IdleTimeout       = 90 * time.Second // three heartbeats missed: the path is dead
)

// EventsPath returns the path of one session's stream, with the id escaped.
func EventsPath(id string) string {
	return "/v1/sessions/" + url.PathEscape(id) + "/events"
}

// IDOf returns the session whose stream a path is, and whether it is one. The
// path is escaped, as [net/url.URL.EscapedPath] returns it; what comes before
// /v1 (a server behind a prefix) is ignored.
func IDOf(escapedPath string) (id string, ok bool) {
	_, rest, ok := strings.Cut(escapedPath, "/v1/sessions/")
	if !ok {
		return "", false
	}
	id, ok = strings.CutSuffix(rest, "/events")
	if !ok || id == "" || strings.Contains(id, "/") {
		return "", false
	}
	id, err := url.PathUnescape(id)
	return id, err == nil
}

// CheckID refuses a session id that no path can hold.
func CheckID(id string) error {
	switch id {
	case "":
		return errors.New("session: empty session id")
	case ".", "..":
		return errors.New("session: session id must not be a path segment with a meaning")
	}
	return nil
}

// NotFound tells whether a refused response says that the session does not
// exist, as opposed to a route that a deploy has taken away for a while: status
// 404 with a JSON body whose error or code names it.
func NotFound(status int, body []byte) bool {
	if status != http.StatusNotFound {
		return false
	}
	var msg struct {
		Error string `json:"error"`
		Code  string `json:"code"`
	}
	if json.Unmarshal(body, &msg) != nil {
		return false
	}
	return msg.Code == codeNotFound || strings.EqualFold(strings.TrimSuffix(msg.Error, "."), "session not found")
}

const codeNotFound = "SESSION_NOT_FOUND"

// NotFoundBody is what a server answers for a session that it does not know.
const NotFoundBody = `{"error":"Session not found","code":"` + codeNotFound + `"}`
