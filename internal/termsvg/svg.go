package termsvg

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Options of an SVG.
type Options struct {
	Title         string
	Columns, Rows int
	Hold          time.Duration // how long the end is shown before it begins again
}

// Sizes, in pixels.
const (
	cell   = 8.4
	high   = 18
	margin = 14
	bar    = 30 // of the title
)

var colours = map[int]string{31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd"}

// Write writes the SVG of what was written to a terminal.
func Write(w io.Writer, chunks []Chunk, o Options) error {
	lines, rows := play(chunks)
	if len(lines) == 0 {
		return fmt.Errorf("termsvg: nothing was written")
	}
	end := chunks[len(chunks)-1].At
	p := picture{Options: o, total: end + o.Hold}
	width, height := float64(o.Columns)*cell+2*margin, o.Rows*high+bar+2*margin
	var body bytes.Buffer
	for i, l := range lines {
		p.line(&body, i, l)
	}
	last := max(rows-o.Rows, 0)
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 %.0f %d" width="%.0f" height="%d" role="img">`+"\n<title>%s</title>\n<style>\n", width, height, width, height, text(o.Title))
	fmt.Fprintf(&out, "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#c9d1d9;white-space:pre}.b{font-weight:700}.d{opacity:.6}.i{font-style:italic}\n")
	for _, code := range []int{31, 32, 33, 34, 35, 36} {
		fmt.Fprintf(&out, ".c%d{fill:%s}", code, colours[code])
	}
	out.WriteString("\n")
	out.Write(p.css.Bytes())
	p.scroll(&out, lines, last)
	fmt.Fprintf(&out, "</style>\n<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"#0d1117\"/>\n")
	for i, colour := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&out, `<circle cx="%d" cy="18" r="6" fill="%s"/>`, 20+i*20, colour)
	}
	fmt.Fprintf(&out, "\n<text x=\"50%%\" y=\"23\" text-anchor=\"middle\" class=\"d\">%s</text>\n", text(o.Title))
	fmt.Fprintf(&out, `<svg x="%d" y="%d" width="%.0f" height="%d"><g class="scroll" transform="translate(0 %d)">`+"\n", margin, bar+margin/2, width-2*margin, o.Rows*high+4, -last*high)
	out.Write(body.Bytes())
	out.WriteString("</g></svg>\n</svg>\n")
	_, err := w.Write(out.Bytes())
	return err
}

type picture struct {
	Options
	total time.Duration
	css   bytes.Buffer
}

// percent is a time as a share of the whole.
func (p *picture) percent(t time.Duration) string {
	return fmt.Sprintf("%.3f%%", 100*float64(t)/float64(p.total))
}

// line draws a line, and when it is to be seen. One that was erased is not there
// where nothing is animated.
func (p *picture) line(b *bytes.Buffer, i int, l line) {
	gone := ""
	if l.til > 0 {
		gone = ` visibility="hidden"`
	}
	fmt.Fprintf(b, `<text y="%d" class="l%d"%s>`, l.row*high+14, i, gone)
	column := 0
	for _, r := range l.runs {
		n := width([]run{r})
		words := strings.TrimLeft(r.text, " ")
		if at := column + len(r.text) - len(words); words != "" {
			fmt.Fprintf(b, `<tspan x="%.1f"%s>%s</tspan>`, float64(at)*cell, r.style.class(), text(words))
		}
		column += n
	}
	b.WriteString("</text>\n")
	if l.til > 0 {
		fmt.Fprintf(&p.css, "@keyframes k%d{0%%{visibility:hidden}%s{visibility:visible}%s,100%%{visibility:hidden}}", i, p.percent(l.from), p.percent(l.til))
	} else {
		fmt.Fprintf(&p.css, "@keyframes k%d{0%%{visibility:hidden}%s,100%%{visibility:visible}}", i, p.percent(l.from))
	}
	fmt.Fprintf(&p.css, ".l%d{animation:k%d %.2fs step-end infinite}\n", i, i, p.total.Seconds())
}

// scroll moves everything up as rows are added.
func (p *picture) scroll(w io.Writer, lines []line, last int) {
	moves := slices.Clone(lines)
	slices.SortStableFunc(moves, func(a, b line) int { return int(a.from - b.from) })
	fmt.Fprint(w, "@keyframes scroll{0%{transform:translateY(0)}")
	at := 0
	for _, l := range moves {
		if up := min(l.row+1-p.Rows, last); up > at {
			at = up
			fmt.Fprintf(w, "%s{transform:translateY(%dpx)}", p.percent(l.from), -at*high)
		}
	}
	fmt.Fprintf(w, "100%%{transform:translateY(%dpx)}}\n.scroll{animation:scroll %.2fs step-end infinite}\n", -last*high, p.total.Seconds())
}

func (s style) class() string {
	var names []string
	if s.bold {
		names = append(names, "b")
	}
	if s.dim {
		names = append(names, "d")
	}
	if s.italic {
		names = append(names, "i")
	}
	if colours[s.colour] != "" {
		names = append(names, fmt.Sprintf("c%d", s.colour))
	}
	if names == nil {
		return ""
	}
	return ` class="` + strings.Join(names, " ") + `"`
}

// text is text in XML.
func text(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder has no errors
	return b.String()
}
