package stage

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"time"
)

// A port listens at one address, with pauses in which it refuses connections.
type port struct {
	st    *Stage
	addr  string // does not change any more when connections are accepted
	other bool   // the second one; set before it is reached

	mu     sync.Mutex
	ln     net.Listener // nil while it is shut
	closed bool
}

// listen takes a port, which accepts when it is told to start: a client of the last
// stage that had this port may still be about.
func (st *Stage) listen(other bool) (*port, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &port{st: st, addr: ln.Addr().String(), other: other, ln: ln}, nil
}

// start accepts connections from now on.
func (p *port) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	ln := p.ln
	p.st.wg.Go(func() { p.accept(ln) })
}

// open listens again.
func (p *port) open() error {
	ln, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ln.Close()
	}
	p.ln = ln
	p.st.wg.Go(func() { p.accept(ln) })
	return nil
}

func (p *port) accept(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		if !p.st.admit(c) {
			c.Close()
			return
		}
		p.st.wg.Go(func() { p.st.serve(c, p) })
	}
}

// shut refuses connections until the stage opens the port again.
func (p *port) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ln != nil {
		p.ln.Close()
		p.ln = nil
	}
}

// reopen listens at the same address. Something else may hold it for a moment.
func (p *port) reopen() {
	for p.open() != nil && p.st.pause(10*time.Millisecond, nil) {
	}
}

func (p *port) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.shut()
}

// selfSigned is a certificate that nobody vouches for, for another host.
func selfSigned() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"certify.invalid"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}
