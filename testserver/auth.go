package testserver

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tokenLife is how long a single-use token waits for its connection.
const tokenLife = 60 * time.Second

// maxTokens is how many may wait at once.
const maxTokens = 10_000

// newRun names a run of the counter.
func newRun() string { return strings.ToLower(rand.Text()[:8]) }

// bearer returns the token of an Authorization header.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// authorized tells whether a request may have a stream. A single-use token is
// used up by the question. The caller holds the lock.
func (h *hub) authorized(r *http.Request) bool {
	token := bearer(r)
	if token == "" {
		token = r.URL.Query().Get("token")
	}
	if !h.opts.SSETokens {
		return len(h.opts.Tokens) == 0 || slices.Contains(h.opts.Tokens, token)
	}
	expires, known := h.tokens[token]
	delete(h.tokens, token)
	return known && time.Now().Before(expires)
}

// serveToken hands out a single-use token, to whoever has a token for good.
func (h *hub) serveToken(w http.ResponseWriter, r *http.Request) {
	switch {
	case !h.opts.SSETokens:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	case len(h.opts.Tokens) > 0 && !slices.Contains(h.opts.Tokens, bearer(r)):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`{"error":"Unauthorized"}` + "\n"))
		return
	}
	token, expires := "sse_"+rand.Text(), time.Now().Add(tokenLife)
	h.mu.Lock()
	for t, at := range h.tokens {
		if !time.Now().Before(at) {
			delete(h.tokens, t)
		}
	}
	full := len(h.tokens) >= maxTokens
	if !full {
		h.tokens[token] = expires
	}
	h.mu.Unlock()
	if full {
		http.Error(w, "too many tokens wait for their connections", http.StatusTooManyRequests)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(map[string]any{"token": token, "expiresAt": expires.UTC().Format(timestampFormat)})
}

// maskToken returns a URL without the secret in it.
func maskToken(u *url.URL) string {
	q := u.Query()
	if !q.Has("token") {
		return u.RequestURI()
	}
	q.Set("token", "***")
	masked := *u
	masked.RawQuery = q.Encode()
	return masked.RequestURI()
}
