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

	"github.com/OneStepAt4time/resilient-sse/client"
)

// newTransport is like the client's own, with another way to the server; nil if
// the options want nothing that the client's own has not.
func newTransport(o Options) (*http.Transport, error) {
	config, err1 := tlsConfig(o)
	proxy, err2 := proxies(o)
	err := errors.Join(err1, err2)
	if config == nil && proxy == nil && o.UnixSocket == "" && !o.OwnTransport {
		return nil, err
	}
	dialer := &net.Dialer{KeepAlive: 15 * time.Second} // the client has the time limit
	t := client.NewTransport()
	t.DialContext = dialer.DialContext
	t.TLSHandshakeTimeout = 0
	t.TLSClientConfig = config
	if proxy != nil {
		t.Proxy = proxy
	}
	if o.UnixSocket != "" {
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", o.UnixSocket)
		}
	}
	return t, err
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
