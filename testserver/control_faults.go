package testserver

import (
	"net/http"
	"slices"
	"strconv"
)

// A kindInfo is a row of the table of faults in JSON.
type kindInfo struct {
	Kind    string   `json:"kind"`
	Doc     string   `json:"doc"`
	Needs   []string `json:"needs,omitempty"`
	Members []string `json:"members"` // all that it can have
	Example Fault    `json:"example"`
}

func getKinds(*Server, *http.Request, []byte) (any, error) {
	infos := make([]kindInfo, 0, len(table))
	for _, k := range table {
		infos = append(infos, kindInfo{k.name, k.doc, k.needs, k.members(), k.example})
	}
	return infos, nil
}

// A faultInfo is a fault in force in JSON.
type faultInfo struct {
	Number int   `json:"number"`
	Fault  Fault `json:"fault"`
	Fired  int   `json:"fired"`
	Left   *int  `json:"left,omitempty"` // strikes; none if there is no limit
}

// info describes a fault. The caller holds the lock.
func (p *planted) info() faultInfo {
	i := faultInfo{Number: p.id, Fault: p.fault, Fired: p.fired}
	if p.left >= 0 {
		i.Left = new(p.left)
	}
	return i
}

func infos(ps []*planted) []faultInfo {
	all := make([]faultInfo, 0, len(ps))
	for _, p := range ps {
		all = append(all, p.info())
	}
	return all
}

// getFaults lists the faults that can still strike.
func getFaults(s *Server, _ *http.Request, _ []byte) (any, error) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return infos(s.hub.faults), nil
}

func postFaults(s *Server, _ *http.Request, body []byte) (any, error) {
	specs, err := oneOrMany[spec](body)
	if err != nil {
		return nil, err
	}
	faults := make([]Fault, len(specs))
	for i, sp := range specs {
		if err := sp.check(); err != nil {
			return nil, inItem(err, body, i)
		}
		faults[i] = Fault{sp}
	}
	h, err := s.inject(faults)
	if err != nil {
		return nil, err
	}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return created{infos(h.planted)}, nil
}

// removed says how many there were.
type removed struct {
	Removed int `json:"removed"`
}

func deleteFaults(s *Server, _ *http.Request, _ []byte) (any, error) {
	s.hub.mu.Lock()
	n := len(s.hub.faults)
	undo := s.hub.remove(s.hub.faults)
	s.hub.mu.Unlock()
	undo()
	return removed{n}, nil
}

// getFault tells of a fault, also of one that is used up.
func getFault(s *Server, r *http.Request, _ []byte) (any, error) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	p, err := s.hub.faultOf(r)
	if err != nil {
		return nil, err
	}
	return p.info(), nil
}

func deleteFault(s *Server, r *http.Request, body []byte) (any, error) {
	s.hub.mu.Lock()
	p, err := s.hub.faultOf(r)
	s.hub.mu.Unlock()
	if err != nil {
		return nil, err
	}
	(&Handle{s.hub, []*planted{p}}).Remove()
	return getFault(s, r, body)
}

// faultOf finds the fault that a request names. The caller holds the lock.
func (h *hub) faultOf(r *http.Request) (*planted, error) {
	number := r.PathValue("number")
	if p := h.everPlanted(number); p != nil {
		return p, nil
	}
	return nil, notFound("no fault %s", number)
}

// everPlanted finds a fault by its number; nil if it is not known. The caller holds
// the lock.
func (h *hub) everPlanted(number string) *planted {
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil
	}
	for _, ps := range [][]*planted{h.faults, h.spent} {
		if i := slices.IndexFunc(ps, func(p *planted) bool { return p.id == n }); i >= 0 {
			return ps[i]
		}
	}
	return nil
}
