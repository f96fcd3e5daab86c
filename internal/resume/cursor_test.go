package resume

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// TestPositionIsKeptBehindTheOutput has an output that fails: what it has not
// taken is not done.
func TestPositionIsKeptBehindTheOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor")
	full := errors.New("disk full")
	var broken error
	c := InFile(path)
	c.Flush = func() error { return broken }
	defer c.Close()
	save := func(id string) error { return c.Save(t.Context(), "target", client.Position{LastEventID: id}) }
	if err := save("1"); err != nil {
		t.Fatal(err)
	}
	broken = full
	if err := save("2"); !errors.Is(err, full) {
		t.Errorf("Save: got %v, want %v", err, full)
	}
	if p, ok, err := c.Load(t.Context(), "target"); p.LastEventID != "1" || !ok || err != nil {
		t.Errorf("Load: got %+v, %v, %v; want event 1", p, ok, err)
	}
}

func TestStateDir(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/sse-tail"},
		{map[string]string{"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/sse-tail"},
		{map[string]string{"HOME": "/h"}, "/h/.local/state/sse-tail"},
		{nil, ""},
	} {
		got, err := stateDir(func(name string) string { return test.env[name] })
		if filepath.ToSlash(got) != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%v: got %q, %v; want %q", test.env, got, err, test.want)
		}
	}
}
