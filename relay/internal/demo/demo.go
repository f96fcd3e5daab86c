package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/audit"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

const (
	nodes    = 3
	relays   = 2
	sessions = 8
	readers  = 100
	globals  = 4 // of them follow all sessions on one stream
	window   = 200

	heartbeat = time.Second
	silent    = 4 * time.Second // how long a connection may be so
	patience  = 2 * time.Minute // how long readers may take to have everything
)

// Run plays the demo. If anything was lost or repeated, that is the error.
func Run(ctx context.Context, sys *system.System) error {
	d := newDemo(sys)
	d.pause = 800 * time.Millisecond
	return d.run(ctx)
}

// A demo is what is shown.
type demo struct {
	console    *console.Console
	out, paint console.Paint
	pause      time.Duration // between two strokes, for eyes
	strokes    []stroke
	crowd      int // readers

	book     audit.Book
	up       *testserver.Server
	sessions []*server.Session
	cluster  *embed.Cluster
	stopped  int // the node that was, until it is back
	relays   []*host
	readers  []*audit.Reader
	lines    []*audit.Line

	done []string // the strokes that were made
}

func newDemo(sys *system.System) *demo {
	out, paint := sys.Paints("auto")
	return &demo{console: sys.Console(nil), out: out, paint: paint, strokes: strokes, crowd: readers}
}

func (d *demo) say(style console.Style, text string) {
	d.console.Spans(d.paint, "sse-relay: ", console.Span{Style: console.Bold, Text: "demo: "}, console.Span{Style: style, Text: text})
}

func (d *demo) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "sse-relay-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	defer d.stop()
	if err := d.begin(ctx, dir); err != nil {
		return err
	}
	err = d.play(ctx)
	d.console.Live("", nil)
	if err != nil {
		return err
	}
	stored, err := d.stored(ctx)
	if err != nil {
		return err
	}
	d.report(stored)
	return d.verdict(stored)
}

// begin starts everything but the readers.
func (d *demo) begin(ctx context.Context, dir string) (err error) {
	d.say(console.Plain, fmt.Sprintf("starting an upstream, %d NATS servers that keep each event, and %d relays", nodes, relays))
	if d.up, err = testserver.Start(&testserver.Options{Window: window, Heartbeat: heartbeat}); err != nil {
		return err
	}
	begin := time.Now()
	settle, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if d.cluster, err = embed.StartCluster(settle, dir, nodes); err != nil {
		return err
	}
	for i := range relays {
		h := &host{name: string(rune('A' + i)), urls: d.cluster.URLs(), upstream: d.up.URL}
		if err := h.start(settle); err != nil {
			return err
		}
		d.relays = append(d.relays, h)
	}
	for i := range sessions {
		d.sessions = append(d.sessions, d.up.Session(fmt.Sprintf("s%d", i+1)))
	}
	d.say(console.Plain, fmt.Sprintf("up after %s: relay A is %s, relay B is %s", explain.Duration(time.Since(begin)), d.relays[0].base, d.relays[1].base))
	d.makeReaders()
	return nil
}

func (d *demo) makeReaders() {
	for i := range d.crowd {
		line := audit.NewLine()
		r := &audit.Reader{Name: fmt.Sprintf("reader %d", i+1), Book: &d.book}
		if i >= globals {
			r.Session = d.sessions[i%sessions].ID()
		}
		at := i
		r.Hop = func() (string, time.Duration) { // called from one goroutine
			at++
			return d.relays[at%relays].base, 300*time.Millisecond + rand.N(2*time.Second)
		}
		r.Client = func() client.Options {
			o := quick()
			o.HTTPClient = &http.Client{Transport: line.Transport}
			return o
		}
		d.readers, d.lines = append(d.readers, r), append(d.lines, line)
	}
}

// quick are options of a source that waits shortly.
func quick() client.Options {
	return client.Options{
		Backoff:  backoff.Policy{Initial: 100 * time.Millisecond, Max: time.Second, GiveUp: backoff.Off},
		Timeouts: client.Timeouts{Connect: silent, Header: silent, Idle: silent},
	}
}

// play emits, reads, and makes the strokes.
func (d *demo) play(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var reading, wg sync.WaitGroup
	for _, r := range d.readers {
		reading.Go(func() {
			if err := r.Run(ctx); err != nil {
				cancel(fmt.Errorf("%s: %w", r.Name, err))
			}
		})
	}
	d.say(console.Plain, fmt.Sprintf("%d readers follow %d sessions, and hop between the relays all the time", d.crowd, sessions))
	emitting, enough := context.WithCancel(ctx)
	defer enough()
	wg.Go(func() { d.emit(emitting) })
	wg.Go(func() { d.show(emitting) })
	err := d.strike(ctx)
	enough()
	wg.Wait()
	if err != nil {
		cancel(err)
		reading.Wait()
		return err
	}
	for _, s := range d.sessions {
		s.Ended(d.book.End(s.ID()))
	}
	d.say(console.Plain, "the sessions end")
	err = d.catchUp(ctx)
	cancel(nil)
	reading.Wait()
	return err
}

// emit emits events, no more of them ahead of the readers than the upstream keeps.
func (d *demo) emit(ctx context.Context) {
	for d.book.Settle(ctx, window/2) == nil {
		s := d.sessions[rand.IntN(len(d.sessions))]
		s.Message("assistant", d.book.Next(s.ID()))
		if sleep(ctx, rand.N(16*time.Millisecond)) != nil {
			return
		}
	}
}

// show draws the live line.
func (d *demo) show(ctx context.Context) {
	for sleep(ctx, 100*time.Millisecond) == nil {
		emitted, _ := d.book.Emitted()
		received, behind := 0, 0
		for _, r := range d.readers {
			received += r.Now().Received
			behind += r.Rest()
		}
		open := 0
		for _, h := range d.relays {
			open += h.open()
		}
		d.console.Live(fmt.Sprintf("%d emitted, %d received by %d readers, %d on their way", emitted, received, open, behind), d.paint.Painter(console.Dim))
	}
}

// catchUp waits until every reader has what was emitted up to now.
func (d *demo) catchUp(ctx context.Context) error {
	mark := d.book.Mark()
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("the demo failed: readers still wait for events "+explain.Duration(patience)+" after they were emitted"))
	defer cancel()
	for {
		all := true
		for _, r := range d.readers {
			all = all && r.Has(mark)
		}
		if all {
			return nil
		}
		if sleep(ctx, 20*time.Millisecond) != nil {
			return context.Cause(ctx)
		}
	}
}

// stop ends what is left.
func (d *demo) stop() {
	for _, h := range d.relays {
		h.die()
	}
	if d.cluster != nil {
		d.cluster.Stop()
	}
	if d.up != nil {
		d.up.Close()
	}
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
