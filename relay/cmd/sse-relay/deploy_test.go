package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	natsd "github.com/nats-io/nats-server/v2/server"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v2"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
)

const deploy = "../../deploy/"

func deployed(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(deploy + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// goodArgs wants a command line to make sense.
func goodArgs(t *testing.T, args []string) {
	t.Helper()
	p := new(cmdline.Problems)
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := newFlags(fs, p, func(string) string { return "" })
	if err := fs.Parse(args); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	f.options(fs.Args())
	if err := p.Err(); err != nil {
		t.Errorf("%q: %v", args, err)
	}
}

func TestComposeFile(t *testing.T) {
	var file struct {
		Services map[string]struct {
			Build       map[string]string
			Image       string
			Command     []string
			Volumes     []string
			Environment map[string]string
			Ports       []string
			DependsOn   []string `yaml:"depends_on"`
		}
		Volumes map[string]any
	}
	if err := yaml.Unmarshal([]byte(deployed(t, "compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	preset := regexp.MustCompile(`\$\{\w+:-([^}]*)\}`)
	relays := 0
	for name, s := range file.Services {
		for _, other := range s.DependsOn {
			if _, ok := file.Services[other]; !ok {
				t.Errorf("%s needs %s, which there is not", name, other)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, named := file.Volumes[from]; named {
				continue
			}
			if _, err := os.Stat(filepath.Join(deploy, from)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s.Build == nil {
			if s.Image == "" || s.Environment["SERVER_NAME"] != name {
				t.Errorf("%s: image %q, server %q", name, s.Image, s.Environment["SERVER_NAME"])
			}
			continue
		}
		relays++
		for _, path := range []string{s.Build["context"] + "/go.mod", s.Build["context"] + "/" + s.Build["dockerfile"]} {
			if _, err := os.Stat(filepath.Join(deploy, path)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		args := make([]string, len(s.Command))
		for i, arg := range s.Command {
			args[i] = preset.ReplaceAllString(arg, "$1")
		}
		goodArgs(t, args)
	}
	if relays != 2 || len(file.Services) != 5 {
		t.Errorf("%d relays among %d services", relays, len(file.Services))
	}
}

func TestNATSConfiguration(t *testing.T) {
	t.Setenv("SERVER_NAME", "nats1")
	o, err := natsd.ProcessConfigFile(deploy + "nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	if o.ServerName != "nats1" || !o.JetStream || !o.SyncAlways || len(o.Routes) != 3 || o.MaxPayload != 20<<20 {
		t.Errorf("got name %s, JetStream %v, sync %v, %d routes, payload %d", o.ServerName, o.JetStream, o.SyncAlways, len(o.Routes), o.MaxPayload)
	}
}

func TestUnit(t *testing.T) {
	text := deployed(t, "sse-relay.service")
	preset := map[string]string{"ARGS": "", "MAINPID": "1"}
	for _, m := range regexp.MustCompile(`(?m)^Environment=(\w+)=(.*)$`).FindAllStringSubmatch(text, -1) {
		preset[m[1]] = m[2]
	}
	m := regexp.MustCompile(`(?m)^ExecStart=(\S+) (.*)$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatal("no ExecStart")
	}
	line := strings.ReplaceAll(m[2], "%S", t.TempDir())
	goodArgs(t, strings.Fields(os.Expand(line, func(name string) string {
		value, ok := preset[name]
		if !ok {
			t.Errorf("ExecStart has $%s, which is not set", name)
		}
		return value
	})))
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not there")
	}
	unit := writeUnit(t, strings.ReplaceAll(text, m[1], os.Args[0]))
	if out, err := exec.Command(analyze, "verify", unit).CombinedOutput(); err != nil || strings.Contains(string(out), filepath.Base(unit)) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func writeUnit(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sse-relay.service")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
