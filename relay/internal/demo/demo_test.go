package demo

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

// fastDemo is the demo without the pauses that are for eyes, and with readers for whom
// the race detector has time.
func fastDemo(s []stroke) (d *demo, out, said *bytes.Buffer) {
	out, said = new(bytes.Buffer), new(bytes.Buffer)
	d = newDemo(&system.System{Out: out, Err: said, Env: func(string) string { return "" }})
	d.strokes, d.crowd = s, 16
	return d, out, said
}

func TestDemo(t *testing.T) {
	d, out, said := fastDemo(strokes)
	if err := d.run(t.Context()); err != nil {
		t.Fatalf("got %v, want nil\n%s%s", err, said, out)
	}
	for _, want := range []string{
		`(?m)^  emitted +[1-9]`, `(?m)^  strokes +6  readers cut, upstream cut, server stopped, relay killed, upstream restarted, all back$`,
		`(?m)^  lost +0$`, `(?m)^  repeated +0$`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no %s in:\n%s", want, out)
		}
	}
	if n := strings.Count(said.String(), "all readers have everything"); n != len(strokes) {
		t.Errorf("readers were up to date %d times, want %d:\n%s", n, len(strokes), said)
	}
}
