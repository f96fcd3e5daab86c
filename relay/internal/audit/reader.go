package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A Reader follows one session, or all of them, at one relay after the other, and holds
// what comes against the book. Its exported fields are set before Run.
type Reader struct {
	Name    string // of the reader
	Book    *Book
	Session string // "": all, on the global stream

	// Hop returns where to read next, and for how long at most.
	Hop func() (base string, d time.Duration)

	// Client returns options of one stay at a relay.
	Client func() client.Options

	mu    sync.Mutex
	at    client.Position
	known bool // at is one
	last  map[string]int
	gap   string // that was told since the last event; "" if none was
	where string // the relay that it reads from
	Counts
	faults []string
}

// Counts are what readers come to.
type Counts struct {
	Received, Gaps, Hops, Reconnects int

	Lost      int // events that the upstream still had, and were passed over or did not come
	Repeated  int
	Disorder  int
	Foreign   int // never emitted, or altered
	Untold    int // places where the upstream had lost events, and no gap was told
	Unfounded int // gaps that were told where nothing was lost
}

// Add adds other counts.
func (c *Counts) Add(o Counts) {
	c.Received += o.Received
	c.Gaps += o.Gaps
	c.Hops += o.Hops
	c.Reconnects += o.Reconnects
	c.Lost += o.Lost
	c.Repeated += o.Repeated
	c.Disorder += o.Disorder
	c.Foreign += o.Foreign
	c.Untold += o.Untold
	c.Unfounded += o.Unfounded
}

// Faults returns how many places are wrong.
func (c *Counts) Faults() int {
	return c.Lost + c.Repeated + c.Disorder + c.Foreign + c.Untold + c.Unfounded
}

// Run reads until the session is over, or the context is done. The error is one that
// a reader can't go on after.
func (r *Reader) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		over, err := r.stay(ctx)
		if over || err != nil {
			return err
		}
		r.mu.Lock()
		r.Hops++
		r.mu.Unlock()
	}
	return nil
}

// absent is how long a relay is left alone that does not know the session yet.
const absent = 100 * time.Millisecond

// stay reads at one relay for a while. It returns true when the session is over.
func (r *Reader) stay(ctx context.Context) (over bool, err error) {
	base, d := r.Hop()
	r.mu.Lock()
	r.where = base
	r.mu.Unlock()
	o := r.Client()
	o.Name, o.Cursor, o.LastEventID = r.Name, (*cursor)(r), "0"
	o.RepeatWindow = backoff.Off // what a relay repeats is to be seen
	o.Observer = r.observe
	var es *client.EventSource
	if r.Session == "" {
		es, err = client.Global(base, &o)
	} else {
		es, err = client.Session(base, r.Session, &o)
	}
	if err != nil {
		return false, err
	}
	stay, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for ev, err := range es.Events(stay) {
		if err == nil {
			if r.Session != "" || session.KindOf(ev) != session.Shutdown { // a relay says that it ends
				r.take(ev)
			}
			continue
		}
		if stay.Err() == nil { // this relay is new, or gone: to the next
			select {
			case <-stay.Done():
			case <-time.After(absent):
			}
		}
		return false, nil
	}
	return r.over(), nil
}

func (r *Reader) observe(t client.Transition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g, ok := errors.AsType[*client.GapError](t.Cause); ok {
		r.gap = fmt.Sprintf("%s (asked %s, given %s)", g.Reason, g.Asked, g.Given)
		r.Gaps++
		return
	}
	if t.State == client.Open && t.Attempt > 0 {
		r.Reconnects++
	}
}

// take holds an event against the book.
func (r *Reader) take(ev sse.Event) {
	name, n := which(ev, r.Session)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = make(map[string]int)
	}
	r.Received++
	last := r.last[name]
	p, known := r.Book.between(name, last, n)
	switch {
	case !known || n == 0:
		r.Foreign++
		r.fault("an event that was not emitted: %q", ev.Data)
		return
	case n == last:
		r.Repeated++
		r.fault("event %d of %s comes again, with id %s", n, name, ev.ID)
		return
	case n < last:
		r.Disorder++
		r.fault("event %d of %s comes behind %d, with id %s", n, name, last, ev.ID)
		return
	}
	told := r.gap
	r.gap, r.last[name] = "", n
	r.Book.saw(name, n)
	if p.missing > 0 {
		r.Lost += p.missing
		r.fault("%d events of %s are missing between %d and %d (id %s); gap told: %q", p.missing, name, last, n, ev.ID, told)
	}
	switch {
	case p.lost && told == "" && last > 0:
		r.Untold++
		r.fault("no gap was told between %d and %d of %s, where the upstream had lost events (id %s)", last, n, name, ev.ID)
	case !p.lost && !p.doubt && told != "":
		r.Unfounded++
		r.fault("a gap was told between %d and %d of %s, where nothing was lost (id %s): %s", last, n, name, ev.ID, told)
	}
}

// mostFaults are described, of each reader.
const mostFaults = 5

func (r *Reader) fault(format string, args ...any) {
	if len(r.faults) < mostFaults {
		at := time.Now().Format("15:04:05.000")
		r.faults = append(r.faults, fmt.Sprintf("%s, %s, at %s: ", r.Name, at, r.where)+fmt.Sprintf(format, args...))
	}
}

// over tells whether the session has ended for the reader.
func (r *Reader) over() bool {
	if r.Session == "" {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rest, over := r.Book.rest(r.Session, r.last[r.Session])
	return over && rest == 0
}

// Rest returns how many events of the book the reader was not given yet.
func (r *Reader) Rest() (n int) {
	names := []string{r.Session}
	if r.Session == "" {
		names = r.Book.names()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		rest, _ := r.Book.rest(name, r.last[name])
		n += rest
	}
	return n
}

// Close counts what never came, and returns what was wrong: the counts, and the first
// places in words.
func (r *Reader) Close() (Counts, []string) {
	rest := r.Rest()
	r.mu.Lock()
	defer r.mu.Unlock()
	if rest > 0 {
		r.Lost += rest
		r.fault("%d events did not come; the last ones were %v, the position %q", rest, r.last, r.at.LastEventID)
	}
	return r.Counts, slices.Clone(r.faults)
}

// Has tells whether the reader was given events up to a mark of the book.
func (r *Reader) Has(mark map[string]int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, n := range mark {
		if (r.Session == "" || r.Session == name) && r.last[name] < n {
			return false
		}
	}
	return true
}

// Now returns what the reader has counted so far.
func (r *Reader) Now() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Counts
}

// which reads an event: whose it is, and which.
func which(ev sse.Event, of string) (name string, n int) {
	env, err := session.Parse(ev)
	if err != nil {
		return "", 0
	}
	name = of
	if name == "" {
		name = env.SessionID
	}
	data, err := env.Decode()
	if err != nil {
		return name, 0
	}
	switch d := data.(type) {
	case session.MessageData:
		return name, read(name, d.Text)
	case session.EndedData:
		return name, read(name, d.Reason)
	}
	return name, 0
}

// cursor is a reader as the store of its own position: it hops with it.
type cursor Reader

func (c *cursor) Load(context.Context, string) (client.Position, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at, c.known, nil
}

func (c *cursor) Save(_ context.Context, _ string, p client.Position) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.known = p, true
	return nil
}
