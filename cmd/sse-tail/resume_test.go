package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFlagsInAGroup: each is one of its own, so that the resume command can leave
// out -n alone.
func TestFlagsInAGroup(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []flagArg
	}{
		{[]string{"-vn", "5", "abc"}, []flagArg{{"verbose", []string{"-v"}}, {"count", []string{"-n", "5"}}}},
		{[]string{"-vn5"}, []flagArg{{"verbose", []string{"-v"}}, {"count", []string{"-n5"}}}},
		{[]string{"-vHA: b"}, []flagArg{{"verbose", []string{"-v"}}, {"header", []string{"-HA: b"}}}},
		{[]string{"-v", "--jq", "-n", "--", "-n"}, []flagArg{{"verbose", []string{"-v"}}, {"jq", []string{"--jq", "-n"}}}},
	} {
		f, _ := parse(t, nil, test.args...)
		if diff := cmp.Diff(test.want, flagArgs(f.fs, test.args), cmp.AllowUnexported(flagArg{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.args, diff)
		}
	}
}

// TestProgramName: a command that is pasted must be found.
func TestProgramName(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for arg0, want := range map[string]string{"./sse-tail": "./sse-tail", "/opt/bin/tail": "/opt/bin/tail", "sse-tail": "sse-tail"} {
		if got := programName(arg0); got != want {
			t.Errorf("%s: got %s, want %s", arg0, got, want)
		}
	}
}
