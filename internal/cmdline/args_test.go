package cmdline

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// followFlags are some flags of each sort.
func followFlags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	g := Group{Name: "test", Flags: fs, Problems: new(Problems)}
	g.Toggle(new(bool), "verbose", "v", "")
	g.Count(new(int), "count", "n", "")
	g.List(new([]string), "header", "H", "", func(s string) ([]string, error) { return []string{s}, nil })
	for _, name := range []string{"jq", "server", "output", "give-up", "timestamps"} {
		g.Text(new(string), name, "", "")
	}
	return fs
}

// TestFlagsInAGroup: each is one of its own, so that the resume command can leave
// out -n alone.
func TestFlagsInAGroup(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []Arg
	}{
		{[]string{"-vn", "5", "abc"}, []Arg{{"verbose", []string{"-v"}}, {"count", []string{"-n", "5"}}}},
		{[]string{"-vn5"}, []Arg{{"verbose", []string{"-v"}}, {"count", []string{"-n5"}}}},
		{[]string{"-vHA: b"}, []Arg{{"verbose", []string{"-v"}}, {"header", []string{"-HA: b"}}}},
		{[]string{"-v", "--jq", "-n", "--", "-n"}, []Arg{{"verbose", []string{"-v"}}, {"jq", []string{"--jq", "-n"}}}},
	} {
		fs := followFlags()
		if diff := cmp.Diff(test.want, Args(fs, test.args)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.args, diff)
		}
	}
}

func TestNearestFlag(t *testing.T) {
	fs := followFlags()
	for name, want := range map[string]string{
		"sever": "server", "outptu": "output", "givup": "give-up", "time": "timestamps", "bar": "", "xyzzy": "",
	} {
		if got := nearest(fs, name); got != want {
			t.Errorf("nearest(%q): got %q, want %q", name, got, want)
		}
	}
}

func TestNear(t *testing.T) {
	names := []string{"demo", "serve", "doctor", "sessions", "version", "help"}
	for word, want := range map[string]string{
		"docotr": "doctor", "doctr": "doctor", "srve": "serve", "session": "sessions", "verison": "version", "hepl": "help", "demoo": "demo",
		"demo": "", "demo-1": "", "demo1": "", "abc": "", "": "", "doc": "", "aaa": "",
	} {
		if got := Near(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
