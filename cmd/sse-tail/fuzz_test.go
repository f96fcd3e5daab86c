package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/resume"
	"github.com/OneStepAt4time/resilient-sse/internal/shell"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// FuzzCommandLine throws command lines at the parser: whatever is wrong with one
// is a usage error, and the flags of a good one are found again for the resume
// command.
func FuzzCommandLine(f *testing.F) {
	for _, line := range []string{
		"abc", "-s\x1fhttp://h\x1f-n3\x1f--all", "-qcn\x1f5\x1fhttp://h/x?token=y", "--filter\x1f.a | select(.b)\x1f--jq\x1f.",
		"--initial=1ms\x1f--max\x1f2s\x1f--jitter\x1f0", "-H\x1fA: b\x1f-e\x1fa,b\x1f--color=never", "--last-event-id\x1f\x00", "--exec\x1f'a b' \"c\x1fx",
		"-o\x1ftemplate={{.ID}}", "--\x1f-x", "-X\x1fPOST\x1f-d\x1f{}", "-", "--idle-timeout\x1f0\x1f--follow=false",
	} {
		f.Add(line)
	}
	f.Fuzz(func(tb *testing.T, line string) {
		args := strings.Split(line, "\x1f")
		for _, arg := range args {
			if termsafe.Text(arg) != arg {
				tb.Skip("is quoted for shells, and not for splitWords")
			}
			// No file of the machine's is read.
			if strings.Contains(arg, "@") || strings.Contains(arg, "token-file") || strings.Contains(arg, "cert") || strings.Contains(arg, "key") {
				tb.Skip()
			}
		}
		sys := &system.System{Args: args, Out: io.Discard, Err: io.Discard, Env: func(string) string { return "" }}
		fs := pflag.NewFlagSet("fuzz", pflag.ContinueOnError)
		fs.SetOutput(io.Discard)
		fl := addFlags(fs, new(cmdline.Problems), sys.Env)
		if fs.Parse(args) != nil {
			return
		}
		_, err := fl.follower(sys, fs.Args())
		if err != nil {
			if !is[*cmdline.UsageError](err) || strings.TrimSpace(err.Error()) == "" {
				tb.Errorf("%q: got %v, want a usage error", args, err)
			}
			return
		}
		for _, t := range fl.targets(fs.Args()) {
			command := resume.Command(cmdline.Args(fs, args), t, "1", 3)
			again, err := shell.Split(command)
			if err != nil {
				tb.Fatalf("%q: resume command %s: %v", args, command, err)
			}
			fs := pflag.NewFlagSet("again", pflag.ContinueOnError)
			fl := addFlags(fs, new(cmdline.Problems), sys.Env)
			if err := fs.Parse(again[1:]); err != nil {
				tb.Fatalf("%q: resume command %q: %v", args, again, err)
			}
			own := *sys
			own.Args = again[1:]
			_, err = fl.follower(&own, fs.Args())
			targets := fl.targets(fs.Args())
			if len(targets) == 1 {
				targets[0].Label = t.Label // which tells it from the others that were followed
			}
			if err != nil || len(targets) != 1 || targets[0] != t {
				tb.Fatalf("%q: resume command %q follows another stream, or none: %v", args, again, err)
			}
		}
	})
}
