package render

import (
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// newData renders the data and nothing else, as the stream's text is, and a line
// feed unless they are to be joined.
func newData(o Options) Renderer {
	if !o.Timestamps && !o.Labels || o.Join {
		return func(b []byte, ev *Event) ([]byte, error) { return o.appendEnd(o.appendText(b, ev.Data)), nil }
	}
	var labels column
	return func(b []byte, ev *Event) ([]byte, error) {
		return o.appendLines(b, o.Paint.Join(o.prefix(ev, &labels)), ev.Data), nil
	}
}

// appendEnd appends what ends an event.
func (o *Options) appendEnd(b []byte) []byte {
	if o.Join {
		return b
	}
	return append(b, '\n')
}

// appendLines appends text line by line, each behind a prefix. It is a function of
// its own because the loop's body would move b to the heap for every event.
func (o *Options) appendLines(b []byte, prefix, text string) []byte {
	for line := range strings.SplitSeq(text, "\n") {
		b = append(b, prefix...)
		b = append(o.appendText(b, line), '\n')
	}
	return b
}

// newSSE renders the event as it would be sent, so that the output is a stream
// again. Labels and timestamps go into comments.
func newSSE(o Options) Renderer {
	return func(b []byte, ev *Event) ([]byte, error) {
		if o.Timestamps {
			b = append(append(append(b, ": received "...), ev.Received.Format(stamp)...), '\n')
		}
		if o.Labels {
			b = append(append(append(b, ": stream "...), termsafe.Line(ev.Stream)...), '\n')
		}
		if !o.TTY {
			return ev.AppendText(b)
		}
		wire, err := ev.AppendText(nil)
		if err != nil {
			return b, err
		}
		for line := range strings.Lines(string(wire)) {
			field, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if ok {
				b = append(b, o.Paint.Text(console.Dim, field+": ")...)
			}
			b = append(append(b, termsafe.Text(value)...), '\n')
		}
		return b, nil
	}
}

// appendText appends what came from the stream: exactly, or safe on a terminal.
func (o *Options) appendText(b []byte, s string) []byte {
	if o.TTY {
		return termsafe.AppendText(b, s)
	}
	return append(b, s...)
}
