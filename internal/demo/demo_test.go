package demo

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/filter"
	"github.com/OneStepAt4time/resilient-sse/internal/render"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/tail"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// fastDemo is the demo without the pauses that are for eyes.
func fastDemo(t *testing.T, cuts []cut) (d demo, out, said *bytes.Buffer) {
	t.Helper()
	out, said = new(bytes.Buffer), new(bytes.Buffer)
	a, err1 := access.New(access.Options{})
	f, err2 := filter.New(filter.Options{})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return demo{cuts: cuts, pause: between(time.Millisecond, 20*time.Millisecond), follow: tail.Options{
		System: &system.System{Out: out, Err: said, Env: func(string) string { return "" }}, Prefix: "sse-tail: ",
		Source: client.Options{
			Backoff:  backoff.Policy{Initial: 150 * time.Millisecond, Max: time.Second, GiveUp: 30 * time.Second},
			Timeouts: client.Timeouts{Idle: time.Second},
		},
		Access: a, Filter: f, Print: true, Render: render.Options{Format: "text"}, Color: "auto",
	}}, out, said
}

func TestDemo(t *testing.T) {
	d, out, said := fastDemo(t, cuts)
	if err := d.run(t.Context()); err != nil {
		t.Fatalf("got %v, want nil\n%s%s", err, out, said)
	}
	for _, want := range []string{
		`(?m)^  emitted    37 `, `(?m)^  received   37 `, `(?m)^  cuts        7  cut inside an event, reset, silence, .*503$`,
		`(?m)^  resumed     7 `, `(?m)^  replayed +[1-9]`, `(?m)^  lost        0$`, `(?m)^  repeated    0$`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no %s in:\n%s", want, out)
		}
	}
	if n := strings.Count(said.String(), "resumed after"); n != len(cuts) {
		t.Errorf("%d times resumed, want %d:\n%s", n, len(cuts), said)
	}
}

// TestDemoIsHonest has servers that do what a client cannot mend, and a cut that
// does not take place: the demo must not hide it.
func TestDemoIsHonest(t *testing.T) {
	for _, test := range []struct {
		name string
		cut  cut
		want string
	}{
		{"event lost", cut{3, "drop", "", injects(fault.Drop())}, "the demo failed: 1 event lost"},
		{"order", cut{3, "reorder", "", injects(fault.Reorder())}, "the demo failed: 1 event out of order"},
		{"cut that never was", cut{3, "nothing", "", func(*testserver.Server) func() int { return func() int { return 0 } }}, "the demo failed: no cut of the kind: nothing"},
	} {
		d, out, said := fastDemo(t, []cut{test.cut})
		if err := d.run(t.Context()); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s\n%s%s", test.name, err, test.want, out, said)
		}
	}
}
