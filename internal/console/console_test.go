package console_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

func newScreen() (*console.Console, *bytes.Buffer) {
	screen := new(bytes.Buffer)
	return console.New(console.Options{
		Out: screen, Err: screen, OutTTY: true, ErrTTY: true,
		Columns: func() int { return 20 },
	}), screen
}

func TestLiveLineGivesWay(t *testing.T) {
	c, screen := newScreen()
	c.Live("waiting 3s", nil)
	c.Print([]byte("one\n"))
	c.Print([]byte("two\n"))
	c.Flush()
	c.Say("resumed")
	c.Live("", nil)
	const erase = "\r\x1b[2K"
	want := "waiting 3s" + erase + "one\ntwo\n" + "waiting 3s" + erase + "resumed\n" + "waiting 3s" + erase
	if diff := cmp.Diff(want, screen.String()); diff != "" {
		t.Errorf("screen (-want +got):\n%s", diff)
	}
}

// TestLiveLineChangesAtOnce: a terminal that throws away what waits, as at Ctrl-C, must
// not be left with the old line and no erasure.
func TestLiveLineChangesAtOnce(t *testing.T) {
	screen := new(counter)
	c := console.New(console.Options{Out: new(counter), Err: screen, ErrTTY: true, Columns: func() int { return 80 }})
	c.Live("one", nil)
	c.Live("two", nil)
	if screen.writes != 2 {
		t.Errorf("%d writes for two lines", screen.writes)
	}
}

func TestLiveLineFitsTheScreen(t *testing.T) {
	c, screen := newScreen()
	c.Live("attempt 3 in 4.2s, giving up in 4m", strings.ToUpper)
	if got, want := screen.String(), "ATTEMPT 3 IN 4.2…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSayFollowsWhatWasPrinted(t *testing.T) {
	c, screen := newScreen()
	c.Print([]byte("event\n"))
	c.Say("lost")
	if got, want := screen.String(), "event\nlost\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBurstIsOneWrite(t *testing.T) {
	w := new(counter)
	c := console.New(console.Options{Out: w})
	for range 100 {
		c.Print([]byte("event\n"))
	}
	c.Flush()
	if w.writes != 1 || w.bytes != 600 {
		t.Errorf("got %d writes of %d bytes, want 1 of 600", w.writes, w.bytes)
	}
}

type counter struct{ writes, bytes int }

func (w *counter) Write(b []byte) (int, error) {
	w.writes++
	w.bytes += len(b)
	return len(b), nil
}

func TestFailedWriteIsToldOnceAndKept(t *testing.T) {
	var told []error
	gone := errors.New("gone")
	c := console.New(console.Options{Out: broken{gone}, Failed: func(err error) { told = append(told, err) }})
	for range 3 {
		c.Print([]byte("event\n"))
		if err := c.Flush(); !errors.Is(err, gone) {
			t.Errorf("Flush: got %v, want %v", err, gone)
		}
	}
	if len(told) != 1 || told[0] != gone {
		t.Errorf("told %v, want %v once", told, gone)
	}
}

type broken struct{ err error }

func (w broken) Write([]byte) (int, error) { return 0, w.err }

func TestLayout(t *testing.T) {
	for _, test := range []struct {
		name            string
		paint           console.Paint
		spans           []console.Span
		indent, columns int
		want            string
	}{
		{"short", false, []console.Span{{Text: "a b"}}, 4, 40, "a b"},
		{"wraps at a blank", false, []console.Span{{Text: "the quick brown fox jumps over"}}, 2, 24, "the quick brown fox\n  jumps over"},
		{"long word", false, []console.Span{{Text: "abcdefghijklmnopqrstuvwxyz0123456789"}}, 0, 24, "abcdefghijklmnopqrstuvwx\nyz0123456789"},
		{"wide characters", false, []console.Span{{Text: "日本語日本語日本語日本語"}}, 0, 21, "日本語日本語日本語日\n本語"},
		{"line feeds", false, []console.Span{{Text: "a\nb"}}, 2, 0, "a\n  b"},
		{"one run, one style", true, []console.Span{{console.Red, "a b"}, {console.Plain, " c"}}, 0, 40, "\x1b[31ma b\x1b[0m c"},
		{"a colon stays with its word", false, []console.Span{{Text: "the quick brown foxes"}, {Text: ": jump"}}, 0, 21, "the quick brown\nfoxes: jump"},
		{"narrow", false, []console.Span{{Text: "日本 abc"}}, 30, 1, "\n  日\n  本\n  a\n  b\n  c\n"},
	} {
		got := string(test.paint.Layout(nil, test.spans, test.indent, test.columns))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: Layout(%q, %d, %d) (-want +got):\n%s", test.name, test.spans, test.indent, test.columns, diff)
		}
	}
}

func FuzzLayoutFits(f *testing.F) {
	f.Add("the quick brown fox", 4, 24)
	f.Add("日本語 e\u0301 🚀\n\ttab", 0, 21)
	f.Add(strings.Repeat("x", 300), 60, 61)
	f.Fuzz(func(t *testing.T, s string, indent, columns int) {
		indent, columns = max(indent%100, 0), 4+max(columns%200, 0)
		s = termsafe.Text(s)
		out := string(console.Paint(false).Layout(nil, []console.Span{{Text: s}}, indent, columns))
		for i, line := range strings.Split(out, "\n") {
			if w := termsafe.Width(line); i > 0 && w > columns {
				t.Errorf("Layout(%q, %d, %d): line %d has %d columns: %q", s, indent, columns, i, w, line)
			}
		}
		strip := strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace
		if strip(out) != strip(s) {
			t.Errorf("Layout(%q, %d, %d): got %q, which is other text", s, indent, columns, out)
		}
	})
}

func TestWantColour(t *testing.T) {
	for _, test := range []struct {
		flag string
		env  map[string]string
		tty  bool
		want console.Paint
	}{
		{"auto", nil, true, true},
		{"auto", nil, false, false},
		{"auto", map[string]string{"NO_COLOR": "1"}, true, false},
		{"auto", map[string]string{"CLICOLOR_FORCE": "1"}, false, true},
		{"auto", map[string]string{"CLICOLOR_FORCE": "0"}, false, false},
		{"auto", map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, true, false},
		{"auto", map[string]string{"TERM": "dumb"}, true, false},
		{"always", map[string]string{"NO_COLOR": "1"}, false, true},
		{"never", map[string]string{"CLICOLOR_FORCE": "1"}, true, false},
	} {
		env := func(name string) string { return test.env[name] }
		if got := console.WantColour(test.flag, env, test.tty); got != test.want {
			t.Errorf("WantColour(%q, %v, %v): got %v, want %v", test.flag, test.env, test.tty, got, test.want)
		}
	}
}

// TestNarrowedTerminal: a line that the terminal has wrapped since leaves nothing
// behind.
func TestNarrowedTerminal(t *testing.T) {
	screen := new(bytes.Buffer)
	columns := 40
	c := console.New(console.Options{Err: screen, ErrTTY: true, Columns: func() int { return columns }})
	c.Live("retry 3 in 4.2s, giving up in 4m", strings.ToUpper)
	screen.Reset()
	columns = 15
	c.Live("", nil)
	if got, want := screen.String(), "\r\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestForcedColour(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		tty  bool
		want console.Paint
	}{
		{map[string]string{"FORCE_COLOR": "1"}, false, true},
		{map[string]string{"FORCE_COLOR": "0"}, true, false},
		{map[string]string{"FORCE_COLOR": "1", "NO_COLOR": "1"}, true, false},
		{map[string]string{"CLICOLOR_FORCE": "1"}, false, true},
		{map[string]string{"CLICOLOR_FORCE": "0"}, true, true},
		{nil, true, true},
		{nil, false, false},
	} {
		if got := console.WantColour("auto", func(name string) string { return test.env[name] }, test.tty); got != test.want {
			t.Errorf("%v, terminal %v: got %v", test.env, test.tty, got)
		}
	}
}
