//go:build unix

package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/audit"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

const (
	nodes  = 3
	relays = 2
)

// A plan is what the seed has decided of a round before it begins.
type plan struct {
	window   int // of the upstream
	sessions int
	readers  int // of each session
	globals  int // readers of all sessions
	streams  int // that a relay may have of the upstream, beside the global one
	holeWait time.Duration
}

func planOf(rng *rand.Rand) plan {
	p := plan{window: 60 + rng.IntN(100), sessions: 4 + rng.IntN(6), readers: 2, globals: 2}
	p.streams = 9
	if rng.IntN(3) == 0 { // some sessions come from the global stream
		p.streams = 1 + rng.IntN(p.sessions-1)
	}
	p.holeWait = []time.Duration{500 * time.Millisecond, 2 * time.Second, 5 * time.Second}[rng.IntN(3)]
	return p
}

// ownStreams tells whether every session has a stream of its own.
func (p plan) ownStreams() bool { return p.streams >= p.sessions }

// A world is what a round has.
type world struct {
	plan
	book audit.Book
	up   *testserver.Server

	emitting sync.Mutex // held over an emission; held by who needs that nothing is emitted
	sessions []*server.Session

	nodes, relays []*process
	disks         []disk // of the nodes
	bases         []string
	readers       []*audit.Reader
	lines         []*audit.Line

	tally
}

// build starts everything.
func build(ctx context.Context, dir, logs string, p plan, fileSystems bool, rng *rand.Rand) (*world, error) {
	w := &world{plan: p}
	w.book.Vague = !p.ownStreams()
	var err error
	if w.up, err = testserver.Start(&testserver.Options{Window: p.window, Heartbeat: heartbeat, NoControl: true}); err != nil {
		return nil, err
	}
	opts, err := embed.Nodes(dir, nodes)
	if err != nil {
		return w, err
	}
	var urls []string
	for i, o := range opts {
		d, err := newDisk(o.Dir, fileSystems)
		if err != nil {
			return w, err
		}
		w.disks = append(w.disks, d)
		if fileSystems {
			o.Dir = filepath.Join(o.Dir, "store") // the root of a file system may hold more
		}
		o.Log = filepath.Join(logs, o.Name+".nats.log")
		n := &process{name: o.Name, role: role{Node: &o}, log: filepath.Join(logs, o.Name+".log")}
		if err := n.start(); err != nil {
			return w, err
		}
		w.nodes = append(w.nodes, n)
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", opts[i].Port))
	}
	ports, err := embed.FreePorts(relays)
	if err != nil {
		return w, err
	}
	for i := range relays {
		name, listen := fmt.Sprintf("relay%d", i+1), fmt.Sprintf("127.0.0.1:%d", ports[i])
		r := &process{name: name, log: filepath.Join(logs, name+".log"), role: role{Relay: &relayRole{
			Listen: listen, NATS: urls, Upstream: w.up.URL, Streams: p.streams, HoleWait: p.holeWait,
		}}}
		if err := r.start(); err != nil {
			return w, err
		}
		w.relays, w.bases = append(w.relays, r), append(w.bases, "http://"+listen)
	}
	for i := range p.sessions {
		w.sessions = append(w.sessions, w.up.Session(fmt.Sprintf("s%d", i+1)))
	}
	w.makeReaders(rng)
	for _, base := range w.bases {
		if err := ready(ctx, base); err != nil {
			return w, err
		}
	}
	return w, nil
}

// ready waits until a relay says that all is well.
func ready(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		resp, err := http.Get(base + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(resp.Status)
		}
		if sleep(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("a relay is not ready after %v: %w", patience, err)
		}
	}
}

func (w *world) makeReaders(rng *rand.Rand) {
	add := func(session string, n int) {
		for i := range n {
			name := fmt.Sprintf("reader %d of %s", i+1, session)
			rng := rand.New(rand.NewPCG(rng.Uint64(), 0))
			line := audit.NewLine()
			w.lines = append(w.lines, line)
			r := &audit.Reader{
				Name: name, Book: &w.book, Session: session,
				Hop: func() (string, time.Duration) { // called from one goroutine
					return w.bases[rng.IntN(relays)], 100*time.Millisecond + time.Duration(rng.Int64N(int64(4*time.Second)))
				},
				Client: func() client.Options {
					o := quick()
					o.HTTPClient = &http.Client{Transport: line.Transport}
					return o
				},
			}
			w.readers = append(w.readers, r)
		}
	}
	for _, s := range w.sessions {
		add(s.ID(), w.plan.readers)
	}
	add("", w.globals)
}

// stop ends everything that is left.
func (w *world) stop() {
	for _, p := range append(w.relays, w.nodes...) {
		p.kill()
	}
	for _, d := range w.disks {
		d.remove()
	}
	if w.up != nil {
		w.up.Close()
	}
}

// alive returns an error if a process has ended by itself.
func (w *world) alive() error {
	var errs []error
	for _, p := range append(w.relays, w.nodes...) {
		errs = append(errs, p.alive())
	}
	return errors.Join(errs...)
}

// emit emits events of sessions as they come, for as long as the context lets it. No
// more of them are ahead of the readers than the upstream's windows hold.
func (w *world) emit(ctx context.Context, rng *rand.Rand) {
	for {
		most := w.window / 2
		if w.book.Settle(ctx, most) != nil {
			return
		}
		w.emitting.Lock()
		if w.book.Ahead() > most { // somebody else has emitted meanwhile
			w.emitting.Unlock()
			continue
		}
		s := w.sessions[rng.IntN(len(w.sessions))]
		for range 1 + rng.IntN(6) {
			s.Message("assistant", w.book.Next(s.ID()))
		}
		w.emitting.Unlock()
		if sleep(ctx, time.Duration(rng.Int64N(int64(40*time.Millisecond)))) != nil {
			return
		}
	}
}

// quiet calls f while nothing is emitted and all that was has reached a reader.
func (w *world) quiet(ctx context.Context, f func()) error {
	w.emitting.Lock()
	defer w.emitting.Unlock()
	if err := w.book.Settle(ctx, 0); err != nil {
		return err
	}
	f()
	return nil
}

// A tally counts what was done.
type tally struct {
	NodesKilled, NodesStopped, DisksFilled  atomic.Int64
	RelaysKilled, RelaysStopped, RelaysTerm atomic.Int64
	UpstreamCut, Restarts, CountersLost     atomic.Int64
	WindowsPassed, ReadersCut               atomic.Int64
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
