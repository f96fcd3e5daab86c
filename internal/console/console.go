// Package console is the two outputs of a command: events on standard output,
// and what there is to say about them on standard error, with one live line at
// the bottom when that is a terminal.
//
// Both may be the same screen, so one lock orders them: before anything is
// written there the live line is erased, and drawn again behind it.
package console

import (
	"io"
	"strings"
	"sync"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Options of a [Console].
type Options struct {
	Out, Err       io.Writer
	OutTTY, ErrTTY bool       // what they are
	Columns        func() int // of the terminal; asked whenever something is laid out

	// Failed is told of the first failed write to Out, such as that the reader of
	// a pipe has gone. It is called under the console's lock: it must not print.
	Failed func(error)
}

// A Console is safe for concurrent use.
type Console struct {
	opts    Options
	palette Palette

	mu     sync.Mutex
	out    []byte // printed and not yet written
	failed error  // of Out
	live   string // the live line that is wanted
	drawn  bool   // and it is on the screen
	width  int    // of it, in columns
}

// New returns a console. Nil Columns means 80.
func New(opts Options) *Console {
	return &Console{opts: opts}
}

// Columns returns the width of the terminal.
func (c *Console) Columns() int {
	if c.opts.Columns != nil {
		if n := c.opts.Columns(); n > 0 {
			return n
		}
	}
	return 80
}

// OutTTY tells whether events go to a terminal.
func (c *Console) OutTTY() bool { return c.opts.OutTTY }

// ErrTTY tells whether there is a live line.
func (c *Console) ErrTTY() bool { return c.opts.ErrTTY }

// LabelStyle returns the style of a label, the same one in events and in what is
// said about streams.
func (c *Console) LabelStyle(label string) Style { return c.palette.Of(label) }

// Print takes one event's output. It is written when the buffer is full, or by
// [Console.Flush].
func (c *Console) Print(b []byte) {
	c.Append(func(out []byte) ([]byte, error) { return append(out, b...), nil })
}

// Sizes of what is printed and not yet written: when it is written, and what is
// kept for the next.
const (
	fullOut = 64 << 10
	keptOut = 1 << 20
)

// Append has a function append one event's output, as [Console.Print] does. If it
// fails, what it has appended is dropped, and Append returns its error. It is
// called under the console's lock: it must not print.
func (c *Console) Append(event func([]byte) ([]byte, error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := event(c.out)
	if err != nil {
		return err
	}
	if c.out = b; len(b) >= fullOut {
		c.write()
	}
	return nil
}

// Flush writes what was printed. The error is that of the first failed write, at
// any time before: from then on nothing that was printed can be counted as seen.
func (c *Console) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
	return c.failed
}

func (c *Console) flush() {
	if len(c.out) == 0 {
		return
	}
	c.write()
	c.draw("")
}

// Say writes one line to standard error, behind all that was printed before it.
// The text is safe already.
func (c *Console) Say(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
	io.WriteString(c.opts.Err, c.erase()+line+"\n") // nowhere left to report a failure
	c.draw("")
}

// Spans writes one line in styles behind a prefix, on a terminal wrapped under
// itself.
func (c *Console) Spans(p Paint, prefix string, spans ...Span) {
	columns := 0
	if c.opts.ErrTTY {
		columns = c.Columns()
	}
	c.Say(string(p.Layout([]byte(p.Text(Dim, prefix)), spans, termsafe.Width(prefix), columns)))
}

// Live shows a line at the bottom of the terminal, in place of the last one;
// empty for none. Where there is no terminal it does nothing. The text is safe
// already; paint, which may be nil, colours it after it was cut to fit.
func (c *Console) Live(text string, paint func(string) string) {
	if !c.opts.ErrTTY {
		return
	}
	if text != "" {
		text = termsafe.Cut(text, c.Columns()-len("^C")-1) // that may be typed behind it, and the last column would wrap
	}
	width := termsafe.Width(text)
	if paint != nil && text != "" {
		text = paint(text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if text == c.live && c.drawn == (text != "") {
		return
	}
	c.flush()
	erase := c.erase()
	c.live, c.width = text, width
	c.draw(erase)
}

// Fresh clears what was typed on the line under the last one, such as ^C.
func (c *Console) Fresh() {
	if !c.opts.ErrTTY {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
	c.drawn = false
	c.draw(eraseLine)
}

const eraseLine = "\r\x1b[2K"

// erase returns what takes the live line away: all rows of it, where the terminal was
// made narrower since it was drawn and has wrapped it. It is written together with what
// comes in its place: at a Ctrl-C a terminal may throw away what it was just given.
func (c *Console) erase() string {
	if !c.drawn {
		return ""
	}
	c.drawn = false
	rows := 1
	if c.width > 0 {
		rows = (c.width + c.Columns() - 1) / c.Columns()
	}
	return eraseLine + strings.Repeat(eraseAbove, rows-1)
}

// eraseAbove goes one row up and erases that.
const eraseAbove = "\x1b[1A\x1b[2K"

// draw writes what erases the last live line, and the one that is wanted.
func (c *Console) draw(erase string) {
	text := erase
	if c.live != "" && !c.drawn {
		text += c.live
		c.drawn = true
	}
	if text != "" {
		io.WriteString(c.opts.Err, text)
	}
}

// write writes what was printed. After a failure nothing more is written: what
// stands behind a hole is no part of the output.
func (c *Console) write() {
	if c.failed == nil {
		if c.opts.OutTTY {
			if erase := c.erase(); erase != "" {
				io.WriteString(c.opts.Err, erase)
			}
		}
		n, err := c.opts.Out.Write(c.out)
		if err == nil && n < len(c.out) {
			err = io.ErrShortWrite
		}
		if c.failed = err; err != nil && c.opts.Failed != nil {
			c.opts.Failed(err)
		}
	}
	if c.out = c.out[:0]; cap(c.out) > keptOut {
		c.out = nil
	}
}
