package filter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDataIsJSONOrAString: JSON with anything behind it is none.
func TestDataIsJSONOrAString(t *testing.T) {
	for _, data := range []string{`{"a":1}}`, `[1]]`, `1 2`, `{"a":1} x`, ``, `{`} {
		if diff := cmp.Diff(any(data), decode(data)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", data, diff)
		}
	}
	if diff := cmp.Diff(any(map[string]any{"a": true}), decode(` {"a":true} `)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
