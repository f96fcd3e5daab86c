package testserver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Handle is a group of faults in force.
type Handle struct {
	hub     *hub
	planted []*planted
}

// A planted fault is one in force. Its fields are guarded by the hub's lock.
type planted struct {
	id     int
	fault  Fault
	kind   *kind
	left   int // strikes that are left; negative: no limit
	fired  int
	fitted int // connections so far that its conditions but Conn fit
	random *rand.Rand
}

// Inject puts faults in force, in this order: of several that could strike
// instead of a response, the first one does. Faults of the body reach also the
// connections that are open, unless they ask for an n-th one. A fault that makes
// no sense panics.
func (s *Server) Inject(faults ...Fault) *Handle {
	h, err := s.hub.inject(faults)
	if err != nil {
		panic(err)
	}
	s.refuse(faults)
	return h
}

// refuse shuts the port of a server on a socket for faults that refuse.
func (s *Server) refuse(faults []Fault) {
	if s.memory {
		return
	}
	for _, f := range faults {
		if f.spec.Kind == kindRefuse.name {
			d := time.Duration(f.spec.For)
			if d == 0 {
				d = refuseFor
			}
			s.port.shut()
			time.AfterFunc(d, func() { s.port.open() })
		}
	}
}

// refuseFor is how long a port is shut if nothing else is said.
const refuseFor = time.Second

func (h *hub) inject(faults []Fault) (*Handle, error) {
	for _, f := range faults {
		if err := f.spec.check(); err != nil {
			return nil, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	handle := &Handle{hub: h}
	for _, f := range faults {
		h.planted++
		p := &planted{id: h.planted, fault: f, kind: kinds[f.spec.Kind], left: max(f.spec.Times, 1)}
		if f.spec.Always {
			p.left = -1
		}
		p.random = rand.New(rand.NewPCG(uint64(h.opts.Seed), uint64(p.id)))
		h.faults = append(h.faults, p)
		handle.planted = append(handle.planted, p)
		if p.kind.stage == stageBody && f.spec.Conn == 0 {
			for c := range h.conns {
				if p.fits(c.entry) && p.draws() {
					c.arm(p)
					c.ring()
				}
			}
		}
	}
	return handle, nil
}

func (s *spec) check() error {
	if kinds[s.Kind] == nil {
		return fmt.Errorf("testserver: kind: %q is not a fault", s.Kind)
	}
	return nil
}

// Fired returns how often the faults have struck, all together.
func (h *Handle) Fired() int {
	h.hub.mu.Lock()
	defer h.hub.mu.Unlock()
	return h.fired()
}

func (h *Handle) fired() (n int) {
	for _, p := range h.planted {
		n += p.fired
	}
	return n
}

// WaitFired waits until the faults have struck n times, all together.
func (h *Handle) WaitFired(ctx context.Context, n int) error {
	return h.hub.await(ctx, fmt.Sprintf("%d faults", n), func() bool { return h.fired() >= n })
}

// Remove takes the faults away. What has struck a connection stays.
func (h *Handle) Remove() {
	h.hub.mu.Lock()
	defer h.hub.mu.Unlock()
	for _, p := range h.planted {
		p.left = 0
	}
	h.hub.sweep()
}

// sweep forgets faults that are used up. The caller holds the lock.
func (h *hub) sweep() {
	h.faults = slices.DeleteFunc(h.faults, func(p *planted) bool { return p.left == 0 })
}

// fits tells whether the conditions but Conn fit a request.
func (p *planted) fits(r *Request) bool {
	s := &p.fault.spec
	if s.Stream != "" && s.Stream != r.Stream || s.Method != "" && !strings.EqualFold(s.Method, r.Method) {
		return false
	}
	for key, value := range s.Header {
		got := r.Header.Values(key)
		if len(got) == 0 || value != "*" && !slices.Contains(got, value) {
			return false
		}
	}
	return true
}

// draws leaves it to chance.
func (p *planted) draws() bool {
	q := p.fault.spec.Probability
	return q == 0 || p.random.Float64() < q
}

// meets tells whether a new connection is to be struck.
func (p *planted) meets(r *Request) bool {
	if p.left == 0 || !p.fits(r) {
		return false
	}
	p.fitted++
	if n := p.fault.spec.Conn; n != 0 && p.fitted != n {
		return false
	}
	return p.draws()
}

// fire counts one strike; false if there is none left. The caller holds the lock.
func (h *hub) fire(p *planted, r *Request) bool {
	if p.left == 0 {
		return false
	}
	if p.left > 0 {
		p.left--
	}
	p.fired++
	if r != nil {
		r.Faults = append(r.Faults, p.kind.name)
	}
	h.stats.Faults++
	if p.left == 0 {
		h.sweep()
	}
	h.check()
	return true
}

// strikes finds what becomes of a request: the fault that strikes at once, if
// one does, and those that may strike its body. The caller holds the lock.
func (h *hub) strikes(r *Request) (now *planted, body []*planted) {
	for _, p := range slices.Clone(h.faults) { // fire changes the list
		switch {
		case p.kind.stage == stageAccept || now != nil && p.kind.stage == stageRequest || !p.meets(r):
		case p.kind.stage == stageBody:
			body = append(body, p)
		default:
			if h.fire(p, r) {
				now = p
			}
		}
	}
	return now, body
}

// strikesAccept finds the fault that strikes a TCP connection.
func (h *hub) strikesAccept(k *kind) *planted {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.faults {
		if p.kind == k && p.meets(&Request{Header: http.Header{}}) && h.fire(p, nil) {
			return p
		}
	}
	return nil
}
