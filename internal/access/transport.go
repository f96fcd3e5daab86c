package access

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// newTransport is like the client's own, with another way to the server. A nil
// configuration is the default one, an empty socket none.
func newTransport(config *tls.Config, socket string) *http.Transport {
	dialer := &net.Dialer{KeepAlive: 15 * time.Second} // the client has the time limit
	t := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		DialContext:       dialer.DialContext,
		TLSClientConfig:   config,
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   90 * time.Second,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:           15 * time.Second,
			PingTimeout:               15 * time.Second,
			MaxReceiveBufferPerStream: 256 << 10,
		},
	}
	if socket != "" {
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	return t
}

// tlsConfig returns what the options say about TLS; nil if they say nothing.
func tlsConfig(o Options) (*tls.Config, error) {
	if o.CACert == "" && o.Cert == "" && o.Key == "" && !o.Insecure {
		return nil, nil
	}
	c := &tls.Config{InsecureSkipVerify: o.Insecure}
	var errs []error
	if o.CACert != "" {
		b, err := os.ReadFile(o.CACert)
		c.RootCAs = x509.NewCertPool()
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("--cacert: %w", err))
		case !c.RootCAs.AppendCertsFromPEM(b):
			errs = append(errs, fmt.Errorf("--cacert: %s holds no certificate in PEM form", o.CACert))
		}
	}
	if o.Cert == "" {
		if o.Key != "" {
			errs = append(errs, errors.New("--key: a key needs its --cert"))
		}
		return c, errors.Join(errs...)
	}
	key := o.Key
	if key == "" {
		key = o.Cert // one file may hold both
	}
	pair, err := tls.LoadX509KeyPair(o.Cert, key)
	if err != nil {
		errs = append(errs, fmt.Errorf("--cert: %s", strings.TrimPrefix(err.Error(), "tls: ")))
	}
	c.Certificates = []tls.Certificate{pair}
	return c, errors.Join(errs...)
}
