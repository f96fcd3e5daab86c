package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/audit"
)

// eventStream is where the relays keep the sessions' events.
const eventStream = "SSE_SESSIONS"

// stored returns how many events the cluster has, each counted once.
func (d *demo) stored(ctx context.Context) (int, error) {
	nc, err := nats.Connect(strings.Join(d.cluster.URLs(), ","))
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		s, err := js.Stream(ctx, eventStream)
		if err == nil {
			return int(s.CachedInfo().State.Msgs), nil
		}
		if sleep(ctx, startAgain) != nil {
			return 0, err
		}
	}
}

// count returns the readers' counts.
func (d *demo) count() (c audit.Counts, faults []string) {
	for _, r := range d.readers {
		own, f := r.Close()
		c.Add(own)
		faults = append(faults, f...)
	}
	return c, faults
}

// due is how many events the readers have to be given in all.
func (d *demo) due() (n int) {
	for _, r := range d.readers {
		for name, emitted := range d.book.Mark() {
			if r.Session == "" || r.Session == name {
				n += emitted
			}
		}
	}
	return n
}

// report says what was counted.
func (d *demo) report(stored int) {
	emitted, _ := d.book.Emitted()
	c, _ := d.count()
	columns := 0
	if d.console.OutTTY() {
		columns = d.console.Columns()
	}
	row := func(style console.Style, name string, n int, rest string) {
		head := fmt.Sprintf("  %-8s %6d", name, n)
		b := []byte(d.out.Text(style, head))
		if rest != "" {
			b = d.out.Layout(append(b, "  "...), []console.Span{{Style: console.Dim, Text: rest}}, len(head)+2, columns)
		}
		d.console.Print(append(b, '\n'))
	}
	good := func(n int) console.Style {
		if n == 0 {
			return console.Green
		}
		return console.Red
	}
	d.console.Print([]byte("\n"))
	row(console.Plain, "emitted", emitted, fmt.Sprintf("by the upstream, in %s", explain.Count(sessions, "session")))
	row(console.Plain, "stored", stored, fmt.Sprintf("in the cluster, in %d copies", nodes))
	row(console.Plain, "strokes", len(d.done), strings.Join(d.done, ", "))
	row(console.Plain, "hops", c.Hops, fmt.Sprintf("of %s from one relay to the other", explain.Count(d.crowd, "reader")))
	row(console.Plain, "resumed", c.Reconnects, "times after a cut, at the same relay")
	row(console.Plain, "received", c.Received, fmt.Sprintf("of %d, counted where they arrive, and compared", d.due()))
	row(good(c.Lost), "lost", c.Lost, "")
	row(good(c.Repeated+c.Disorder), "repeated", c.Repeated+c.Disorder, "")
	d.console.Flush()
}

// verdict is nil if everything was kept that is promised, and done that was announced.
func (d *demo) verdict(stored int) error {
	c, faults := d.count()
	var bad []string
	add := func(n int, noun, what string) {
		if n > 0 {
			bad = append(bad, explain.Count(n, noun)+" "+what)
		}
	}
	add(c.Lost, "event", "lost")
	add(c.Repeated, "event", "repeated")
	add(c.Disorder, "event", "out of order")
	add(c.Foreign, "event", "altered")
	add(c.Unfounded, "gap", "told where nothing was lost")
	if emitted, _ := d.book.Emitted(); stored != emitted {
		bad = append(bad, fmt.Sprintf("%d events stored of %d", stored, emitted))
	}
	if bad == nil {
		return nil
	}
	return errors.New("the demo failed: " + strings.Join(append(bad, faults...), "; "))
}
