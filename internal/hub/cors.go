package hub

import (
	"net/http"
	"slices"
	"strings"
)

// What a page on another origin may send and see.
const (
	corsRequest  = "Authorization, Cache-Control, Last-Event-ID, Sse-Run"
	corsResponse = "Last-Event-ID, Retry-After, Sse-Run"
	corsMaxAge   = "86400" // seconds for which a browser need not ask again
)

// share adds what lets a page of another origin see the response, and answers a
// preflight; true if it has.
func (h *Hub) share(w http.ResponseWriter, r *http.Request, methods ...string) (answered bool) {
	if len(h.cfg.Origins) == 0 {
		return false
	}
	origin, header := r.Header.Get("Origin"), w.Header()
	any := slices.Contains(h.cfg.Origins, "*")
	if !any {
		header.Add("Vary", "Origin")
	}
	if origin == "" || !any && !slices.Contains(h.cfg.Origins, origin) {
		return false
	}
	if any {
		origin = "*"
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Expose-Headers", corsResponse)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	header.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	header.Set("Access-Control-Allow-Headers", corsRequest)
	header.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}
