package fault_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A rig is the least server that there can be: a log, and one connection that does
// what its faults say. What is written is noted with the time.
type rig struct {
	conn  *fault.Conn
	bell  chan struct{}
	start time.Time

	mu   sync.Mutex
	log  []string
	over bool

	p fault.Progress

	queue []fault.Part
	wrote []string
	end   string
}

const greeting = ": hello\n\n"

// Four events, of 17 bytes each.
var four = []string{"id: 1\ndata: 11\n\n", "id: 2\ndata: 22\n\n", "id: 3\ndata: 33\n\n", "id: 4\ndata: 44\n\n"}

// get is a request that a rig sends.
var get = fault.Request{Stream: "s", Path: "/events", Method: "GET", Header: http.Header{}}

// newRig opens one connection of a set.
func newRig(t *testing.T, set *fault.Set, log ...string) *rig {
	r := &rig{conn: set.Meet(get, "tag"), bell: make(chan struct{}, 1), start: time.Now(), log: log}
	t.Cleanup(r.conn.Close)
	r.conn.Open(&fault.Opening{})
	r.conn.Start(r.ring)
	r.queue = []fault.Part{{Bytes: []byte(greeting)}}
	return r
}

// publish adds an event to the log, perhaps the last one.
func (r *rig) publish(event string, over bool) {
	r.mu.Lock()
	r.log, r.over = append(r.log, event), over
	r.mu.Unlock()
	r.ring()
}

func (r *rig) ring() {
	select {
	case r.bell <- struct{}{}:
	default:
	}
}

// run delivers until the connection ends, or until nothing more happens for a day.
func (r *rig) run() *rig {
	out := r.conn.Shape(rigOut{r})
	for r.end == "" {
		r.p.Left = 0
		for _, part := range r.queue {
			r.p.Left += len(part.Bytes)
		}
		r.mu.Lock()
		r.p.Pending, r.p.Last = len(r.log), r.over
		r.mu.Unlock()
		r.p.Boundary = r.p.Left == 0 || len(r.wrote) == 0
		r.p.Ending = r.p.Last && r.p.Left == 0 && r.p.Pending == 0
		step := r.conn.Next(r.p)
		switch {
		case step.Parts != nil:
			r.queue = append(step.Parts, r.queue...)
		case step.End != nil:
			r.finish(step.End)
		case step.Hush:
			r.wait(step.Wake)
		case len(r.queue) > 0:
			part := r.queue[0]
			n := len(part.Bytes)
			if step.Max > 0 {
				n = min(n, step.Max)
			}
			if n == len(part.Bytes) {
				r.queue = r.queue[1:]
			} else {
				r.queue[0].Bytes = part.Bytes[n:]
			}
			r.write(out, part, n)
		case r.p.Pending > 0:
			r.mu.Lock()
			b := []byte(r.log[0])
			r.log = r.log[1:]
			r.mu.Unlock()
			r.queue = r.conn.Event(r.p, fault.Event{Bytes: b})
		case r.p.Last:
			out.End()
			r.end = "over"
		default:
			r.wait(step.Wake)
		}
	}
	return r
}

func (r *rig) finish(e *fault.Ending) {
	r.end = fmt.Sprintf("%s %d", e.Kind, e.How)
	if e.HalfChunk > 0 {
		r.end += fmt.Sprintf(" half of %d", e.HalfChunk)
	}
}

func (r *rig) write(out fault.Out, part fault.Part, n int) {
	out.Write(part.Bytes[:n])
	r.p.Bytes += int64(n)
	if part.Event != nil && n == len(part.Bytes) {
		r.p.Events++
	}
}

func (r *rig) wait(until time.Time) {
	d := 24 * time.Hour
	if !until.IsZero() {
		d = time.Until(until)
	}
	select {
	case <-r.bell:
	case <-time.After(d):
		if until.IsZero() {
			r.end = "idle"
		}
	}
}

type rigOut struct{ r *rig }

func (o rigOut) Write(b []byte) error {
	o.r.wrote = append(o.r.wrote, fmt.Sprintf("%v %s", time.Since(o.r.start), b))
	return nil
}

func (o rigOut) End() error { return nil }

// text is what was written, without its times.
func (r *rig) text() string {
	var b strings.Builder
	for _, piece := range r.wrote {
		_, text, _ := strings.Cut(piece, " ")
		b.WriteString(text)
	}
	return b.String()
}

func (r *rig) took() time.Duration { return time.Since(r.start) }

// in plays a connection with faults in a bubble, on the log of four, which is over
// then.
func in(t *testing.T, faults []fault.Fault, test func(t *testing.T, set *fault.Set, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		set := fault.NewSet(7, nil)
		add(t, set, faults...)
		r := newRig(t, set, four...)
		r.over = true
		test(t, set, r)
	})
}

func add(t *testing.T, set *fault.Set, faults ...fault.Fault) []int {
	t.Helper()
	numbers, err := set.Add(faults...)
	if err != nil {
		t.Fatal(err)
	}
	return numbers
}
