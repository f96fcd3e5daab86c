//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// A process is a command in the background whose output can be waited for.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	err    error
	output map[string]*watched
	stdin  io.Closer // of a child
}

// watched is output that tells whoever waits for it that it has grown.
type watched struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	grown chan struct{} // closed and replaced at each write
}

func newWatched() *watched { return &watched{grown: make(chan struct{})} }

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.grown)
	w.grown = make(chan struct{})
	return w.buf.Write(b)
}

func (w *watched) now() (string, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String(), w.grown
}

func startProcess(ts *testscript.TestScript, st *stage, args []string) error {
	p, err := newProcess(ts, st, args)
	if err != nil {
		return err
	}
	return p.start(ts)
}

// startChild lets the process's standard input be open until hangUp closes it.
func startChild(ts *testscript.TestScript, st *stage, args []string) error {
	p, err := newProcess(ts, st, args)
	if err != nil {
		return err
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	return p.start(ts)
}

func hangUp(_ *testscript.TestScript, st *stage, args []string) error {
	p, err := st.process(args[0])
	if err != nil {
		return err
	}
	return p.stdin.Close()
}

// startOnTerminal gives the process a terminal. What it shows there is its stdout.
func startOnTerminal(ts *testscript.TestScript, st *stage, args []string) error {
	p, err := newProcess(ts, st, args)
	if err != nil {
		return err
	}
	screen, tty, err := openTerminal()
	if err != nil {
		return err
	}
	defer tty.Close() // the process has its own
	ts.Defer(func() { screen.Close() })
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = tty, tty, tty
	if err := p.start(ts); err != nil {
		return err
	}
	go io.Copy(p.output["stdout"], screen) // until the process has ended, or the script
	return nil
}

func newProcess(ts *testscript.TestScript, st *stage, args []string) (*process, error) {
	path, err := lookPath(ts.Getenv("PATH"), args[1])
	if err != nil {
		return nil, err
	}
	p := &process{
		cmd: exec.Command(path, args[2:]...), ended: make(chan struct{}),
		output: map[string]*watched{"stdout": newWatched(), "stderr": newWatched()},
	}
	p.cmd.Dir = ts.MkAbs(".")
	for _, v := range st.vars {
		name, _, _ := strings.Cut(v, "=")
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	for _, name := range []string{"URL", "GORACE", "SSE_TAIL_TOKEN", "SSE_TAIL_SERVER", "HOME", "XDG_STATE_HOME", "EVENTS"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	p.cmd.Stdout, p.cmd.Stderr = p.output["stdout"], p.output["stderr"]
	st.processes[args[0]] = p
	return p, nil
}

func (p *process) start(ts *testscript.TestScript) error {
	if err := p.cmd.Start(); err != nil {
		return err
	}
	ts.Defer(func() { p.cmd.Process.Kill(); <-p.ended })
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return nil
}

func lookPath(path, name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return name, nil
	}
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("no command %s", name)
}

func (st *stage) process(name string) (*process, error) {
	if p := st.processes[name]; p != nil {
		return p, nil
	}
	return nil, errors.New("no process " + name)
}

func awaitOutput(ts *testscript.TestScript, st *stage, args []string) error {
	p, err := st.process(args[0])
	if err != nil {
		return err
	}
	re, err := regexp.Compile("(?m)" + args[2])
	if err != nil {
		return err
	}
	timeout := time.NewTimer(scriptTimeout)
	defer timeout.Stop()
	ended := p.ended
	for {
		text, grown := p.output[args[1]].now()
		if found := re.FindStringSubmatch(text); found != nil {
			if len(args) > 3 {
				ts.Setenv(args[3], found[1])
			}
			return nil
		}
		if ended == nil {
			return fmt.Errorf("%s has ended without %q:\n%s", args[0], args[2], p.all())
		}
		select {
		case <-grown:
		case <-ended:
			ended = nil // one more look: its last output came before
		case <-timeout.C:
			return fmt.Errorf("%s did not write %q:\n%s", args[0], args[2], p.all())
		}
	}
}

func setAddress(ts *testscript.TestScript, st *stage, args []string) error {
	p, err := st.process(args[0])
	if err != nil {
		return err
	}
	text, _ := p.output["stdout"].now()
	var members map[string]string
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		return err
	}
	ts.Setenv(args[2], members[args[1]])
	return nil
}

func (p *process) all() string {
	out, _ := p.output["stdout"].now()
	err, _ := p.output["stderr"].now()
	return "[stdout]\n" + out + "[stderr]\n" + err
}

func finishProcess(ts *testscript.TestScript, st *stage, args []string) error {
	p, err := st.process(args[0])
	if err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(scriptTimeout):
		return fmt.Errorf("%s does not end:\n%s", args[0], p.all())
	}
	for name, w := range p.output {
		text, _ := w.now()
		if err := os.WriteFile(ts.MkAbs(args[0]+"."+name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if code := strconv.Itoa(p.code()); code != args[1] {
		return fmt.Errorf("exit code %s, want %s:\n%s", code, args[1], p.all())
	}
	return nil
}

// code is the exit code, as a shell gives it: 128 and the signal's number for a
// process that a signal has killed.
func (p *process) code() int {
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.cmd.ProcessState.ExitCode()
}

func sendSignal(_ *testscript.TestScript, st *stage, args []string) error {
	p, err := st.process(args[0])
	if err != nil {
		return err
	}
	sig, ok := map[string]syscall.Signal{
		"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "USR1": syscall.SIGUSR1,
	}[args[1]]
	if !ok {
		return errors.New("no such signal: " + args[1])
	}
	return p.cmd.Process.Signal(sig)
}

// findRequest looks for a request of the journal. Keys are status, lastEventId,
// why, or a header's name.
func findRequest(_ *testscript.TestScript, st *stage, args []string) error {
	var conditions []func(testserver.Request) bool
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		re, err := regexp.Compile("^(?:" + value + ")$")
		if err != nil {
			return err
		}
		conditions = append(conditions, func(r testserver.Request) bool {
			switch key {
			case "status":
				return re.MatchString(strconv.Itoa(r.Status))
			case "method":
				return re.MatchString(r.Method)
			case "lastEventId":
				return re.MatchString(r.LastEventID)
			}
			return re.MatchString(strings.Join(r.Header[http.CanonicalHeaderKey(key)], ", "))
		})
	}
	all := st.srv.Requests()
next:
	for _, r := range all {
		for _, fits := range conditions {
			if !fits(r) {
				continue next
			}
		}
		return nil
	}
	return fmt.Errorf("none of %d requests: %+v", len(all), all)
}
