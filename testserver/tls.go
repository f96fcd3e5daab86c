package testserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"
)

// certLife is how long a certificate that the server makes is good, from a day ago on:
// clocks differ.
const certLife = 10 * 365 * 24 * time.Hour

// serverTLS returns the configuration to serve with, with a certificate made for this
// machine if there is none; nil for none.
func serverTLS(from *tls.Config) (*tls.Config, error) {
	if from == nil {
		return nil, nil
	}
	config := from.Clone()
	if len(config.Certificates) > 0 || config.GetCertificate != nil || config.GetConfigForClient != nil {
		return config, nil
	}
	cert, err := newCertificate()
	if err != nil {
		return nil, fmt.Errorf("testserver: a certificate: %w", err)
	}
	config.Certificates = []tls.Certificate{cert}
	return config, nil
}

func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "resilient-sse test server"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(certLife),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
		DNSNames:    []string{"localhost", memoryHost, "*." + memoryHost},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// Certificate returns the certificate that a client is to trust; nil without TLS, or if
// it is not known because the configuration chooses one for each connection.
func (s *Server) Certificate() *x509.Certificate {
	if s.tls == nil || len(s.tls.Certificates) == 0 {
		return nil
	}
	if leaf := s.tls.Certificates[0].Leaf; leaf != nil {
		return leaf
	}
	leaf, _ := x509.ParseCertificate(s.tls.Certificates[0].Certificate[0])
	return leaf
}

// clientTLS returns the configuration of the server's own client; nil without TLS.
func (s *Server) clientTLS() *tls.Config {
	if s.tls == nil {
		return nil
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if cert := s.Certificate(); cert != nil {
		config.RootCAs.AddCert(cert)
	}
	return config
}
