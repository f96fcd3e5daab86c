package target

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTargets(t *testing.T) {
	for _, test := range []struct {
		arg  string
		want Target
	}{
		{"abc", Target{Arg: "abc", Label: "abc", Base: DefaultServer, ID: "abc", Origin: DefaultServer}},
		{"https://h/p/v1/sessions/a%2Fb/events?token=x", Target{
			Arg: "https://h/p/v1/sessions/a%2Fb/events?token=x", Label: "a/b", Base: "https://h/p?token=x", ID: "a/b", Origin: "https://h:443",
		}},
		{"http://h:81/news?x=1", Target{Arg: "http://h:81/news?x=1", Label: "h:81/news", URL: "http://h:81/news?x=1", Origin: "http://h:81"}},
	} {
		got, err := Parse(test.arg, DefaultServer)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", test.arg, err, diff)
		}
	}
}
