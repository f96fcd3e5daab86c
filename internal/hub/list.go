package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// A listed session is what the list of sessions says of one, as Aegis does: times are
// in milliseconds.
type listed struct {
	ID           string `json:"id"`
	WindowName   string `json:"windowName"`
	CreatedAt    int64  `json:"createdAt"`
	LastActivity int64  `json:"lastActivity"`
}

type pagination struct {
	Page       int `json:"page"`
	Limit      int `json:"limit"`
	Total      int `json:"total"`
	TotalPages int `json:"totalPages"`
}

// How many sessions are on a page.
const (
	defaultPage = 100
	maxPage     = 1000
)

// list returns the answer that has the sessions that have not ended, the oldest first; a
// status of 0 if it is answered. Who may have the global stream may have the list. It
// ends the handling of the request: see [Hub.enter].
func (h *Hub) list(w http.ResponseWriter, r *http.Request) (status int, body string) {
	defer h.leave()
	switch {
	case h.share(w, r, http.MethodGet):
		return 0, ""
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		return http.StatusMethodNotAllowed, `{"error":"Method not allowed"}`
	case !h.Trusts(Bearer(r)):
		return http.StatusUnauthorized, `{"error":"Unauthorized"}`
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	if why := h.askAuthorize(ctx, r, GlobalID); why != nil {
		return why.Status, why.Body
	}
	page, limit := queryNumber(r, "page", 1, 1<<30), queryNumber(r, "limit", defaultPage, maxPage)
	all := h.listSessions()
	p := pagination{page, limit, len(all), (len(all) + limit - 1) / limit}
	from := min((page-1)*limit, len(all))
	b, _ := json.Marshal(map[string]any{"sessions": all[from:min(from+limit, len(all))], "pagination": p})
	return http.StatusOK, string(b)
}

func (h *Hub) listSessions() []listed {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]listed, 0, h.active)
	for _, s := range h.sessions {
		if !s.ended {
			all = append(all, listed{s.name, s.name, s.created.UnixMilli(), s.latest.UnixMilli()})
		}
	}
	slices.SortFunc(all, func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// queryNumber returns a positive number of the query, at most so large; what is none is
// the default.
func queryNumber(r *http.Request, name string, def, most int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 {
		return def
	}
	return min(n, most)
}
