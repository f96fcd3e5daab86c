//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain runs the command where a test asks for it, in a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("SSE_RELAY_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// A process is the command in the background.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan struct{}

	mu   sync.Mutex
	said bytes.Buffer
	grew chan struct{} // closed and replaced at each write
}

// launch starts the command. An argument that has a = before any dash, in capitals, is a
// variable of its environment.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, ended: make(chan struct{}), grew: make(chan struct{})}
	home := t.TempDir()
	env := []string{"SSE_RELAY_TEST_MAIN=1", "GORACE=atexit_sleep_ms=0", "HOME=" + home, "PATH=" + os.Getenv("PATH")}
	for len(args) > 0 && strings.HasPrefix(args[0], "SSE_RELAY_") {
		env, args = append(env, args[0]), args[1:]
	}
	p.cmd = exec.Command(os.Args[0], args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("sse-relay %s\n%s", strings.Join(args, " "), p.text())
		}
	})
	return p
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.grew)
	p.grew = make(chan struct{})
	return p.said.Write(b)
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// line waits for a line of the log that has a message, and returns its attributes.
func (p *process) line(msg string) map[string]any {
	p.t.Helper()
	timeout := time.After(time.Minute)
	ended := p.ended
	for {
		p.mu.Lock()
		text, grew := p.said.String(), p.grew
		p.mu.Unlock()
		for line := range strings.Lines(text) {
			var attrs map[string]any
			if json.Unmarshal([]byte(line), &attrs) == nil && attrs["msg"] == msg {
				return attrs
			}
		}
		if ended == nil {
			p.t.Fatalf("it has ended without %q", msg)
		}
		select {
		case <-grew:
		case <-ended:
			ended = nil // one more look
		case <-timeout:
			p.t.Fatalf("it does not say %q", msg)
		}
	}
}

// url waits until readers are served, and returns where.
func (p *process) url() string {
	p.t.Helper()
	url, _ := p.line("serving")["url"].(string)
	return url
}

func (p *process) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the end, and wants an exit code and texts.
func (p *process) end(code int, texts ...string) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.t.Fatal("it does not end")
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d", got, code)
	}
	for _, text := range texts {
		if !strings.Contains(p.text(), text) {
			p.t.Errorf("it does not say %q", text)
		}
	}
}

// relayArgs are those that all processes of the tests have.
func relayArgs(more ...string) []string {
	return append(more, "--listen", "127.0.0.1:0", "--log-format", "json")
}

// get returns the status and the body of a page.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(b)
}

// awaitReady waits until /readyz answers with a status and texts.
func awaitReady(t *testing.T, base string, status int, texts ...string) {
	t.Helper()
	var got int
	var body string
	defer func() {
		if t.Failed() {
			t.Logf("/readyz: %d %s", got, body)
		}
	}()
	waitFor(t, func() bool {
		got, body = get(t, base+"/readyz")
		return got == status && !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(body, s) })
	})
}

// waitFor waits until a fact is so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-deadline.C:
			t.Fatal("waited for a minute")
		case <-tick.C:
		}
	}
}

const term = syscall.SIGTERM
