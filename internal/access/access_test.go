package access

import (
	"cmp"
	"errors"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/target"
)

// TestTrusts says where SSE_TAIL_TOKEN goes.
func TestTrusts(t *testing.T) {
	for _, test := range []struct {
		server string // that the token is for
		target string
		want   bool
	}{
		{"", "https://any.test/x", true},
		{"", "abc", true},
		{"https://one.test", "https://one.test:443/v1/events", true},
		{"https://one.test", "https://ONE.test/x", true},
		{"https://one.test", "abc", true},
		{"https://one.test", "https://one.test.evil/x", false},
		{"https://one.test", "http://one.test/x", false},
		{"https://one.test", "https://one.test:8443/x", false},
		{target.DefaultServer, "https://any.test/x", false},
	} {
		a, err1 := New(Options{EnvToken: "secret", Server: test.server})
		tg, err2 := target.Parse(test.target, cmp.Or(test.server, target.DefaultServer), nil)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if got := a.trusts(tg); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}
