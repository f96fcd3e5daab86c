package termsvg_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/termsvg"
)

func TestWrite(t *testing.T) {
	const s = time.Second
	var b bytes.Buffer
	err := termsvg.Write(&b, []termsvg.Chunk{
		{0, []byte("$ sse-tail demo\r\n")},
		{1 * s, []byte("\x1b[32mone\x1b[0m & <two>\r\nwaiting \x1b[2")},
		{2 * s, []byte("m3s\x1b[22m")},
		{3 * s, []byte("\r\x1b[2K\x1b[1mthree\x1b[22m\r\n日本 four\r\n")},
	}, termsvg.Options{Title: "a & b", Columns: 40, Rows: 3, Hold: s})
	if err != nil {
		t.Fatal(err)
	}
	svg := b.String()
	for dec := xml.NewDecoder(&b); ; {
		if _, err := dec.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
	}
	for _, want := range []string{
		`<title>a &amp; b</title>`,
		`<tspan x="0.0" class="c32">one</tspan><tspan x="33.6">&amp; &lt;two&gt;</tspan>`,
		`<text y="50" class="l2" visibility="hidden"><tspan x="0.0">waiting </tspan><tspan x="67.2" class="d">3s</tspan>`, // erased
		`@keyframes k2{0%{visibility:hidden}25.000%{visibility:visible}75.000%,100%{visibility:hidden}}`,
		`<tspan x="0.0" class="b">three</tspan>`,
		`75.000%{transform:translateY(-18px)}`, // four rows in three
		`transform="translate(0 -18)"`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in:\n%s", want, svg)
		}
	}
	if strings.Contains(svg, "\x1b") {
		t.Error("an escape sequence is left")
	}
}

func TestNothing(t *testing.T) {
	if err := termsvg.Write(io.Discard, nil, termsvg.Options{}); err == nil {
		t.Error("got nil, want an error")
	}
}
