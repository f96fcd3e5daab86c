//go:build unix

package proof

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// A process is a child that can be killed and started again under the same role.
type process struct {
	name string
	role role
	log  string // file that its standard error is appended to

	mu    sync.Mutex
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}
}

func (p *process) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b, err := json.Marshal(p.role)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(b))
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.stdin, p.ended = cmd, stdin, ended
	return nil
}

// signal sends a signal; KILL, STOP and CONT are those that nothing can be done about.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd.Process.Signal(s)
}

// kill ends the process with SIGKILL, also one that is stopped.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
	p.stdin.Close()
}

// term asks the process to end, as a service manager does, and waits until it has.
func (p *process) term() {
	p.stdin.Close()
	<-p.ended
}

// alive returns an error if the process has ended by itself.
func (p *process) alive() error {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	select {
	case <-ended:
		return fmt.Errorf("%s has ended by itself: %v", p.name, p.cmd.ProcessState)
	default:
		return nil
	}
}
