package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
)

// parse reads a command line's flags, and what is wrong with it.
func parse(t *testing.T, env map[string]string, args ...string) (*flags, []string) {
	t.Helper()
	p := new(cmdline.Problems)
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := addFlags(fs, p, func(name string) string { return env[name] })
	if err := fs.Parse(args); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	f.check()
	return f, p.List()
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
