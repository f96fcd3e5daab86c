package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

// runCommand runs a command line in this process.
func runCommand(env map[string]string, args ...string) (code int, out, err string) {
	var stdout, stderr bytes.Buffer
	code = run(&system.System{
		Args: args, In: strings.NewReader(""), Out: &stdout, Err: &stderr,
		Env: func(name string) string { return env[name] },
	})
	return code, stdout.String(), stderr.String()
}

// oneEvent is a stream of one event, and then the end of all: 204.
func oneEvent() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "id: 1\ndata: hello %v\n\n", r.TLS != nil && len(r.TLS.PeerCertificates) > 0)
	})
}

func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(oneEvent())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused handshake is part of the test
	srv.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	srv.StartTLS()
	defer srv.Close()
	ca := writePEM(t, "ca.pem", "CERTIFICATE", srv.Certificate().Raw)
	key, err := x509.MarshalPKCS8PrivateKey(srv.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	keyFile := writePEM(t, "key.pem", "PRIVATE KEY", key)

	const warning = "sse-tail: warning: --insecure: "
	for _, test := range []struct {
		args              []string
		code              int
		out, said, unsaid string
	}{
		{nil, exitOther, "", "hint: for a private authority use --cacert FILE", warning},
		{[]string{"--cacert", ca}, exitOK, "hello false\n", "", warning},
		{[]string{"--insecure"}, exitOK, "hello false\n", warning, ""},
		{[]string{"-k"}, exitOK, "hello false\n", warning, ""},
		{[]string{"--cacert", ca, "--cert", ca, "--key", keyFile}, exitOK, "hello true\n", "", warning},
	} {
		code, out, said := runCommand(nil, append(test.args, srv.URL, "-n1")...)
		if code != test.code || out != test.out || !strings.Contains(said, test.said) || test.unsaid != "" && strings.Contains(said, test.unsaid) {
			t.Errorf("%q: got %d, %q, %q; want %d, %q, %q", test.args, code, out, said, test.code, test.out, test.said)
		}
	}
}

func writePEM(t *testing.T, name, kind string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip(err)
	}
	srv := httptest.NewUnstartedServer(oneEvent())
	srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	defer srv.Close()
	code, out, said := runCommand(nil, "--unix-socket", path, "http://anything/events", "-n1")
	if code != exitOK || out != "hello false\n" {
		t.Errorf("got %d, %q, %q", code, out, said)
	}
}
