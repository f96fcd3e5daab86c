package tail

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/record"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A recorder appends events to a file. It is safe for concurrent use; without a path
// it does nothing.
type recorder struct {
	path string

	mu   sync.Mutex
	file *os.File
	out  *record.Writer
}

// open opens the file, which is private to its owner: streams hold more than one
// knows.
func (r *recorder) open() error {
	if r.path == "" {
		return nil
	}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	r.file, r.out = f, record.NewWriter(f)
	return nil
}

func (r *recorder) write(stream string, ev sse.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed(r.out.Write(record.Event{Time: time.Now(), Stream: stream, Event: ev}))
}

func (r *recorder) flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.out == nil {
		return nil
	}
	return r.failed(r.out.Flush())
}

func (r *recorder) close() error {
	if r.file == nil {
		return nil
	}
	return errors.Join(r.flush(), r.failed(r.file.Close()))
}

func (r *recorder) failed(err error) error {
	if err != nil {
		err = fmt.Errorf("--record: %w", err)
	}
	return err
}
