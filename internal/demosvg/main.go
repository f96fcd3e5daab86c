// Demosvg runs "sse-tail demo" on a pseudo terminal of its own and writes what is
// to be seen there as an SVG. From the top of the repository, with script of
// util-linux and stty at hand:
//
//	go run ./internal/demosvg docs/demo.svg
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/termsvg"
)

const columns, rows = 96, 30

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/demosvg FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "demosvg:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	dir, err := os.MkdirTemp("", "demosvg")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	command := filepath.Join(dir, "sse-tail")
	if out, err := exec.Command("go", "build", "-o", command, "./cmd/sse-tail").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	var svg bytes.Buffer
	if err := draw(&svg, command+" demo"); err != nil {
		return err
	}
	return os.WriteFile(path, svg.Bytes(), 0o644)
}

// draw runs a shell's command on a terminal, and writes the SVG of it.
func draw(w io.Writer, command string) error {
	chunks, err := record(fmt.Sprintf("stty cols %d rows %d; exec %s", columns, rows, command))
	if err != nil {
		return err
	}
	return termsvg.Write(w, chunks, termsvg.Options{Title: "sse-tail demo", Columns: columns, Rows: rows, Hold: 8 * time.Second})
}

// record runs a shell's command on a terminal, and keeps what it writes.
func record(command string) ([]termsvg.Chunk, error) {
	r := recorder{began: time.Now()}
	cmd := exec.Command("script", "-qefc", command, os.DevNull)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=")
	cmd.Stdout, cmd.Stderr = &r, &r
	err := cmd.Run()
	if err == nil && len(r.chunks) == 0 {
		err = errors.New("nothing was written")
	}
	return r.chunks, err
}

type recorder struct {
	began  time.Time
	chunks []termsvg.Chunk
}

func (r *recorder) Write(b []byte) (int, error) {
	r.chunks = append(r.chunks, termsvg.Chunk{At: time.Since(r.began), Bytes: bytes.Clone(b)})
	return len(b), nil
}
