package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// request puts into the options what the flags say about requests.
func (f *flags) request(o *client.Options) {
	o.Header = f.header()
	o.Method = f.method
	if f.given("data") {
		o.Body = f.body
		if o.Method == "" {
			o.Method = http.MethodPost
		}
		if o.Header.Get("Content-Type") == "" {
			o.Header.Set("Content-Type", contentType(f.body))
		}
	}
	if f.given("connect-timeout") {
		o.ConnectTimeout = offIfZero(f.connectTimeout)
	}
	tlsConfig := f.tlsConfig()
	if tlsConfig != nil || f.unixSocket != "" || f.verbose {
		o.HTTPClient = &http.Client{Transport: newTransport(tlsConfig, f.unixSocket)}
	}
}

func (f *flags) header() http.Header {
	h := http.Header{}
	for _, line := range f.headers {
		name, v, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimSpace(v))
	}
	return h
}

func contentType(body []byte) string {
	if json.Valid(body) {
		return "application/json"
	}
	return "application/x-www-form-urlencoded"
}

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

// tlsConfig returns what --cacert, --cert, --key and --insecure say; nil if they
// say nothing.
func (f *flags) tlsConfig() *tls.Config {
	if f.caCert == "" && f.cert == "" && f.key == "" && !f.insecure {
		return nil
	}
	c := &tls.Config{InsecureSkipVerify: f.insecure}
	if f.caCert != "" {
		b, err := os.ReadFile(f.caCert)
		c.RootCAs = x509.NewCertPool()
		switch {
		case err != nil:
			f.problems.add("--cacert: %v", err)
		case !c.RootCAs.AppendCertsFromPEM(b):
			f.problems.add("--cacert: %s holds no certificate in PEM form", f.caCert)
		}
	}
	if f.cert == "" {
		if f.key != "" {
			f.problems.add("--key: a key needs its --cert")
		}
		return c
	}
	key := f.key
	if key == "" {
		key = f.cert // one file may hold both
	}
	pair, err := tls.LoadX509KeyPair(f.cert, key)
	if err != nil {
		f.problems.add("--cert: %s", strings.TrimPrefix(err.Error(), "tls: "))
	}
	c.Certificates = []tls.Certificate{pair}
	return c
}

// readData takes a request's body: the text itself, or @FILE.
func readData(s string) ([]byte, error) {
	path, ok := strings.CutPrefix(s, "@")
	if !ok {
		return []byte(s), nil
	}
	return os.ReadFile(path)
}

// readToken reads a token's file, whose first line it is.
func readToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return firstLine(path, b)
}

func firstLine(from string, b []byte) (string, error) {
	line, _, _ := bytes.Cut(bytes.TrimSpace(b), []byte("\n"))
	token := strings.TrimSpace(string(line))
	switch {
	case token == "":
		return "", fmt.Errorf("no token in %s", from)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7F }):
		return "", errors.New("a token has no blanks and no control characters, and that in " + from + " does")
	}
	return token, nil
}
