package testserver

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A Handle is a group of faults in force.
type Handle struct {
	server  *Server
	numbers []int
	resets  int // of the server, when they were put in force
}

// Inject puts faults in force, in this order: of several that could strike instead of
// a response, the first one does. Faults of the body reach also the connections that
// are open, unless they ask for an n-th one. A fault that makes no sense panics with a
// [*fault.FieldError].
func (s *Server) Inject(faults ...fault.Fault) *Handle {
	h, err := s.inject(faults)
	if err != nil {
		panic(err)
	}
	return h
}

// InjectFor is Inject for one test, whose end removes the faults. A fault that makes
// no sense ends the test.
func (s *Server) InjectFor(tb TB, faults ...fault.Fault) *Handle {
	tb.Helper()
	h, err := s.inject(faults)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(h.Remove)
	return h
}

func (s *Server) inject(faults []fault.Fault) (*Handle, error) {
	for _, f := range faults {
		if err := s.checkFault(f); err != nil {
			return nil, err
		}
	}
	numbers, err := s.faults.Add(faults...)
	if err != nil {
		return nil, err
	}
	for i, f := range faults {
		s.shutFor(f, numbers[i])
	}
	return s.handle(numbers), nil
}

// handle returns the handle of faults that were put in force since the last reset.
func (s *Server) handle(numbers []int) *Handle {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return &Handle{s, numbers, s.book.resets}
}

// checkFault refuses what this server cannot do, and opens the second port for what
// needs it.
func (s *Server) checkFault(f fault.Fault) error {
	if err := f.Check(); err != nil {
		return err
	}
	if f.Kind() == fault.KindRefuse && !s.memory && f.Counts() {
		return &fault.FieldError{Field: "times", Reason: "nobody is told of a connection that the kernel refuses: use for"}
	}
	if s.upstream != nil && slices.Contains(notInFront, f.Kind()) {
		return &fault.FieldError{Field: "kind", Reason: f.Kind() + " needs a log, and a proxy has none"}
	}
	if f.Location() == fault.ToOtherPort {
		return s.openSecond()
	}
	return nil
}

// Fired returns how often the faults have struck, all together.
func (h *Handle) Fired() int {
	h.server.book.mu.Lock()
	defer h.server.book.mu.Unlock()
	return h.fired()
}

// fired is Fired. The caller holds the book's lock.
func (h *Handle) fired() (n int) {
	if h.resets != h.server.book.resets {
		return 0
	}
	for _, number := range h.numbers {
		n += h.server.book.fired[number]
	}
	return n
}

// WaitFired waits until the faults have struck n times, all together.
func (h *Handle) WaitFired(ctx context.Context, n int) error {
	return h.server.book.await(ctx, fmt.Sprintf("%d strikes", n), func() bool { return h.fired() >= n })
}

// Remove takes the faults away, and what they do stops: a stall goes on, a request
// without an answer is served, a port opens again. What has ended a connection stays.
func (h *Handle) Remove() {
	h.server.book.mu.Lock()
	gone := h.resets != h.server.book.resets
	h.server.book.mu.Unlock()
	if !gone { // a reset has removed them, and others have their numbers now
		h.server.removeFaults(h.numbers...)
	}
}

func (s *Server) removeFaults(numbers ...int) int {
	n := s.faults.Remove(numbers...)
	s.shut.open(numbers...)
	return n
}

func (s *Server) removeAllFaults() int {
	n := s.faults.RemoveAll()
	s.shut.openAll()
	return n
}

// AssertFired fails the test for each fault in force that was to strike and never did.
// Those that were removed before they struck count too; a test that fails names them
// anyway.
func (s *Server) AssertFired(tb TB) {
	tb.Helper()
	for _, i := range s.faults.Unstruck() {
		tb.Errorf("testserver: fault %d never struck: %v", i.Number, i.Fault)
	}
}

// unstruck names the newest faults that never struck; "" if there are none.
func (s *Server) unstruck(most int) string {
	var b strings.Builder
	infos := s.faults.Unstruck()
	for _, i := range infos[max(0, len(infos)-most):] {
		fmt.Fprintf(&b, "fault %d never struck: %v\n", i.Number, i.Fault)
	}
	return b.String()
}

// refuseFor is how long a port is shut if nothing else is said.
const refuseFor = time.Second

// shutters are the faults that keep the port shut, by number.
type shutters struct {
	mu   sync.Mutex
	shut map[int]shutter
}

type shutter struct {
	open  func()
	timer *time.Timer // nil: no time opens it
}

// open lets faults shut the port no more.
func (s *shutters) open(numbers ...int) {
	for _, n := range numbers {
		s.mu.Lock()
		sh, ok := s.shut[n]
		delete(s.shut, n)
		s.mu.Unlock()
		if !ok {
			continue
		}
		if sh.timer != nil {
			sh.timer.Stop()
		}
		sh.open()
	}
}

// openAll lets no fault shut the port any more.
func (s *shutters) openAll() {
	s.mu.Lock()
	numbers := slices.Collect(maps.Keys(s.shut))
	s.mu.Unlock()
	s.open(numbers...)
}

// add notes that a fault shuts the port, for a time or, if it is 0, until it is opened.
func (s *shutters) add(number int, open func(), d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut == nil {
		s.shut = make(map[int]shutter)
	}
	sh := shutter{open: open}
	if d > 0 {
		sh.timer = time.AfterFunc(d, func() { s.open(number) })
	}
	s.shut[number] = sh
}

// shutFor shuts the port for a fault that refuses: for its time, or until it is removed
// if it strikes always. A server in memory counts dials instead, if no time is said.
func (s *Server) shutFor(f fault.Fault, number int) {
	if f.Kind() != fault.KindRefuse || s.memory && f.Duration() == 0 {
		return
	}
	open := s.port.Shut() // before it has fired, for then it is a fact
	if !s.faults.Strike(fault.KindRefuse, number) {
		open()
		s.faults.Remove(number) // chance was against it
		return
	}
	if f.Lasts() && f.Duration() == 0 {
		s.shut.add(number, open, 0)
		return
	}
	s.faults.Remove(number) // it has struck; only its time is left
	s.shut.add(number, open, cmp.Or(f.Duration(), refuseFor))
}
