package fault

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// A Set is the faults in force on one server, in the order in which they were added.
// Its methods are safe for concurrent use.
type Set struct {
	seed int64
	told func(Strike)

	mu      sync.Mutex
	planted []*planted // those that may still strike
	spent   []*planted // used up or removed, the newest ones
	count   int        // how many there ever were
	opened  int64      // connections so far
	conns   map[*Conn]struct{}
}

// A Strike tells that a fault has struck.
type Strike struct {
	Number int // of the fault in its set, from 1
	Kind   string
	Tag    any // of the connection, as given to [Set.Meet]; nil before there is a request
}

// NewSet returns a set whose faults take their chances from a seed. Told, if it is
// not nil, learns of each strike at its moment, under the set's lock: it must not
// call the set.
func NewSet(seed int64, told func(Strike)) *Set {
	if told == nil {
		told = func(Strike) {}
	}
	return &Set{seed: seed, told: told, conns: make(map[*Conn]struct{})}
}

// A planted fault is one in force. Its fields are guarded by the set's lock.
type planted struct {
	number  int
	fault   Fault
	kind    *kind
	left    int // strikes that are left; negative: no limit
	fired   int
	fitted  int           // connections so far that its conditions but Conn fit
	removed chan struct{} // closed when the fault is removed
}

// An Info is what is to be known of a fault that is, or was, in force.
type Info struct {
	Number int
	Fault  Fault
	Fired  int // how often it has struck
	Left   int // how often it may still strike; -1 is no limit
}

// Add puts faults in force, all or none of them, and returns their numbers. Of several
// that could strike instead of a response, the first one does. Faults of the body
// reach also the connections that are open, unless they ask for an n-th one. The
// error is a [*FieldError].
func (s *Set) Add(faults ...Fault) ([]int, error) {
	for _, f := range faults {
		if err := f.Check(); err != nil {
			return nil, err
		}
	}
	numbers, rings := s.plant(faults)
	for _, ring := range rings {
		ring()
	}
	return numbers, nil
}

// plant returns the numbers of the faults, and what rings the connections that they
// may strike.
func (s *Set) plant(faults []Fault) (numbers []int, rings []func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.count++
		p := &planted{number: s.count, fault: f, kind: kinds[f.spec.Kind], left: 1, removed: make(chan struct{})}
		switch {
		case f.spec.Always:
			p.left = -1
		case f.spec.Times != nil:
			p.left = *f.spec.Times
		}
		numbers = append(numbers, p.number)
		s.planted = append(s.planted, p)
		if p.kind.stage == stageBody && f.spec.Conn == nil {
			rings = append(rings, s.armOpen(p)...)
		}
	}
	s.sweep()
	return numbers, rings
}

// armOpen lets a fault strike the connections that are open, in their order, so that
// chance takes the same one each time. The caller holds the lock.
func (s *Set) armOpen(p *planted) (rings []func()) {
	for _, c := range s.sortedConns() {
		if !c.admitted {
			continue // it may get an answer instead, or has one
		}
		if a := s.meets(p, &c.req); a != nil {
			c.arm(a)
			if c.ring != nil {
				rings = append(rings, c.ring)
			}
		}
	}
	return rings
}

// Remove takes faults away and returns how many of them could still have struck. What
// they do to open connections stops. Numbers that are not known change nothing.
func (s *Set) Remove(numbers ...int) int {
	n, rings := s.remove(numbers)
	for _, ring := range rings {
		ring()
	}
	return n
}

func (s *Set) remove(numbers []int) (n int, rings []func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.known() {
		if !slices.Contains(numbers, p.number) || p.gone() {
			continue
		}
		if p.left != 0 {
			n++
		}
		p.left = 0
		close(p.removed)
	}
	s.sweep()
	for c := range s.conns {
		if c.ring != nil {
			rings = append(rings, c.ring)
		}
	}
	return n, rings
}

// RemoveAll removes all faults.
func (s *Set) RemoveAll() int { return s.Remove(s.numbers()...) }

// Reset removes all faults and forgets that there were any: numbers begin at 1 again.
func (s *Set) Reset() {
	s.RemoveAll()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.planted, s.spent, s.count = nil, nil, 0
}

func (s *Set) numbers() (all []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.known() {
		all = append(all, p.number)
	}
	return all
}

// Active returns the faults that may still strike.
func (s *Set) Active() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return infos(s.planted)
}

// Info returns what is known of faults, also of ones that are used up or removed, of
// which the newest 1,024 are known.
func (s *Set) Info(numbers ...int) []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return infos(slices.DeleteFunc(s.known(), func(p *planted) bool { return !slices.Contains(numbers, p.number) }))
}

// Unstruck returns the faults that were to strike and never did.
func (s *Set) Unstruck() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return infos(slices.DeleteFunc(s.known(), func(p *planted) bool { return p.fired > 0 || p.never() }))
}

// never tells whether a fault is not meant to strike.
func (p *planted) never() bool {
	s := &p.fault.spec
	return s.Times != nil && *s.Times == 0 || s.Probability != nil && *s.Probability == 0
}

// known returns the faults that are known, by number. The caller holds the lock.
func (s *Set) known() []*planted {
	all := slices.Concat(s.spent, s.planted)
	slices.SortFunc(all, func(a, b *planted) int { return a.number - b.number })
	return all
}

func infos(ps []*planted) []Info {
	all := make([]Info, 0, len(ps))
	for _, p := range ps {
		all = append(all, Info{p.number, p.fault, p.fired, p.left})
	}
	return all
}

// maxSpent is how many faults that are used up a set still knows.
const maxSpent = 1024

// sweep puts faults aside that are used up. The caller holds the lock.
func (s *Set) sweep() {
	s.planted = slices.DeleteFunc(s.planted, func(p *planted) bool {
		if p.left == 0 {
			s.spent = append(s.spent, p)
		}
		return p.left == 0
	})
	s.spent = s.spent[max(0, len(s.spent)-maxSpent):]
}

// gone tells whether a fault was removed.
func (p *planted) gone() bool {
	select {
	case <-p.removed:
		return true
	default:
		return false
	}
}

// fire counts one strike. The caller holds the lock, and has seen that there is one
// left.
func (s *Set) fire(p *planted, tag any) {
	if p.left > 0 {
		p.left--
	}
	p.fired++
	if p.left == 0 {
		s.sweep()
	}
	s.told(Strike{p.number, p.kind.name, tag})
}

// Strike lets a fault strike that concerns the port: by its number, or with 0 the
// first one of a kind. It tells whether one did.
func (s *Set) Strike(kind string, number int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.planted {
		if p.kind.name != kind || p.kind.stage != stageAccept || number != 0 && p.number != number {
			continue
		}
		p.fitted++
		if p.left != 0 && p.wins(s.chances(p)) {
			s.fire(p, nil)
			return true
		}
	}
	return false
}

// chances are the numbers of one connection: the order in which connections are
// served changes nothing.
func (s *Set) chances(p *planted) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(s.seed), uint64(p.number)<<32|uint64(p.fitted)))
}

// wins leaves it to chance.
func (p *planted) wins(random *rand.Rand) bool {
	q := p.fault.spec.Probability
	return q == nil || random.Float64() < *q
}
