package origin

import (
	"net/url"
	"testing"
)

func TestSame(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"http://a.test/x", "http://A.test:80/y?z", true},
		{"https://a.test", "https://a.test:443", true},
		{"http://[::1]:80/", "http://[::1]/", true},
		{"http://a.test", "https://a.test", false},
		{"http://a.test", "http://a.test:8080", false},
		{"http://a.test", "http://b.test", false},
		{"http://a.test:443", "https://a.test", false},
	} {
		if got := Same(parse(t, tt.a), parse(t, tt.b)); got != tt.same {
			t.Errorf("Same(%s, %s) = %v", tt.a, tt.b, got)
		}
		if a, b := Of(parse(t, tt.a)), Of(parse(t, tt.b)); (a == b) != tt.same {
			t.Errorf("Of(%s) = %s, Of(%s) = %s", tt.a, a, tt.b, b)
		}
	}
}

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
