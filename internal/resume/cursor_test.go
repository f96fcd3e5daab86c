package resume

import (
	"path/filepath"
	"testing"
)

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
