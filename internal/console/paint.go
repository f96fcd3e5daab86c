package console

import (
	"hash/fnv"

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
)

var styles = map[Style]*color.Color{
	Bold:    color.New(color.Bold),
	Dim:     color.New(color.Faint),
	Red:     color.New(color.FgRed),
	Green:   color.New(color.FgGreen),
	Yellow:  color.New(color.FgYellow),
	Blue:    color.New(color.FgBlue),
	Magenta: color.New(color.FgMagenta),
	Cyan:    color.New(color.FgCyan),
}

func init() {
	for _, c := range styles {
		c.EnableColor() // whether to paint is the Paint's to say
	}
}

// A Paint applies styles, or leaves them out when it is false.
type Paint bool

// Text returns the text in a style. The text is safe already.
func (p Paint) Text(s Style, text string) string {
	if !p || s == Plain || text == "" {
		return text
	}
	return styles[s].Sprint(text)
}

// Painter returns a function that applies one style.
func (p Paint) Painter(s Style) func(string) string {
	return func(text string) string { return p.Text(s, text) }
}

// StyleOf gives a label one of the colours, the same one each time.
func StyleOf(label string) Style {
	colours := [...]Style{Cyan, Magenta, Yellow, Blue, Green}
	h := fnv.New32a()
	h.Write([]byte(label))
	return colours[h.Sum32()%uint32(len(colours))]
}

// WantColour decides whether to paint: the flag (auto, always or never), then
// NO_COLOR, then CLICOLOR_FORCE, then whether there is a terminal that can.
func WantColour(flag string, env func(string) string, tty bool) Paint {
	switch {
	case flag == "always":
		return true
	case flag == "never" || env("NO_COLOR") != "":
		return false
	case env("CLICOLOR_FORCE") != "" && env("CLICOLOR_FORCE") != "0":
		return true
	}
	return Paint(tty && env("TERM") != "dumb")
}

// Join returns spans one behind the other.
func (p Paint) Join(spans []Span) string {
	var b []byte
	for _, s := range spans {
		b = append(b, p.Text(s.Style, s.Text)...)
	}
	return string(b)
}
