// Package child runs the client that is to be certified: a process whose standard
// output is one event a line, in JSON.
package child

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// A Line is what the client has printed: an event, or what is wrong with it.
type Line struct {
	Event scenario.Event
	Bad   string
	At    time.Time
}

// Limits on what a client prints.
const (
	maxLine    = 64 << 20
	keptStderr = 4 << 10
)

// A Child is a running client.
type Child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines chan Line
	done  chan struct{}
	err   error // of the process; read it after done

	stderr tail
	stop   sync.Once
	ended  chan struct{} // closed by Stop: nobody reads lines any more
}

// Start runs a command in a process group of its own, with more in its environment.
func Start(argv, env []string) (*Child, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	ownGroup(cmd)
	c := &Child{cmd: cmd, lines: make(chan Line), done: make(chan struct{}), ended: make(chan struct{})}
	cmd.Stderr = &c.stderr
	// A process that the client leaves behind may hold its standard error.
	cmd.WaitDelay = time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c.stdin = stdin
	go func() {
		defer close(c.done)
		c.read(stdout)
		c.err = cmd.Wait()
	}()
	return c, nil
}

// Lines receives what the client prints.
func (c *Child) Lines() <-chan Line { return c.lines }

// Done is closed when the client has ended and all that it printed was received.
func (c *Child) Done() <-chan struct{} { return c.done }

// Exit says how the client has ended.
func (c *Child) Exit() string {
	if _, ok := errors.AsType[*exec.ExitError](c.err); c.err != nil && !ok && c.cmd.ProcessState == nil {
		return c.err.Error()
	}
	return c.cmd.ProcessState.String()
}

// Stderr returns the end of what the client wrote to standard error.
func (c *Child) Stderr() string { return c.stderr.String() }

// Stop ends the client: its standard input is closed and its process group asked
// to terminate; what has not ended after the grace time is killed. It tells
// whether asking was enough.
func (c *Child) Stop(grace time.Duration) (asked bool) {
	c.stop.Do(func() { close(c.ended) })
	c.stdin.Close()
	terminate(c.cmd)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.done:
		asked = true
	case <-timer.C:
	}
	kill(c.cmd) // also what a client that has ended leaves behind
	<-c.done
	return asked
}

// read hands on the lines until the output ends.
func (c *Child) read(r io.Reader) {
	br := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		text, err := readLine(br)
		if len(text) > 0 {
			line := Line{At: time.Now()}
			line.Event, line.Bad = parse(text, n)
			select {
			case c.lines <- line:
			case <-c.ended:
				io.Copy(io.Discard, br)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func readLine(br *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		part, err := br.ReadSlice('\n')
		b.Write(part)
		if !errors.Is(err, bufio.ErrBufferFull) || b.Len() > maxLine {
			return strings.TrimRight(b.String(), "\r\n"), err
		}
	}
}

// parse reads one event.
func parse(text string, n int) (ev scenario.Event, bad string) {
	var line struct {
		ID   *string `json:"id"`
		Type *string `json:"type"`
		Data *string `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &line); err != nil || line.Data == nil {
		return ev, fmt.Sprintf("line %d of its output is no event ({\"id\":…,\"type\":…,\"data\":…}): %s", n, scenario.Shorten(text, 120))
	}
	ev = scenario.Event{ID: line.ID, Data: *line.Data}
	if line.Type != nil {
		ev.Type = *line.Type
	}
	return ev, ""
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if cut := len(t.b) - keptStderr; cut > 0 {
		t.b = append(t.b[:0], t.b[cut:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
