package target

import (
	"strings"
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
		{"demo-*", Target{Arg: "demo-*", Label: "all", Base: DefaultServer, Pattern: "demo-*", Origin: DefaultServer}},
		{"env:EVENTS", Target{Arg: "env:EVENTS", Label: "h/x", URL: "https://h/x?key=y", Origin: "https://h:443"}},
		{"prod=env:EVENTS", Target{Arg: "prod=env:EVENTS", Label: "prod", URL: "https://h/x?key=y", Origin: "https://h:443"}},
		{"prod=http://h:81/v1/sessions/a/events", Target{Arg: "prod=http://h:81/v1/sessions/a/events", Label: "prod", Base: "http://h:81", ID: "a", Origin: "http://h:81"}},
		{"http://h:81/?a=http://x", Target{Arg: "http://h:81/?a=http://x", Label: "h:81", URL: "http://h:81/?a=http://x", Origin: "http://h:81"}},
		{"-", Target{Arg: "-", Label: "-", Saved: true}},
	} {
		got, err := Parse(test.arg, DefaultServer, func(name string) string { return map[string]string{"EVENTS": "https://h/x?key=y"}[name] })
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", test.arg, err, diff)
		}
	}
}

// TestDistinct: what is told apart by its query alone has labels that differ.
func TestDistinct(t *testing.T) {
	for _, test := range []struct{ args, want []string }{
		{[]string{"http://h/x?stream=a&key=s", "http://h/x?stream=b", "http://h/y"}, []string{"h/x?stream=a&key=***", "h/x?stream=b", "h/y"}},
		{[]string{"abc", "http://other/v1/sessions/abc/events", "abc"}, []string{"127.0.0.1:9100/abc", "other/abc"}},
		{[]string{"http://h/x?key=1", "http://h/x?key=2"}, []string{"h/x?key=***#1", "h/x?key=***#2"}},
		{[]string{"http://h/x", "https://h/x"}, []string{"http://h/x", "https://h/x"}},
		{[]string{"a=http://h/x", "a=http://h/y"}, []string{"a#1", "a#2"}},
	} {
		var list []Target
		for _, arg := range test.args {
			tg, err := Parse(arg, DefaultServer, nil)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, tg)
		}
		var got []string
		for _, tg := range Distinct(list) {
			got = append(got, tg.Label)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.args, diff)
		}
	}
}

func TestReferenceKeepsItsSecret(t *testing.T) {
	env := func(string) string { return "http://h:bad/?key=secret" }
	if _, err := Parse("env:X", "", env); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	if _, err := Parse("@/nowhere/url", "", env); err == nil {
		t.Error("no error for a file that is not there")
	}
}
