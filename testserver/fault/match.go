package fault

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
)

// A Request is what conditions look at.
type Request struct {
	Stream string // the stream's name, as [Fault.On] takes it
	Aside  bool   // it is for no stream, so only faults with a path strike it
	Path   string
	Method string
	Header http.Header // not changed, and not to be changed
}

// fits tells whether the conditions but Conn fit a request.
func (p *planted) fits(r *Request) bool {
	s := &p.fault.spec
	switch {
	case r.Aside && s.Path == nil,
		s.Path != nil && *s.Path != r.Path,
		s.Stream != nil && *s.Stream != r.Stream,
		s.Method != nil && !strings.EqualFold(*s.Method, r.Method):
		return false
	}
	for key, value := range s.Header {
		got := r.Header.Values(key)
		if len(got) == 0 || value != "*" && !slices.Contains(got, value) {
			return false
		}
	}
	return !slices.ContainsFunc(s.WithoutHeader, func(key string) bool { return len(r.Header.Values(key)) > 0 })
}

// An armed fault may strike one connection.
type armed struct {
	*planted
	random *rand.Rand // of this connection, so that others' events change nothing
	struck bool       // it has, or chance was against it
	next   int        // how many events are to be offered before it may strike again
}

// meets counts a request that a fault's conditions fit, and arms the fault for it if
// it is to be struck. The caller holds the lock.
func (s *Set) meets(p *planted, r *Request) *armed {
	if p.left == 0 || !p.fits(r) {
		return nil
	}
	p.fitted++
	if n := p.fault.spec.Conn; n != nil && p.fitted != *n {
		return nil
	}
	random := s.chances(p)
	if !p.kind.again && !p.wins(random) {
		return nil
	}
	return &armed{planted: p, random: random}
}

// Meet counts a request, for all faults whose conditions fit it, and returns the
// connection that they may strike. Requests that are neither GET nor POST are not
// counted and not struck. The tag is given back with each strike. The caller closes
// the connection.
func (s *Set) Meet(r Request, tag any) *Conn {
	c := &Conn{set: s, req: r, tag: tag}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	c.number, c.known = s.opened, s.count
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		c.closed = true
		return c
	}
	s.conns[c] = struct{}{}
	for _, p := range s.planted {
		if p.kind.stage == stageAccept {
			continue
		}
		if a := s.meets(p, &c.req); a != nil {
			c.arm(a)
		}
	}
	return c
}

// sortedConns returns the connections, oldest first. The caller holds the lock.
func (s *Set) sortedConns() []*Conn {
	return slices.SortedFunc(maps.Keys(s.conns), func(a, b *Conn) int { return cmp.Compare(a.number, b.number) })
}
