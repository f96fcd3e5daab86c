package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A child is this program again, in a process of its own, so that what it uses
// is not counted as ours, or the other way round. It is told what to be by its
// environment and what to do by lines of JSON on its stdin; it answers each with
// one on its stdout, and ends when its stdin does.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	url string // where it serves, if it does
}

// roleVariable says what a child is to be.
const roleVariable = "RESILIENT_SSE_BENCH_ROLE"

// A command to a child. Roles read of it what they need.
type command struct {
	Do     string        `json:"do"`
	Server string        `json:"server,omitempty"` // which one, by name
	URL    string        `json:"url,omitempty"`
	N      int           `json:"n,omitempty"`
	Every  time.Duration `json:"every,omitempty"`
	Data   string        `json:"data,omitempty"`
}

// A reply from a child.
type reply struct {
	URL        string        `json:"url,omitempty"`
	CPU        time.Duration `json:"cpu,omitempty"`  // that the child has used since it began
	Took       time.Duration `json:"took,omitempty"` // that the command took
	Bytes      int64         `json:"bytes,omitempty"`
	Goroutines int           `json:"goroutines,omitempty"`
	Err        string        `json:"err,omitempty"`
}

// A role is what a child can be. It is called with each command, and keeps what
// it needs from one to the next.
type role func(command) (reply, error)

// startChild starts a child and tells it to start: what its role serves is at url.
func startChild(name string, start command) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), roleVariable+"="+name)
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	start.Do = "start"
	r, err := c.do(start)
	if err != nil {
		c.close()
		return nil, fmt.Errorf("child %s: %w", name, err)
	}
	c.url = r.URL
	return c, nil
}

// do has the child carry out a command.
func (c *child) do(cmd command) (r reply, err error) {
	line, err := json.Marshal(cmd)
	if err != nil {
		return r, err
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		return r, err
	}
	answer, err := c.out.ReadBytes('\n')
	if err != nil {
		return r, fmt.Errorf("child has gone: %w", err)
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return r, err
	}
	if r.Err != "" {
		return r, errors.New(r.Err)
	}
	return r, nil
}

// close ends the child.
func (c *child) close() {
	c.in.Close()
	if c.cmd.Wait() != nil { // it ends by itself, or by a signal that it was not sent by us
		c.cmd.Process.Kill()
	}
}

// beChild is the life of a child, if this process is one.
func beChild(roles map[string]func() role) (was bool) {
	name := os.Getenv(roleVariable)
	if name == "" {
		return false
	}
	act := roles[name]()
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var cmd command
		if in.Decode(&cmd) != nil {
			return true
		}
		began := time.Now()
		r, err := act(cmd)
		if err != nil {
			r.Err = err.Error()
		}
		r.CPU = cpuTime()
		if r.Took == 0 {
			r.Took = time.Since(began)
		}
		if out.Encode(r) != nil {
			return true
		}
	}
}
