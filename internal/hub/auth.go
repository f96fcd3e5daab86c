package hub

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// A ticket is a single-use token that waits for its connection.
type ticket struct {
	expires time.Time
	key     string // of whom it was given to
}

const (
	tokenLife = 60 * time.Second
	maxTokens = 10_000 // that wait at once
)

var errTokens = errors.New("too many tokens wait for their connections")

// IssueToken returns a single-use token, and when it expires. Key is to whom it is
// given; limit is how many may wait for that key, 0 for no limit.
func (h *Hub) IssueToken(key string, limit int) (token string, expires time.Time, err error) {
	now := time.Now()
	var secret [32]byte
	rand.Read(secret[:])
	token, expires = "sse_"+hex.EncodeToString(secret[:]), now.Add(tokenLife) // as Aegis writes them
	h.mu.Lock()
	defer h.mu.Unlock()
	of := 0
	for t, a := range h.tokens {
		if !now.Before(a.expires) {
			delete(h.tokens, t)
		} else if a.key == key {
			of++
		}
	}
	if len(h.tokens) >= maxTokens || limit > 0 && of >= limit {
		return "", time.Time{}, errTokens
	}
	h.tokens[token] = ticket{expires, key}
	return token, expires, nil
}

// DropTokens forgets the single-use tokens.
func (h *Hub) DropTokens() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.tokens)
}

// Bearer returns the token of an Authorization header; "" if there is none.
func Bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Trusts tells whether a token is one of those for good. Where there are none all are.
// How long it takes says nothing of how much of a token was right.
func (h *Hub) Trusts(token string) bool {
	known := len(h.cfg.Tokens) == 0
	for _, t := range h.cfg.Tokens {
		known = subtle.ConstantTimeCompare([]byte(t), []byte(token)) == 1 || known
	}
	return known
}

// authorized tells whether a request may have a stream. A single-use token is
// used up by the question.
func (h *Hub) authorized(r *http.Request) bool {
	token := Bearer(r)
	if token == "" {
		token = r.URL.Query().Get("token")
	}
	if !h.cfg.SSETokens {
		return h.Trusts(token)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t, known := h.tokens[token]
	delete(h.tokens, token)
	return known && time.Now().Before(t.expires)
}

// serveToken hands out a single-use token, to whoever has a token for good.
func (h *Hub) serveToken(w http.ResponseWriter, r *http.Request) {
	switch {
	case !h.cfg.SSETokens:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		writeJSON(w, http.StatusMethodNotAllowed, `{"error":"Method not allowed"}`)
		return
	case !h.Trusts(Bearer(r)):
		writeJSON(w, http.StatusUnauthorized, `{"error":"Unauthorized"}`)
		return
	}
	token, expires, err := h.IssueToken(Bearer(r), 0)
	if err != nil {
		setRetryAfter(w.Header(), tokenLife)
		writeJSON(w, http.StatusTooManyRequests, `{"error":"Too many tokens wait for their connections"}`)
		return
	}
	b, _ := json.Marshal(map[string]string{"token": token, "expiresAt": expires.UTC().Format(timestampFormat)})
	writeJSON(w, http.StatusCreated, string(b))
}

// writeJSON answers with a line of JSON.
func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Del("Content-Length")
	w.WriteHeader(status)
	w.Write([]byte(body + "\n"))
}
