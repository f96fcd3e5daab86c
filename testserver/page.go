package testserver

import (
	_ "embed"
	"net/http"
	"strings"
)

//go:embed page.html
var page string

// servePage is for a person: sessions, connections with their positions, live events in
// the browser's own EventSource, and buttons for the faults.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Frame-Options", "DENY") // nobody is to press the buttons unawares
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self' "+s.URL+"; base-uri 'none'; frame-ancestors 'none'")
	w.Write([]byte(strings.ReplaceAll(page, "{{URL}}", s.URL)))
}
