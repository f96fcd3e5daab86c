package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/backoff"
)

// parse reads a command line's flags, and what is wrong with it.
func parse(t *testing.T, env map[string]string, args ...string) (*flags, []string) {
	t.Helper()
	p := new(problems)
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := addFlags(fs, p, func(name string) string { return env[name] })
	if err := fs.Parse(args); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	f.check()
	return f, p.list
}

func TestPolicyOfFlags(t *testing.T) {
	for _, test := range []struct {
		args []string
		want backoff.Policy
	}{
		{nil, backoff.Policy{Initial: time.Second, Max: 30 * time.Second, Jitter: 0.5, GiveUp: 5 * time.Minute}},
		{[]string{"--max", "200ms"}, backoff.Policy{Initial: 200 * time.Millisecond, Max: 200 * time.Millisecond, Jitter: 0.5, GiveUp: 5 * time.Minute}},
		{[]string{"--initial", "1m"}, backoff.Policy{Initial: time.Minute, Max: time.Minute, Jitter: 0.5, GiveUp: 5 * time.Minute}},
		{[]string{"--jitter", "0", "--give-up", "0"}, backoff.Policy{Initial: time.Second, Max: 30 * time.Second, Jitter: backoff.NoJitter, GiveUp: backoff.Never}},
	} {
		f, problems := parse(t, nil, test.args...)
		if got := f.policy(); got != test.want || len(problems) > 0 {
			t.Errorf("%q: got %+v and %q, want %+v", test.args, got, problems, test.want)
		}
		if err := test.want.Validate(); err != nil {
			t.Errorf("%q: %v", test.args, err)
		}
	}
}

func TestTargets(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []target
	}{
		{[]string{"abc"}, []target{{arg: "abc", label: "abc", base: defaultServer, id: "abc", origin: defaultServer}}},
		{[]string{"https://h/p/v1/sessions/a%2Fb/events?token=x"}, []target{{
			arg: "https://h/p/v1/sessions/a%2Fb/events?token=x", label: "a/b", base: "https://h/p?token=x", id: "a/b", origin: "https://h:443",
		}}},
		{[]string{"http://h:81/news?x=1"}, []target{{arg: "http://h:81/news?x=1", label: "h:81/news", url: "http://h:81/news?x=1", origin: "http://h:81"}}},
	} {
		f, _ := parse(t, nil)
		got := f.targets(test.args)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(target{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.args, diff)
		}
	}
}

// TestTrusts says where SSE_TAIL_TOKEN goes.
func TestTrusts(t *testing.T) {
	for _, test := range []struct {
		server string // $SSE_TAIL_SERVER
		args   []string
		target string
		want   bool
	}{
		{"", nil, "https://any.test/x", true},
		{"", nil, "abc", true},
		{"https://one.test", nil, "https://one.test:443/v1/events", true},
		{"https://one.test", nil, "https://ONE.test/x", true},
		{"https://one.test", nil, "abc", true},
		{"https://one.test", nil, "https://one.test.evil/x", false},
		{"https://one.test", nil, "http://one.test/x", false},
		{"https://one.test", nil, "https://one.test:8443/x", false},
		{"https://one.test", []string{"-s", "https://two.test"}, "https://one.test/x", false},
		{defaultServer, nil, "https://any.test/x", false},
	} {
		f, _ := parse(t, map[string]string{"SSE_TAIL_SERVER": test.server}, test.args...)
		if got := f.trusts(f.targets([]string{test.target})[0]); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}

func TestBadValuesAreNamed(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-n", "0"}, `-n, --count: "0" is not a number of events, 1 or more`},
		{[]string{"--give-up", "5"}, `--give-up: "5" is not a duration such as 500ms, 90s or 5m`},
		{[]string{"--jitter", "NaN"}, `--jitter: "NaN" is not a number from 0 to 100`},
		{[]string{"-e", "a,,b"}, `-e, --event: "a,,b" has an empty kind`},
		{[]string{"-H", "A B: secret"}, `-H, --header: "A B" is not a header's name`},
		{[]string{"--last-event-id", "a\nb"}, `--last-event-id: "a\nb" has a control character`},
		{[]string{"--follow", "--exit-on-end"}, `--follow and --exit-on-end contradict each other`},
	} {
		_, problems := parse(t, nil, test.args...)
		if diff := cmp.Diff([]string{test.want}, problems); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.args, diff)
		}
	}
}

func TestNearestFlag(t *testing.T) {
	f, _ := parse(t, nil)
	for name, want := range map[string]string{
		"sever": "server", "outptu": "output", "givup": "give-up", "time": "timestamps", "bar": "", "xyzzy": "",
	} {
		if got := nearest(f.fs, name); got != want {
			t.Errorf("nearest(%q): got %q, want %q", name, got, want)
		}
	}
}

func TestShownSecrets(t *testing.T) {
	args := []string{"-H", "Authorization: x", "-HX-Api-Key: y", "--header=Cookie: z", "--header", "X-Trace: 1", "-H", "@/dev/null", "abc"}
	f, problems := parse(t, nil, args...)
	got := f.shownSecrets(args)
	if diff := cmp.Diff([]string{"Authorization", "X-Api-Key", "Cookie"}, got); diff != "" || len(problems) > 0 {
		t.Errorf("%q (-want +got):\n%s", problems, diff)
	}
}
