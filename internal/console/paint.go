package console

import (
	"strings"
	"sync"

	"github.com/fatih/color"
)

// A Style is how a piece of text looks. The zero value is as the terminal has it.
type Style uint8

const (
	Plain Style = iota
	Bold
	Dim
	Red
	Green
	Yellow
	Blue
	Magenta
	Cyan
	Faint // dim and slanted: thoughts, beside speech
	BoldCyan
	BoldMagenta
	BoldYellow
	BoldBlue
	BoldGreen
)

var colours = map[Style]*color.Color{
	Bold:        color.New(color.Bold),
	Dim:         color.New(color.Faint),
	Red:         color.New(color.FgRed),
	Green:       color.New(color.FgGreen),
	Yellow:      color.New(color.FgYellow),
	Blue:        color.New(color.FgBlue),
	Magenta:     color.New(color.FgMagenta),
	Cyan:        color.New(color.FgCyan),
	Faint:       color.New(color.Faint, color.Italic),
	BoldCyan:    color.New(color.FgCyan, color.Bold),
	BoldMagenta: color.New(color.FgMagenta, color.Bold),
	BoldYellow:  color.New(color.FgYellow, color.Bold),
	BoldBlue:    color.New(color.FgBlue, color.Bold),
	BoldGreen:   color.New(color.FgGreen, color.Bold),
}

// styles are what begins and ends each style on the wire.
var styles [BoldGreen + 1]struct{ begin, end string }

func init() {
	for s, c := range colours {
		c.EnableColor() // whether to paint is the Paint's to say
		styles[s].begin, styles[s].end, _ = strings.Cut(c.Sprint("|"), "|")
	}
}

// A Paint applies styles, or leaves them out when it is false.
type Paint bool

// Text returns the text in a style. The text is safe already.
func (p Paint) Text(s Style, text string) string {
	if !p || s == Plain || text == "" {
		return text
	}
	return styles[s].begin + text + styles[s].end
}

// Append appends the text in a style to b.
func (p Paint) Append(b []byte, s Style, text string) []byte {
	if !p || s == Plain || text == "" {
		return append(b, text...)
	}
	return append(append(append(b, styles[s].begin...), text...), styles[s].end...)
}

// Painter returns a function that applies one style.
func (p Paint) Painter(s Style) func(string) string {
	return func(text string) string { return p.Text(s, text) }
}

// labelStyles are those that tell labels apart, the most different ones first.
var labelStyles = [...]Style{Cyan, Magenta, Yellow, Blue, Green, BoldCyan, BoldMagenta, BoldYellow, BoldBlue, BoldGreen}

// maxStyled is how many labels are remembered.
const maxStyled = 10000

// A Palette gives each label a style of its own while there are enough, in the
// order in which they are asked for. The zero value is ready; it is safe for
// concurrent use.
type Palette struct {
	mu    sync.Mutex
	given map[string]Style
}

// Of returns the label's style, the same one each time.
func (p *Palette) Of(label string) Style {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.given[label]
	if ok {
		return s
	}
	if p.given == nil || len(p.given) == maxStyled {
		p.given = map[string]Style{}
	}
	s = labelStyles[len(p.given)%len(labelStyles)]
	p.given[strings.Clone(label)] = s
	return s
}

// WantColour decides whether to paint: the flag (auto, always or never), then
// NO_COLOR, then FORCE_COLOR and
// CLICOLOR_FORCE, then whether there is a terminal that can.
func WantColour(flag string, env func(string) string, tty bool) Paint {
	switch {
	case flag == "always":
		return true
	case flag == "never" || env("NO_COLOR") != "":
		return false
	}
	for _, name := range []string{"FORCE_COLOR", "CLICOLOR_FORCE"} {
		switch env(name) {
		case "":
		case "0", "false":
			if name == "FORCE_COLOR" {
				return false
			}
		default:
			return true
		}
	}
	return Paint(tty && env("TERM") != "dumb")
}

// Join returns spans one behind the other.
func (p Paint) Join(spans []Span) string {
	var b []byte
	for _, s := range spans {
		b = p.Append(b, s.Style, s.Text)
	}
	return string(b)
}
