package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/demo"
)

// textOf is what an SVG says, a line for each of the terminal's. Gaps are none: they
// are places of words there.
func textOf(t *testing.T, svg []byte) string {
	t.Helper()
	var b strings.Builder
	inside := false
	for dec := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := dec.Token()
		switch token := token.(type) {
		case xml.StartElement:
			inside = inside || token.Name.Local == "text"
		case xml.CharData:
			if inside {
				b.Write(token)
			}
		case xml.EndElement:
			if token.Name.Local == "text" {
				inside = false
				b.WriteByte('\n')
			}
		}
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
}

// TestDraw runs a command on a terminal of the picture's size.
func TestDraw(t *testing.T) {
	for _, tool := range []string{"script", "stty"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	var svg bytes.Buffer
	if err := draw(&svg, `sh -c 'stty size; test -t 1 && printf "\033[32mgreen\033[0m on a terminal\n"'`); err != nil {
		t.Fatal(err)
	}
	if got := textOf(t, svg.Bytes()); !strings.Contains(got, "30 96\n") || !strings.Contains(got, "greenon a terminal\n") {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(svg.String(), `class="c32">green<`) {
		t.Errorf("no colour in:\n%s", svg.String())
	}
	if err := draw(io.Discard, "false"); err == nil {
		t.Error("a command that fails: got nil, want an error")
	}
}

// TestPicture holds the picture of the README to what the demo does.
func TestPicture(t *testing.T) {
	svg, err := os.ReadFile("../../docs/demo.svg")
	if err != nil {
		t.Fatal(err)
	}
	text := textOf(t, svg)
	for _, arg := range demo.Args {
		if !strings.Contains(text, arg) {
			t.Errorf("no %s in the picture; go run ./internal/demosvg docs/demo.svg", arg)
		}
	}
	for _, want := range []string{
		`(?m)^emitted +37`, `(?m)^cuts +7`, `(?m)^lost +0$`, `(?m)^repeated +0$`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in the picture; go run ./internal/demosvg docs/demo.svg:\n%s", want, text)
		}
	}
	if strings.Contains(text, `{"`) {
		t.Errorf("JSON is no picture of a session:\n%s", text)
	}
	if strings.Contains(string(svg), os.TempDir()) {
		t.Error("the picture names the folder that it was made in")
	}
}
