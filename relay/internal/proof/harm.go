//go:build unix

package proof

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A harm is done to the world, and made good before it returns. The error is that
// the world did not settle, or that a process can't be started.
type harm func(context.Context, *rand.Rand) error

// doHarm does one of the harms after the other, with pauses.
func doHarm(ctx context.Context, rng *rand.Rand, pause time.Duration, harms ...harm) error {
	for {
		if sleep(ctx, pause/2+time.Duration(rng.Int64N(int64(pause)))) != nil {
			return nil
		}
		if err := harms[rng.IntN(len(harms))](ctx, rng); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// healed does harm, and waits until events flow again: an election takes its time, more
// of it on a busy machine, and a cluster that never has a leader shows nothing.
func (w *world) healed(h harm) harm {
	return func(ctx context.Context, rng *rand.Rand) error {
		if err := h(ctx, rng); err != nil {
			return err
		}
		return w.book.Settle(ctx, w.window/4)
	}
}

// between returns a time.
func between(rng *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(rng.Int64N(int64(high-low)))
}

// killNodes kills one node, or sometimes two, so that nothing can be stored for a while.
func (w *world) killNodes(ctx context.Context, rng *rand.Rand) error {
	n := 1
	if rng.IntN(4) == 0 {
		n = 2
	}
	order := rng.Perm(nodes)[:n]
	for _, i := range order {
		w.nodes[i].kill()
		w.NodesKilled.Add(1)
	}
	sleep(ctx, between(rng, 100*time.Millisecond, 4*time.Second))
	for _, i := range order {
		if err := w.nodes[i].start(); err != nil {
			return err
		}
	}
	return nil
}

// stopNode has a node hang.
func (w *world) stopNode(ctx context.Context, rng *rand.Rand) error {
	n := w.nodes[rng.IntN(nodes)]
	n.signal(syscall.SIGSTOP)
	w.NodesStopped.Add(1)
	sleep(ctx, between(rng, 500*time.Millisecond, 6*time.Second))
	n.signal(syscall.SIGCONT)
	return nil
}

// fillDisk leaves a node no room for a while. It is started again then, for a node that
// has seen a full disk does not store any more.
func (w *world) fillDisk(ctx context.Context, rng *rand.Rand) error {
	i := rng.IntN(nodes)
	if err := w.disks[i].fill(w.nodes[i]); err != nil {
		return err
	}
	w.DisksFilled.Add(1)
	sleep(ctx, between(rng, time.Second, 5*time.Second))
	if err := w.disks[i].room(w.nodes[i]); err != nil {
		return err
	}
	w.nodes[i].kill()
	return w.nodes[i].start()
}

// killRelay kills a relay, or both.
func (w *world) killRelay(ctx context.Context, rng *rand.Rand) error {
	list := []*process{w.relays[rng.IntN(relays)]}
	if rng.IntN(6) == 0 {
		list = w.relays
	}
	for _, r := range list {
		r.kill()
		w.RelaysKilled.Add(1)
	}
	sleep(ctx, between(rng, 0, 4*time.Second))
	for _, r := range list {
		if err := r.start(); err != nil {
			return err
		}
	}
	return nil
}

// endRelay has a relay end as it does in an update.
func (w *world) endRelay(ctx context.Context, rng *rand.Rand) error {
	r := w.relays[rng.IntN(relays)]
	r.term()
	w.RelaysTerm.Add(1)
	sleep(ctx, between(rng, 0, time.Second))
	return r.start()
}

// stopRelay has a relay hang and wake up, long after others have gone on.
func (w *world) stopRelay(ctx context.Context, rng *rand.Rand) error {
	r := w.relays[rng.IntN(relays)]
	r.signal(syscall.SIGSTOP)
	w.RelaysStopped.Add(1)
	sleep(ctx, between(rng, 200*time.Millisecond, 8*time.Second))
	r.signal(syscall.SIGCONT)
	return nil
}

// cutUpstream breaks streams of the upstream in one of the ways.
func (w *world) cutUpstream(ctx context.Context, rng *rand.Rand) error {
	ways := []fault.Fault{fault.CutInsideEvent(), fault.CutInsideRune(), fault.RST(), fault.End(), fault.Stall(), fault.Cut(), fault.Status(503).Times(3)}
	w.up.Inject(ways[rng.IntN(len(ways))])
	if rng.IntN(2) == 0 {
		w.up.Drop()
	}
	w.UpstreamCut.Add(1)
	return nil
}

// restartUpstream restarts the upstream with all that it has.
func (w *world) restartUpstream(_ context.Context, rng *rand.Rand) error {
	w.Restarts.Add(1)
	return w.up.Restart(testserver.KeepLogs, between(rng, 0, time.Second))
}

// loseCounter restarts the upstream without its events, and perhaps without its counter
// too, and perhaps while it has events that nobody has been given.
func (w *world) loseCounter(ctx context.Context, rng *rand.Rand) (err error) {
	keep := []testserver.Keep{testserver.KeepCounter, testserver.KeepNothing}[rng.IntN(2)]
	return w.quietly(ctx, func() {
		shut := w.shut(ctx)
		defer shut.Remove()
		for _, s := range w.sessions {
			if n := rng.IntN(4); n > 1 {
				w.emitMany(s.ID(), n)
				w.book.Lose(s.ID(), n, 0)
			}
		}
		if err = w.up.Restart(keep, 0); err != nil {
			return
		}
		if keep == testserver.KeepNothing {
			w.book.Doubt()
			w.CountersLost.Add(1)
		}
		w.Restarts.Add(1)
	}, &err)
}

// passWindow has the upstream emit more than its window holds while nobody can follow.
// The window of the global stream, which all sessions share, loses more than theirs: so
// it is done where each session has a stream of its own.
func (w *world) passWindow(ctx context.Context, rng *rand.Rand) (err error) {
	if !w.ownStreams() {
		return nil
	}
	return w.quietly(ctx, func() {
		shut := w.shut(ctx)
		defer shut.Remove()
		for _, s := range w.sessions {
			switch n := w.window + rng.IntN(20) - 10; {
			case rng.IntN(3) > 0:
			case n > w.window:
				w.emitMany(s.ID(), n)
				w.book.Lose(s.ID(), n, w.window)
				w.WindowsPassed.Add(1)
			default:
				w.emitMany(s.ID(), n)
			}
		}
	}, &err)
}

// shut cuts all that follow the upstream, and lets nobody in until the fault is removed.
func (w *world) shut(ctx context.Context) *testserver.Handle {
	h := w.up.Inject(fault.Status(503).Always())
	for range 2 { // a request that was under way may come in behind the first
		w.up.Drop()
		w.up.WaitConns(ctx, 0)
		sleep(ctx, 50*time.Millisecond)
	}
	return h
}

func (w *world) emitMany(session string, n int) {
	s := w.up.Session(session)
	for range n {
		s.Message("assistant", w.book.Next(session))
	}
}

func (w *world) quietly(ctx context.Context, f func(), err *error) error {
	if e := w.quiet(ctx, f); e != nil {
		return e
	}
	return *err
}

// cutReaders cuts the connections of some readers.
func (w *world) cutReaders(_ context.Context, rng *rand.Rand) error {
	for _, line := range w.lines {
		if rng.IntN(8) == 0 {
			line.Cut()
			w.ReadersCut.Add(1)
		}
	}
	return nil
}
