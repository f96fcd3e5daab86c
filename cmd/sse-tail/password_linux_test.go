package main

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPasswordIsAskedFor types one, and interrupts the question.
func TestPasswordIsAskedFor(t *testing.T) {
	var got atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Store(r.Header.Get("Authorization"))
		oneEvent().ServeHTTP(w, r)
	}))
	defer srv.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := filepath.Join(t.TempDir(), "sse-tail") // see TestMain
	if err := os.Symlink(self, command); err != nil {
		t.Fatal(err)
	}
	person, terminal, err := openTerminal()
	if err != nil {
		t.Skip(err)
	}
	defer person.Close()
	defer terminal.Close()
	follow := []string{"-u", "me", "-n1", srv.URL}
	for _, test := range []struct {
		name string
		args []string
		act  func(*os.Process) // when the question is there; nil: it must not be
		code int
		sent string
	}{
		{"typed", follow, func(*os.Process) { io.WriteString(person, "secret\n") }, exitOK, "me:secret"},
		{"Ctrl-C", follow, func(*os.Process) { io.WriteString(person, "sec\x03") }, 130, ""},
		{"terminated", follow, func(p *os.Process) { p.Signal(syscall.SIGTERM) }, 143, ""},
		{"bad flags", append(follow, "-n", "x"), nil, exitUsage, ""},
		{"completion", []string{"__complete", "-s", srv.URL, "-u", "me", "x"}, nil, exitOK, ""},
	} {
		got.Store("")
		cmd := exec.Command(command, test.args...)
		cmd.Stdin = terminal
		cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // else each process takes a second to end
		said, err := cmd.StderrPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		asked := readUntil(said, "password for me: ")
		if asked && test.act != nil {
			test.act(cmd.Process)
		}
		rest, _ := io.ReadAll(said)
		cmd.Wait()
		want := ""
		if test.sent != "" {
			want = "Basic " + base64.StdEncoding.EncodeToString([]byte(test.sent))
		}
		if code := cmd.ProcessState.ExitCode(); code != test.code || got.Load() != want || asked != (test.act != nil) {
			t.Errorf("%s: got exit code %d, %q sent, asked %v; want %d, %q, %v\n%s", test.name, code, got.Load(), asked, test.code, want, test.act != nil, rest)
		}
		state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		if err != nil || state.Lflag&unix.ECHO == 0 {
			t.Errorf("%s: what is typed does not show any more: %v", test.name, err)
		}
	}
}

// readUntil reads up to a text, and tells whether it came.
func readUntil(r io.Reader, text string) bool {
	var seen []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(seen), text); seen = append(seen, b[0]) {
		if _, err := r.Read(b); err != nil {
			return false
		}
	}
	return true
}
