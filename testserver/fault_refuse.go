package testserver

import (
	"cmp"
	"net"
	"time"
)

// refuseFor is how long a port is shut if nothing else is said.
const refuseFor = time.Second

// shutFor shuts the port for a fault that refuses by time. A server in memory
// counts dials instead, if no time is said.
func (s *Server) shutFor(p *planted) {
	d := time.Duration(p.fault.spec.For)
	if p.kind.name != nameRefuse || s.memory && d == 0 {
		return
	}
	h := s.hub
	h.mu.Lock()
	won := p.meets(&Request{}) != nil
	if won {
		h.fire(p, &Request{})
	}
	p.left = 0 // it has had its time
	h.sweep()
	h.mu.Unlock()
	if won {
		s.port.shut()
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
