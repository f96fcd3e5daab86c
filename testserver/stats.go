package testserver

// Stats are the server's counts since its start.
type Stats struct {
	Run       string `json:"run"`       // of the counter, as in the Sse-Run header
	Counter   int64  `json:"counter"`   // the newest id
	Sessions  int    `json:"sessions"`  // that have not been retired
	Open      int    `json:"open"`      // streams under way
	Requests  int64  `json:"requests"`  // for streams
	Events    int64  `json:"events"`    // published
	Delivered int64  `json:"delivered"` // events written to connections
	Bytes     int64  `json:"bytes"`     // of bodies
	Faults    int64  `json:"faults"`    // strikes
	Restarts  int64  `json:"restarts"`
}

// Stats returns the server's counts.
func (s *Server) Stats() Stats {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.stats
	st.Run, st.Counter, st.Sessions, st.Open, st.Requests = h.run, h.counter, len(h.sessions), h.running, h.journal.count
	return st
}
