package testserver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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
	seed   int64
	undo   func() // ends what it does as long as it is in force; nil: nothing
}

// Inject puts faults in force, in this order: of several that could strike
// instead of a response, the first one does. Faults of the body reach also the
// connections that are open, unless they ask for an n-th one. A fault that makes
// no sense panics with a [*FieldError].
func (s *Server) Inject(faults ...Fault) *Handle {
	h, err := s.inject(faults)
	if err != nil {
		panic(err)
	}
	return h
}

// InjectFor is Inject for one test, whose end removes the faults. A fault that makes
// no sense ends the test.
func (s *Server) InjectFor(tb TB, faults ...Fault) *Handle {
	tb.Helper()
	h, err := s.inject(faults)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(h.Remove)
	return h
}

func (s *Server) inject(faults []Fault) (*Handle, error) {
	for _, f := range faults {
		if err := f.spec.check(); err != nil {
			return nil, err
		}
		if f.spec.Location == ToOtherPort {
			if err := s.openSecond(); err != nil {
				return nil, err
			}
		}
	}
	h := s.hub.plant(faults)
	for _, p := range h.planted {
		s.shutFor(p)
	}
	return h, nil
}

func (h *hub) plant(faults []Fault) *Handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	handle := &Handle{hub: h}
	for _, f := range faults {
		h.planted++
		p := &planted{id: h.planted, fault: f, kind: kinds[f.spec.Kind], left: max(f.spec.Times, 1), seed: h.opts.Seed}
		if f.spec.Always {
			p.left = -1
		}
		h.faults = append(h.faults, p)
		handle.planted = append(handle.planted, p)
		if p.kind.stage == stageBody && f.spec.Conn == 0 {
			h.armOpen(p)
		}
	}
	return handle
}

// armOpen lets a fault strike the connections that are open, in their order, so
// that chance takes the same one each time. The caller holds the lock.
func (h *hub) armOpen(p *planted) {
	for _, c := range h.sortedConns() {
		if a := p.meets(c.entry); a != nil {
			c.arm(a)
			c.ring()
		}
	}
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
	undo := h.hub.remove(h.planted)
	h.hub.mu.Unlock()
	undo()
}

// remove takes faults away. The caller holds the lock, and calls undo without it.
func (h *hub) remove(ps []*planted) (undo func()) {
	var undos []func()
	for _, p := range ps {
		p.left = 0
		if p.undo != nil {
			undos = append(undos, p.undo)
			p.undo = nil
		}
	}
	h.sweep()
	return func() {
		for _, f := range undos {
			f()
		}
	}
}

// maxSpent is how many faults that are used up the control API still knows.
const maxSpent = 1024

// sweep puts faults aside that are used up. The caller holds the lock.
func (h *hub) sweep() {
	h.faults = slices.DeleteFunc(h.faults, func(p *planted) bool {
		if p.left == 0 {
			h.spent = append(h.spent, p)
		}
		return p.left == 0
	})
	h.spent = h.spent[max(0, len(h.spent)-maxSpent):]
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

// wins leaves it to chance.
func (p *planted) wins(random *rand.Rand) bool {
	q := p.fault.spec.Probability
	return q == 0 || random.Float64() < q
}

// meets tells whether a connection is to be struck, and arms the fault for it if
// so. The caller holds the lock.
func (p *planted) meets(r *Request) *armed {
	if p.left == 0 || !p.fits(r) {
		return nil
	}
	p.fitted++
	if n := p.fault.spec.Conn; n != 0 && p.fitted != n {
		return nil
	}
	// Numbers of its own for each connection: the order in which they are served
	// changes nothing.
	random := rand.New(rand.NewPCG(uint64(p.seed), uint64(p.id)<<32|uint64(p.fitted)))
	if !p.kind.again && !p.wins(random) {
		return nil
	}
	return &armed{planted: p, random: random}
}

// fire counts one strike. The caller holds the lock, and has seen that there is
// one left.
func (h *hub) fire(p *planted, r *Request) {
	if p.left > 0 {
		p.left--
	}
	p.fired++
	r.Faults = append(r.Faults, p.kind.name)
	h.stats.Faults++
	if p.left == 0 {
		h.sweep()
	}
	h.check()
}

// first fires the first wanted fault that meets a request; nil if none does. The
// others count the connection all the same. The caller holds the lock.
func (h *hub) first(r *Request, want func(*kind) bool) (first *planted) {
	for _, p := range h.faults {
		if want(p.kind) && p.meets(r) != nil && first == nil {
			first = p
		}
	}
	if first != nil {
		h.fire(first, r)
	}
	return first
}

// all returns the faults of a stage that meet a request. The caller holds the
// lock, and fires them.
func (h *hub) all(r *Request, s stage) (found []*armed) {
	for _, p := range h.faults {
		if p.kind.stage == s {
			if a := p.meets(r); a != nil {
				found = append(found, a)
			}
		}
	}
	return found
}

func ofStage(s stage) func(*kind) bool { return func(k *kind) bool { return k.stage == s } }

func ofName(name string) func(*kind) bool { return func(k *kind) bool { return k.name == name } }

// strikesAccept finds the fault that strikes a TCP connection.
func (h *hub) strikesAccept(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.first(&Request{}, ofName(name)) != nil
}
