package aegis

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// A Version is one of the two.
type Version int

// The versions that were measured.
const (
	V133 Version = iota // 1.3.3
	V066                // 0.6.6
)

// Limits of 0.6.6.
const (
	ConnsPerAddr = 10               // streams of one address
	TokensPerKey = 5                // single-use tokens that wait for their connections
	Requests     = 600              // of one address a minute, for what is a route
	Refusals     = 3                // writes that find no room, one after the other, before a stream ends
	ShutdownTime = 15 * time.Second // for which streams stay open although the port is free
)

const timestampFormat = "2006-01-02T15:04:05.000Z"

// Sends tells whether the version sends a kind at all.
func (v Version) Sends(kind session.Kind) bool {
	switch kind {
	case session.SessionCreated:
		return false
	case session.PermissionDenied, session.Verification, session.Shutdown:
		return v == V066
	}
	return true
}

// Frame appends a frame; nothing for a kind that the version does not send.
func (v Version) Frame(b []byte, f *hub.Frame) []byte {
	if !v.Sends(f.Kind) {
		return b
	}
	if f.Kind == session.Shutdown {
		return v.Shutdown(b, f.At)
	}
	kind, global := f.Kind, f.Stream == hub.OfAll
	numbered := f.Num != 0 && (!global || v == V066)
	if global && f.Num != 0 {
		kind = kind.Global()
	}
	if numbered {
		b = fmt.Appendf(b, "id: %d\n", f.Num)
	}
	b = fmt.Appendf(b, `data: {"event":%q`, kind)
	if len(f.Session) > 0 {
		b = append(append(b, `,"sessionId":`...), f.Session...)
	}
	b = append(b, `,"timestamp":"`...)
	b = f.At.UTC().AppendFormat(b, timestampFormat)
	b = append(b, '"')
	if len(f.Data) > 0 {
		b = append(append(b, `,"data":`...), f.Data...)
	}
	if numbered && !global {
		b = append(b, `,"emittedAt":`...)
		b = strconv.AppendInt(b, f.At.UnixMilli(), 10)
	}
	if numbered {
		b = append(b, `,"id":`...)
		b = strconv.AppendInt(b, f.Num, 10)
	}
	return append(b, "}\n\n"...)
}

// Shutdown appends what 0.6.6 says on the global stream when it ends.
func (v Version) Shutdown(b []byte, at time.Time) []byte {
	b = append(b, `data: {"event":"shutdown","sessionId":"","timestamp":"`...)
	b = at.UTC().AppendFormat(b, timestampFormat)
	return append(b, `","data":{}}`+"\n\n"...)
}

// StreamHeader is what a stream's response has beside ours.
var StreamHeader = http.Header{"Connection": {"keep-alive"}}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// Refuse answers a request that gets no stream.
func (v Version) Refuse(w http.ResponseWriter, r *http.Request, why *hub.Refusal) {
	message := http.StatusText(why.Status)
	code := strings.ToUpper(strings.ReplaceAll(message, " ", "_"))
	route := true
	switch {
	case why.Status == http.StatusNotFound && why.Stream.Kind == hub.OfSession:
		code, message = "NOT_FOUND", "Session not found"
		if v == V066 && !uuid.MatchString(why.Stream.Name) {
			why.Status, code, message, route = http.StatusBadRequest, "VALIDATION_ERROR", "Invalid session ID — must be a UUID", false
		}
	case why.Status == http.StatusNotFound, why.Status == http.StatusMethodNotAllowed:
		v.NotFound(w, r)
		return
	case why.Status == http.StatusTooManyRequests:
		code, message = "RATE_LIMITED", fmt.Sprintf("Per-IP connection limit reached (%d/%d)", ConnsPerAddr, ConnsPerAddr)
	}
	v.answer(w, r, why.Status, code, message, route)
}

// NotFound answers where there is no route, and where there is none for the method.
func (v Version) NotFound(w http.ResponseWriter, r *http.Request) {
	v.answer(w, r, http.StatusNotFound, "NOT_FOUND", "Not found", false)
}

// TooManyTokens answers whose tokens are all waiting.
func (v Version) TooManyTokens(w http.ResponseWriter, r *http.Request) {
	v.answer(w, r, http.StatusTooManyRequests, "RATE_LIMITED", fmt.Sprintf("SSE token limit reached (%d outstanding)", TokensPerKey), true)
}

// answer writes an error in the version's form. Routes have more headers than what is
// none.
func (v Version) answer(w http.ResponseWriter, r *http.Request, status int, code, message string, route bool) {
	id := newUUID()
	var body []byte
	if v == V133 {
		body = marshal(struct {
			Error string `json:"error"`
		}{message})
	} else {
		body = marshal(struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			ID      string `json:"requestId"`
			Error   string `json:"error"`
		}{code, message, id, message})
	}
	v.Header(w.Header(), r, id, route)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// Token answers with a single-use token.
func (v Version) Token(w http.ResponseWriter, r *http.Request, token string, expires time.Time) {
	body := marshal(struct {
		Token   string `json:"token"`
		Expires int64  `json:"expiresAt"`
	}{token, expires.UnixMilli()})
	v.Header(w.Header(), r, newUUID(), true)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusCreated)
	w.Write(body)
}

// marshal returns JSON as JavaScript writes it.
func marshal(value any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(value) // strings and numbers always can be
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// A Quota is what an address has left of its requests.
type Quota struct {
	Left  int
	Reset time.Duration // until it has all of them again
}

type quotaKey struct{}

// With returns a request that knows its quota, for the header of its answer.
func (q Quota) With(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), quotaKey{}, q))
}

func (q Quota) reset() string {
	return strconv.FormatInt(int64((q.Reset+time.Second-1)/time.Second), 10)
}

// Counts tells whether a request counts for its address's quota: one for a route does,
// unless the route refuses its form.
func (v Version) Counts(r *http.Request, id hub.StreamID, isStream bool) bool {
	switch {
	case v != V066:
		return false
	case isStream:
		return r.Method == http.MethodGet && id.Kind != hub.Plain && (id.Kind == hub.OfAll || uuid.MatchString(id.Name))
	}
	return r.URL.Path == session.TokenPath && r.Method == http.MethodPost || r.URL.Path == session.ListPath && r.Method == http.MethodGet
}

// TooManyRequests answers whose address has used up its quota. The text is that of the
// server's plug-in; the rest is as measured.
func (v Version) TooManyRequests(w http.ResponseWriter, r *http.Request, q Quota) {
	w.Header().Set("Retry-After", q.reset())
	v.answer(w, q.With(r), http.StatusTooManyRequests, "RATE_LIMITED", "Rate limit exceeded, retry in 1 minute", true)
}

// Header sets the header of an answer that is no stream.
func (v Version) Header(h http.Header, r *http.Request, requestID string, route bool) {
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=()")
	h.Set("Connection", "keep-alive")
	h.Set("Keep-Alive", "timeout=72")
	if v != V066 {
		return
	}
	h.Set("X-Request-Id", requestID)
	if Legacy(r) {
		h.Set("Deprecation", "true")
		h.Set("Sunset", "Thu, 01 Jan 2027 00:00:00 GMT")
		h.Set("X-Api-Deprecated", "Use /v1/sessions/:id/events instead")
	} else {
		h.Set("X-Aegis-Api-Version", "1")
	}
	if route {
		q, _ := r.Context().Value(quotaKey{}).(Quota)
		h.Set("X-Ratelimit-Limit", strconv.Itoa(Requests))
		h.Set("X-Ratelimit-Remaining", strconv.Itoa(q.Left))
		h.Set("X-Ratelimit-Reset", q.reset())
	}
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Legacy tells whether a request came by the old route without a version.
func Legacy(r *http.Request) bool { return strings.HasPrefix(r.RequestURI, "/sessions/") }

// Route returns the path of a session's stream that an old route of 0.6.6 stands for;
// "" if the path is none.
func (v Version) Route(path string) string {
	if v != V066 {
		return ""
	}
	if id, ok := strings.CutPrefix(path, "/sessions/"); ok {
		if id, ok := strings.CutSuffix(id, "/events"); ok && !strings.Contains(id, "/") {
			return "/v1/sessions/" + id + "/events"
		}
	}
	if id, ok := strings.CutPrefix(path, "/v1/sessions/"); ok {
		if id, ok := strings.CutSuffix(id, "/stream"); ok && !strings.Contains(id, "/") {
			return "/v1/sessions/" + id + "/events"
		}
	}
	return ""
}
