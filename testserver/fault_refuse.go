package testserver

import (
	"cmp"
	"net"
	"time"
)

// refuseFor is how long a port is shut if nothing else is said.
const refuseFor = time.Second

// shutFor shuts the port for a fault that refuses: for its time, or until it is
// removed if it strikes always. A server in memory counts dials instead, if no time
// is said.
func (s *Server) shutFor(p *planted) {
	d := time.Duration(p.fault.spec.For)
	if p.kind.name != nameRefuse || s.memory && d == 0 {
		return
	}
	h := s.hub
	h.mu.Lock()
	won := p.meets(&Request{}) != nil
	h.mu.Unlock()
	if !won {
		(&Handle{h, []*planted{p}}).Remove()
		return
	}
	s.port.shut() // before it has fired, for then it is a fact
	lasts := d == 0 && p.fault.spec.Always
	h.mu.Lock()
	h.fire(p, &Request{})
	if lasts {
		p.undo = s.port.open
	} else {
		h.remove([]*planted{p})
	}
	h.mu.Unlock()
	if !lasts {
		time.AfterFunc(cmp.Or(d, refuseFor), s.port.open)
	}
}

// openSecond opens a second port, for redirects to it.
func (s *Server) openSecond() error {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return errClosed
	case h.second != "":
		return nil
	case s.memory:
		h.second = "8080" // Dial takes any
		return nil
	}
	host, _, _ := net.SplitHostPort(s.port.Addr().String())
	p, err := s.listen(net.JoinHostPort(host, "0"), nil)
	if err != nil {
		return err
	}
	s.serve(p)
	_, h.second, _ = net.SplitHostPort(p.Addr().String())
	return nil
}
