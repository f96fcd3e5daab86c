//go:build unix

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// read follows a session to its end, and returns the texts of its messages. Each is
// told to seen, which may be nil.
func read(t *testing.T, base, id, behind string, seen func(string)) (texts []string) {
	t.Helper()
	es, err := client.Session(base, id, &client.Options{
		LastEventID: behind, Backoff: backoff.Policy{Initial: 10 * time.Millisecond, Max: 200 * time.Millisecond, GiveUp: time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ev, err := range es.Events(ctx) {
		if err != nil {
			t.Errorf("reader of %s after %d events: %v", id, len(texts), err)
			return texts
		}
		env, err := session.Parse(ev)
		if err != nil {
			t.Error(err)
			return texts
		}
		if data, err := env.Decode(); err == nil {
			if m, ok := data.(session.MessageData); ok {
				texts = append(texts, m.Text)
				if seen != nil {
					seen(m.Text)
				}
			}
		}
	}
	return texts
}

func wantNumbers(t *testing.T, got []string, n int) {
	t.Helper()
	if len(got) != n {
		t.Errorf("%d messages, want %d: %q", len(got), n, got)
		return
	}
	for i, text := range got {
		if want := fmt.Sprintf("m%d", i+1); text != want {
			t.Errorf("message %d is %q, want %q", i+1, text, want)
		}
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// nats runs a NATS server with JetStream on a port, and returns it.
func nats(t *testing.T, change func(*natsd.Options)) *natsd.Server {
	t.Helper()
	o := &natsd.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	if change != nil {
		change(o)
	}
	s, err := natsd.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("NATS server is not ready")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// A relay over a folder is ended and started again while a reader is under way: the
// reader gets each event once and in order, and what is stored outlives the upstream.
func TestFolder(t *testing.T) {
	t.Parallel()
	up := testserver.New(t)
	store := t.TempDir()
	args := []string{"--upstream", up.URL, "--all", "--store", store, "--sync", "interval", "--log-format", "json"}
	s := up.Session("abc")
	s.Message("user", "m1")
	p := launch(t, append(args, "--listen", "127.0.0.1:0")...)
	base := p.url()
	awaitReady(t, base, 200, "ready")
	if status, body := get(t, base+"/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("/healthz: %d %q", status, body)
	}
	waitFor(t, func() bool {
		_, body := get(t, base+"/metrics")
		return strings.Contains(body, `sse_relay_events_in_total{kind="session",result="stored"} `) && strings.Contains(body, "sse_relay_ready 1") && strings.Contains(body, "go_goroutines")
	})
	const n = 60
	got := make(chan []string)
	half := make(chan struct{})
	go func() {
		got <- read(t, base, "abc", "0", func(text string) {
			if text == "m30" {
				close(half)
			}
		})
	}()
	for i := 2; i <= 30; i++ {
		s.Message("user", fmt.Sprintf("m%d", i))
	}
	<-half
	p.signal(term)
	p.end(0, `"msg":"ending","readers":1`, `"msg":"ended"`)
	p = launch(t, append(args, "--listen", strings.TrimPrefix(base, "http://"))...)
	p.url()
	for i := 31; i <= n; i++ {
		s.Message("user", fmt.Sprintf("m%d", i))
	}
	s.Ended("done")
	wantNumbers(t, <-got, n)
	up.Close()
	wantNumbers(t, read(t, base, "abc", "0", nil), n)
	launch(t, append(args, "--listen", "127.0.0.1:0")...).end(1, store+" is the store of another process")
	p.signal(term)
	p.end(0)
}

// An upstream that is out of reach is said and tried again; readers are served.
func TestUpstreamOutOfReach(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	p := launch(t, relayArgs("--upstream", "http://"+addr, "--all", "--sync", "interval")...)
	base := p.url()
	awaitReady(t, base, 503, "upstream does not come since", "refused")
	up, err := testserver.Start(&testserver.Options{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	awaitReady(t, base, 200)
	up.Close()
	awaitReady(t, base, 503, "upstream does not come since")
	if status, _ := get(t, base+"/healthz"); status != 200 {
		t.Errorf("/healthz: %d", status)
	}
}

// A token that the upstream refuses is said with what to do, and read anew.
func TestUpstreamRefusesToken(t *testing.T) {
	t.Parallel()
	for _, exchange := range []bool{false, true} {
		t.Run(fmt.Sprintf("exchange %v", exchange), func(t *testing.T) {
			t.Parallel()
			up := testserver.New(t, &testserver.Options{Tokens: []string{"right"}, SSETokens: exchange})
			token := writeFile(t, "token", "wrong")
			args := []string{"--upstream", up.URL, "--all", "--sync", "interval", "--token-file", token}
			if exchange {
				args = append(args, "--sse-token")
			}
			base := launch(t, relayArgs(args...)...).url()
			awaitReady(t, base, 503, "401", "hint: ")
			if err := os.WriteFile(token, []byte("right\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			awaitReady(t, base, 200)
			s := up.Session("abc")
			s.Message("user", "m1")
			s.Ended("done")
			awaitEvents(t, base, "abc")
			wantNumbers(t, read(t, base, "abc", "0", nil), 1)
		})
	}
}

// awaitEvents waits until the relay knows a session, which may be over by then: 204.
func awaitEvents(t *testing.T, base, id string) {
	t.Helper()
	waitFor(t, func() bool {
		status, _ := head(base + session.EventsPath(id))
		return status == http.StatusOK || status == http.StatusNoContent
	})
}

func head(url string) (int, error) {
	resp, err := http.Head(url)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// The upstream's token goes to the upstream and to nobody else.
func TestTokenGoesToUpstreamAlone(t *testing.T) {
	t.Parallel()
	up := testserver.New(t, &testserver.Options{Tokens: []string{"right"}})
	other := testserver.New(t)
	other.Stream("prices")
	base := launch(t, append([]string{"SSE_RELAY_TOKEN=right"}, relayArgs("--upstream", up.URL, "--all", "--sync", "interval", "prices="+other.StreamURL("prices"))...)...).url()
	awaitReady(t, base, 200)
	for _, r := range other.Requests() {
		if r.Header["Authorization"] != nil {
			t.Error("the token went to another server")
		}
	}
}

// Without NATS it ends with what to do; with one that comes in time it serves; one that
// goes and comes is said.
func TestNATSComesAndGoes(t *testing.T) {
	t.Parallel()
	up := testserver.New(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	args := relayArgs("--upstream", up.URL, "--all", "--nats", fmt.Sprintf("nats://me:secret@127.0.0.1:%d", port))
	p := launch(t, append(args, "--nats-wait", "600ms")...)
	p.end(3, "not there within 600ms", "hint: do the servers run")
	if strings.Contains(p.text(), "secret") {
		t.Error("a password was said")
	}
	dir := t.TempDir()
	with := func(o *natsd.Options) { o.Port, o.StoreDir = port, dir }
	p = launch(t, args...)
	p.line("store is not there yet: trying again")
	ns := nats(t, with)
	base := p.url()
	awaitReady(t, base, 200)
	ns.Shutdown()
	ns.WaitForShutdown()
	awaitReady(t, base, 503, "is not connected")
	s := up.Session("abc")
	s.Message("user", "m1")
	s.Ended("done")
	nats(t, with)
	awaitReady(t, base, 200)
	awaitEvents(t, base, "abc")
	wantNumbers(t, read(t, base, "abc", "0", nil), 1)
}

// Each way of saying to NATS who asks.
func TestNATSCredentials(t *testing.T) {
	t.Parallel()
	up := testserver.New(t)
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := pair.PublicKey()
	seed, _ := pair.Seed()
	certFile, keyFile := selfSigned(t, "127.0.0.1")
	withTLS := func(o *natsd.Options) {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		b, _ := os.ReadFile(certFile)
		pool.AppendCertsFromPEM(b)
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
		o.TLSVerify = true
	}
	withUser := func(o *natsd.Options) { o.Username, o.Password = "me", "secret" }
	withKey := func(o *natsd.Options) { o.Nkeys = []*natsd.NkeyUser{{Nkey: public}} }
	for _, test := range []struct {
		name   string
		server func(*natsd.Options)
		args   []string // variables first
		fails  string   // what is said; "": it serves
	}{
		{"password file", withUser, []string{"--nats-user", "me", "--nats-password-file", writeFile(t, "p", "secret\n")}, ""},
		{"password of the environment", withUser, []string{"SSE_RELAY_NATS_PASSWORD=secret", "--nats-user", "me"}, ""},
		{"wrong password", withUser, []string{"SSE_RELAY_NATS_PASSWORD=wrong", "--nats-user", "me"}, "hint: are --nats-creds, --nats-nkey or --nats-user"},
		{"no user", withUser, nil, "hint: are --nats-creds, --nats-nkey or --nats-user"},
		{"nkey", withKey, []string{"--nats-nkey", writeFile(t, "seed", string(seed))}, ""},
		{"TLS", withTLS, []string{"--nats-cacert", certFile, "--nats-cert", certFile, "--nats-key", keyFile}, ""},
		{"unknown authority", withTLS, nil, "hint: does --nats-cacert name the authority"},
		{"no JetStream", func(o *natsd.Options) { o.JetStream = false }, []string{"--nats-wait", "1s"}, "hint: is JetStream on"},
		{"replicas without a cluster", nil, []string{"--replicas", "3"}, "hint: --replicas N needs N servers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ns := nats(t, test.server)
			p := launch(t, append(test.args, relayArgs("--upstream", up.URL, "--all", "--nats", ns.Addr().String())...)...)
			if test.fails != "" {
				p.end(3, test.fails)
				return
			}
			awaitReady(t, p.url(), 200)
		})
	}
}

// A store with other limits is refused, and changed where that is asked for.
func TestStoreWithOtherLimits(t *testing.T) {
	t.Parallel()
	up := testserver.New(t)
	args := relayArgs("--upstream", up.URL, "--all", "--store", t.TempDir(), "--sync", "interval")
	p := launch(t, append(args, "--max-age", "1h")...)
	p.url()
	p.signal(term)
	p.end(0)
	args = append(args, "--max-age", "2h", "--max-events", "100")
	launch(t, args...).end(3, "its max age is 1h0m0s, asked for is 2h0m0s", "its max events a stream is 0, asked for is 100", "hint: give the flags as they were, or change what is there with --update-store")
	p = launch(t, append(args, "--update-store")...)
	p.url()
	p.signal(term)
	p.end(0)
	launch(t, args...).url()
}

// A store that is full is said; given room, it has everything.
func TestFullStore(t *testing.T) {
	t.Parallel()
	up := testserver.New(t, &testserver.Options{Window: 1000})
	args := relayArgs("--upstream", up.URL, "--all", "--store", t.TempDir(), "--sync", "interval")
	p := launch(t, append(args, "--store-limit", "300k")...)
	base := p.url()
	awaitReady(t, base, 200)
	s := up.Session("abc")
	const n = 40
	for i := range n {
		s.Message("user", fmt.Sprintf("m%d", i+1))
		s.Status("working", strings.Repeat("x", 20<<10))
	}
	s.Ended("done")
	awaitReady(t, base, 503, "store", "insufficient", "hint: ")
	p.signal(term)
	p.end(0)
	base = launch(t, append(args, "--store-limit", "30M")...).url()
	awaitEvents(t, base, "abc")
	wantNumbers(t, read(t, base, "abc", "0", nil), n)
}

// Tokens say who may read what, and are read again on SIGHUP: a reader whose token is
// gone is cut.
func TestReaderTokens(t *testing.T) {
	t.Parallel()
	up := testserver.New(t)
	for _, id := range []string{"a-1", "b-1"} {
		up.Session(id).Message("user", "m1")
	}
	file := writeFile(t, "tokens", "# who may read\nall\nsome a-* stream:p*\n")
	p := launch(t, relayArgs("--upstream", up.URL, "--all", "--sync", "interval", "--reader-tokens", file)...)
	base := p.url()
	awaitReady(t, base, 200)
	open := func(path, token string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	waitFor(t, func() bool { return open(session.EventsPath("b-1"), "all").StatusCode == 200 })
	waitFor(t, func() bool { return open(session.EventsPath("a-1"), "all").StatusCode == 200 })
	for _, test := range []struct {
		path, token string
		want        int
	}{
		{session.EventsPath("a-1"), "", 401}, {session.EventsPath("a-1"), "other", 401}, {session.EventsPath("a-1"), "some", 200},
		{session.EventsPath("a-1") + "?token=some", "", 200},
		{session.EventsPath("b-1"), "some", 403}, {session.GlobalPath, "some", 403}, {session.ListPath, "some", 403},
		{session.GlobalPath, "all", 200}, {session.ListPath, "all", 200},
		{"/events?stream=other", "some", 403}, {"/events?stream=prices", "some", 404},
	} {
		if got := open(test.path, test.token).StatusCode; got != test.want {
			t.Errorf("%s with %q: %d, want %d", test.path, test.token, got, test.want)
		}
	}
	reader := open(session.EventsPath("a-1"), "some")
	if err := os.WriteFile(file, []byte("all [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.line("tokens were not read again: those before are in force")
	if got := open(session.EventsPath("a-1"), "some").StatusCode; got != 200 {
		t.Errorf("after a file that can't be read: %d", got)
	}
	if err := os.WriteFile(file, []byte("all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.line("tokens were read again")
	for lines := bufio.NewScanner(reader.Body); lines.Scan(); { // until it is cut
	}
	if got := open(session.EventsPath("a-1"), "some").StatusCode; got != 401 {
		t.Errorf("with a token that is gone: %d", got)
	}
}

// Readers are served over TLS, with the certificate that is in the file.
func TestReadersTLS(t *testing.T) {
	t.Parallel()
	up := testserver.New(t)
	certFile, keyFile := selfSigned(t, "127.0.0.1")
	p := launch(t, relayArgs("--upstream", up.URL, "--all", "--sync", "interval", "--tls-cert", certFile, "--tls-key", keyFile)...)
	base := p.url()
	trusts := func() bool {
		b, err := os.ReadFile(certFile)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(b)
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
		defer tr.CloseIdleConnections()
		resp, err := (&http.Client{Transport: tr}).Get(base + "/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == 200
	}
	if !trusts() {
		t.Error("the certificate is another one")
	}
	otherCert, otherKey := selfSigned(t, "127.0.0.1")
	for from, to := range map[string]string{otherCert: certFile, otherKey: keyFile} {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.signal(syscall.SIGHUP)
	p.line("certificate was read again")
	if !trusts() {
		t.Error("the certificate is still the one before")
	}
}

// selfSigned makes a certificate and its key, in files.
func selfSigned(t *testing.T, host string) (certFile, keyFile string) {
	t.Helper()
	cert, key := certificate(t, host)
	certFile = writeFile(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	keyFile = writeFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	return certFile, keyFile
}

// A second signal ends at once, although a reader takes nothing.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	up := testserver.New(t)
	p := launch(t, relayArgs("--upstream", up.URL, "--all", "--sync", "interval", "--drain", "10m")...)
	base := p.url()
	awaitReady(t, base, 200)
	s := up.Session("abc")
	for range 40 {
		s.Status("working", strings.Repeat("x", 1<<20))
	}
	awaitEvents(t, base, "abc")
	req, _ := http.NewRequest("GET", base+session.EventsPath("abc"), nil)
	req.Header.Set("Last-Event-ID", "0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, 30<<20); err != nil { // more than sockets hold is stored
		t.Fatal(err)
	}
	resp.Body.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0\r\n\r\n", session.EventsPath("abc"))
	if _, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	p.signal(term)
	p.line("ending")
	if status, _ := get(t, base+"/readyz"); status != 503 {
		t.Errorf("/readyz while it ends: %d", status)
	}
	p.signal(term)
	p.end(128 + int(term))
}
