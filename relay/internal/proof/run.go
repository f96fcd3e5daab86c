//go:build unix

package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/audit"
)

// Options of a round.
type Options struct {
	Seed        uint64
	For         time.Duration // how long harm is done
	Dir         string        // for what the nodes store; it is emptied at the end
	Logs        string        // for what the processes say
	FileSystems bool          // nodes have file systems of their own, which are really full: Linux, and the right to mount
}

// patience is how long the world may take to settle when no more harm is done.
const patience = 2 * time.Minute

// A Report is what a round came to.
type Report struct {
	Plan    string
	Done    string // the harm
	Emitted int
	Lost    int // by the upstream
	Readers int
	audit.Counts
	Faults []string // the first ones of each reader
}

func (r *Report) String() string {
	return fmt.Sprintf("%s; %s; emitted %d, of which the upstream lost %d; %d readers received %d, hopped %d times, reconnected %d times, were told %d gaps; lost %d, repeated %d, out of order %d, altered %d, gaps untold %d, unfounded %d",
		r.Plan, r.Done, r.Emitted, r.Lost, r.Readers, r.Received, r.Hops, r.Reconnects, r.Gaps,
		r.Counts.Lost, r.Repeated, r.Disorder, r.Foreign, r.Untold, r.Unfounded)
}

// Run plays one round. The error is that something did not hold, or did not settle.
func Run(ctx context.Context, o Options) (*Report, error) {
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	p := planOf(rng)
	dir, err := os.MkdirTemp(o.Dir, "proof")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w, err := build(ctx, dir, o.Logs, p, o.FileSystems, rng)
	if w != nil {
		defer w.stop()
	}
	if err != nil {
		return nil, err
	}
	err = w.play(ctx, o.For, rng)
	r := w.report()
	return r, errors.Join(err, w.alive(), r.verdict())
}

// play emits, reads and does harm, and waits until every reader has everything.
func (w *world) play(ctx context.Context, d time.Duration, rng *rand.Rand) error {
	seeded := func() *rand.Rand { return rand.New(rand.NewPCG(rng.Uint64(), 0)) }
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var reading sync.WaitGroup
	for _, r := range w.readers {
		reading.Go(func() {
			if err := r.Run(ctx); err != nil {
				cancel(fmt.Errorf("%s: %w", r.Name, err))
			}
		})
	}
	harming, stop := context.WithTimeout(ctx, d)
	defer stop()
	var wg sync.WaitGroup
	for _, h := range []struct {
		pause time.Duration
		kinds []harm
	}{
		{3 * time.Second, []harm{w.healed(w.killNodes), w.healed(w.stopNode), w.healed(w.fillDisk)}},
		{3 * time.Second, []harm{w.killRelay, w.stopRelay, w.endRelay}},
		{2 * time.Second, []harm{w.cutUpstream, w.cutUpstream, w.restartUpstream, w.loseCounter, w.passWindow}},
		{time.Second, []harm{w.cutReaders}},
	} {
		rng := seeded()
		wg.Go(func() {
			if err := doHarm(harming, rng, h.pause, h.kinds...); err != nil {
				cancel(err)
			}
		})
	}
	own := seeded()
	wg.Go(func() { w.emit(harming, own) })
	wg.Wait()
	if ctx.Err() != nil {
		reading.Wait()
		return context.Cause(ctx)
	}
	end, done := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not all has arrived %v after the last harm", patience))
	defer done()
	err := w.quiet(end, func() { // the windows may be full
		for _, s := range w.sessions {
			s.Ended(w.book.End(s.ID()))
		}
	})
	if err == nil {
		err = w.arrive(end)
	}
	cancel(nil)
	reading.Wait()
	return err
}

// arrive waits until every reader has everything.
func (w *world) arrive(ctx context.Context) error {
	for {
		rest := 0
		for _, r := range w.readers {
			rest += r.Rest()
		}
		if rest == 0 {
			return nil
		}
		if sleep(ctx, 50*time.Millisecond) != nil {
			return context.Cause(ctx)
		}
	}
}

func (w *world) report() *Report {
	r := &Report{Readers: len(w.readers)}
	r.Plan = fmt.Sprintf("%d sessions, window %d, %d streams a relay, hole wait %v", len(w.sessions), w.window, w.streams, w.holeWait)
	var done []string
	for _, d := range []struct {
		what string
		n    int64
	}{
		{"nodes killed", w.NodesKilled.Load()}, {"nodes stopped", w.NodesStopped.Load()}, {"disks filled", w.DisksFilled.Load()},
		{"relays killed", w.RelaysKilled.Load()}, {"relays stopped", w.RelaysStopped.Load()}, {"relays ended", w.RelaysTerm.Load()},
		{"upstream cut", w.UpstreamCut.Load()}, {"upstream restarted", w.Restarts.Load()}, {"of these with a new counter", w.CountersLost.Load()},
		{"windows passed", w.WindowsPassed.Load()}, {"readers cut", w.ReadersCut.Load()},
	} {
		done = append(done, fmt.Sprintf("%s %d", d.what, d.n))
	}
	r.Done = strings.Join(done, ", ")
	r.Emitted, r.Lost = w.book.Emitted()
	for _, reader := range w.readers {
		c, faults := reader.Close()
		r.Counts.Add(c)
		r.Faults = append(r.Faults, faults...)
	}
	return r
}

func (r *Report) verdict() error {
	if r.Counts.Faults() == 0 {
		return nil
	}
	return errors.New(strings.Join(r.Faults, "\n"))
}
