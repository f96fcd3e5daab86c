//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// The test runs itself as the service.
func TestMain(m *testing.M) {
	if os.Getenv("PUBLISH") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// serve starts the service, and waits until it has published.
func serve(t *testing.T, addr string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-addr", addr, "-every", "100ms")
	cmd.Env = append(os.Environ(), "PUBLISH=1", "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for t.Context().Err() == nil {
		if resp, err := http.Get("http://" + addr + "/v1/sessions"); err == nil {
			resp.Body.Close()
			return cmd
		}
	}
	t.Fatal(t.Context().Err())
	return nil
}

// TestFollowedThroughARestart lets sse-tail follow the service while that is stopped
// gracefully and started again: within each run it sees each event once and in order,
// and of the second one all.
func TestFollowedThroughARestart(t *testing.T) {
	tail := filepath.Join(t.TempDir(), "sse-tail")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", tail, "../../cmd/sse-tail").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	service := serve(t, addr)
	follow := exec.Command(tail, "http://"+addr+"/v1/sessions/count/events", "-e", "message", "-o", "json", "--initial", "20ms", "--max", "100ms", "--timeout", "2m")
	follow.Env = append(os.Environ(), "HOME="+t.TempDir())
	follow.Stderr = os.Stderr
	out, err := follow.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { follow.Process.Kill(); follow.Wait() })
	lines := bufio.NewScanner(out)
	next := func() int {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("sse-tail has ended: %v", lines.Err())
		}
		var line struct {
			Data struct {
				Data struct{ Text string }
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		n, err := strconv.Atoi(line.Data.Data.Text)
		if err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		return n
	}
	first := next()
	last := first
	for last < first+5 {
		if n := next(); n != last+1 {
			t.Fatalf("%d came after %d", n, last)
		}
		last++
	}
	stopped := time.Now()
	if err := service.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	service.Wait()
	if d := time.Since(stopped); d > 9*time.Second {
		t.Errorf("a graceful stop took %v", d)
	}
	serve(t, addr)
	n := next()
	for ; n != 1; n = next() { // the rest of the first run
		if n != last+1 {
			t.Fatalf("%d came after %d", n, last)
		}
		last++
	}
	for want := 2; want <= 10; want++ {
		if n := next(); n != want {
			t.Fatalf("after the restart %d came, want %d", n, want)
		}
	}
}
