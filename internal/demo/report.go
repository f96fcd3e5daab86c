package demo

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/tail"
)

// report says what was counted.
func (d *demo) report(w *tail.Follower) {
	c, fired, requests := d.count(), d.fired(), d.srv.Requests()
	stats := w.Stats()[0]
	columns := 0
	if d.follow.System.OutTTY {
		columns = w.Console().Columns()
	}
	row := func(style console.Style, name string, n int, rest string) {
		head := fmt.Sprintf("  %-8s %4d", name, n)
		b := []byte(w.Paint().Text(style, head))
		if rest != "" {
			b = w.Paint().Layout(append(b, "  "...), []console.Span{{Style: console.Dim, Text: rest}}, len(head)+2, columns)
		}
		w.Console().Print(append(b, '\n'))
	}
	good := func(n int) console.Style {
		if n == 0 {
			return console.Green
		}
		return console.Red
	}
	w.Console().Print([]byte("\n"))
	row(console.Plain, "emitted", c.emitted, "counted where they are published")
	row(console.Plain, "received", c.received, "counted where they arrive, and compared")
	row(console.Plain, "cuts", len(fired), strings.Join(fired, ", "))
	row(console.Plain, "attempts", stats.Attempts, fmt.Sprintf("%d of them reached the server", len(requests)))
	row(console.Plain, "resumed", stats.Reconnects, "behind the last event that had arrived whole")
	row(console.Plain, "replayed", d.replayed(requests), "emitted before the connection that brought them")
	row(good(c.lost), "lost", c.lost, "")
	row(good(c.repeated), "repeated", c.repeated, "")
	w.Console().Flush()
}

// fired returns the kinds of the cuts that took place.
func (d *demo) fired() (kinds []string) {
	for _, s := range d.strikes {
		if s.fired() > 0 {
			kinds = append(kinds, s.kind)
		}
	}
	return kinds
}

// verdict is nil if the stream kept what is promised, and the demo what it has
// announced.
func (d *demo) verdict() error {
	c := d.count()
	var bad []string
	for _, f := range []struct {
		n    int
		what string
	}{
		{c.lost, "lost"}, {c.repeated, "repeated"}, {c.disorder, "out of order"}, {c.foreign, "altered"},
	} {
		if f.n > 0 {
			bad = append(bad, explain.Count(f.n, "event")+" "+f.what)
		}
	}
	fired := d.fired()
	for _, c := range d.cuts {
		if !slices.Contains(fired, c.kind) {
			bad = append(bad, "no cut of the kind: "+c.kind)
		}
	}
	if bad == nil {
		return nil
	}
	return errors.New("the demo failed: " + strings.Join(bad, ", "))
}
