package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// runHere runs the command in this process.
func runHere(env map[string]string, args ...string) (code int, out, said string) {
	var stdout, stderr bytes.Buffer
	code = run(&system.System{Args: args, In: strings.NewReader(""), Out: &stdout, Err: &stderr, Env: func(name string) string { return env[name] }})
	return code, stdout.String(), stderr.String()
}

// All that is wrong is named at once, and nothing is dialled or made.
func TestUsage(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dialled := make(chan bool, 1)
	go func() {
		_, err := l.Accept()
		dialled <- err == nil
	}()
	up := "http://" + l.Addr().String()
	state := t.TempDir()
	missing := filepath.Join(state, "missing")
	bad := filepath.Join(state, "bad")
	if err := os.WriteFile(bad, []byte("SECRET [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		want []string
	}{
		{"", []string{"nothing to follow: give --upstream URL"}},
		{"--upstream " + up, []string{"nothing of --upstream is followed: give --all, or ids of sessions"}},
		{"--all", []string{"--all: there is no --upstream"}},
		{"abc", []string{`"abc": a session needs the server that it is on: --upstream URL`}},
		{"--upstream " + up + " --all abc", []string{"--all and abc contradict each other"}},
		{"--upstream " + up + " demo-*", []string{`"demo-*": patterns are not followed: give --all, or ids`}},
		{"--upstream me:SECRET@h --all", []string{"--upstream: not the URL of a server"}},
		{"http://127.0.0.1:1/events", []string{"a plain stream needs a name that readers know it by: NAME=URL"}},
		{"a=http://127.0.0.1:1/x a=http://127.0.0.1:1/y", []string{"a: it names two streams"}},
		{"a=http://127.0.0.1:1/v1/sessions/abc/events", []string{"a: it is a session's stream: give --upstream http://127.0.0.1:1 and the id abc"}},
		{"--upstream " + up + " --all --max-age -1h --max-events 0 --max-bytes x --replicas 2 --listen 9110 --admin a --log-format xml --upstream-streams 0", []string{
			"8 things are wrong", "--max-age: -1h is negative", `--max-events: "0"`, `--max-bytes: "x"`, "--replicas: 2 is none of 1, 3 and 5", `--listen: "9110"`, `--admin: "a"`, `--log-format: "xml"`, "--upstream-streams: 0",
		}},
		{"--upstream " + up + " --all --nats a --store b --sync always --store-limit 1G", []string{
			"--store and --nats contradict", "--store-limit and --nats contradict", "--sync and --nats contradict",
		}},
		{"--upstream " + up + " --all --replicas 3 --nats-user me --nats-creds x --nats-nkey y --alone", []string{
			"--nats-creds and --nats-nkey contradict", "--nats-creds: there is no --nats", "--nats-user: there is no --nats", "--alone: there is no --nats", "--replicas: there is no --nats", "--nats-user: no password for me",
		}},
		{"--upstream " + up + " --all --nats nats://me:SECRET@:1", []string{"--nats: not URLs of NATS servers"}},
		{"--upstream " + up + " --all --nats a --prefix a..b --nats-creds " + missing + " --nats-cacert " + missing, []string{"--prefix: prefix \"a..b\" has an empty token", "--nats-creds: open " + missing, "--nats-cacert: open " + missing}},
		{"--upstream " + up + " --all --reader-tokens " + bad + " --tls-cert " + missing + " --token-file " + missing, []string{
			"--reader-tokens: " + bad + `, line 1: "[" is no pattern`, "--tls-cert: there is no --tls-key", "--tls-cert: open " + missing, "--token-file: open " + missing,
		}},
		{"--upstream " + up + " --all --sse-token", []string{"--sse-token: exchanges a token, and there is none for"}},
		{"--upstream " + up + " --all --token x", []string{"--token: no such flag here; other users see arguments"}},
		{"--upstrea " + up + " --all", []string{"--upstrea: no such flag; did you mean --upstream?"}},
		{"version x", []string{`version takes no arguments, and "x" is one`}},
	} {
		code, out, said := runHere(map[string]string{"XDG_STATE_HOME": state}, strings.Fields(test.args)...)
		if code != exitUsage || out != "" {
			t.Errorf("%s: exit code %d, %q", test.args, code, out)
		}
		for _, want := range test.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: got\n%swant %s", test.args, said, want)
			}
		}
		if strings.Contains(said, "SECRET") {
			t.Errorf("%s: a secret was said:\n%s", test.args, said)
		}
	}
	if _, err := os.Stat(filepath.Join(state, "sse-relay")); err == nil {
		t.Error("a store was made")
	}
	l.Close()
	if <-dialled {
		t.Error("upstream was dialled")
	}
}

func TestHelp(t *testing.T) {
	code, out, said := runHere(nil, "--help")
	if code != 0 || said != "" {
		t.Fatalf("exit code %d: %s", code, said)
	}
	for line := range strings.Lines(out) {
		if w := termsafe.Width(strings.TrimSuffix(line, "\n")); w > 85 {
			t.Errorf("%d columns: %s", w, line)
		}
	}
	root := newRoot(&system.System{Env: func(string) string { return "" }})
	for _, g := range cmdline.Groups(root.Flags()) {
		for _, f := range g.Flags {
			if !strings.Contains(out, "--"+f.Name) {
				t.Errorf("--help does not name --%s", f.Name)
			}
		}
	}
	if code, out, _ := runHere(nil, "version"); code != 0 || !strings.HasPrefix(out, "sse-relay ") {
		t.Errorf("version: %d, %q", code, out)
	}
}
