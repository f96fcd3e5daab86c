package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

func newVersion(sys *system.System, p *cmdline.Problems) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Long:  "Say which version this is, of which commit, and what it was built with.",
		Args:  cmdline.NoArgs(p),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(sys.Out, "sse-tail %s\n", version())
			return err
		},
	}
	cmdline.NamesAllFlags(cmd, p, sys.Args, func([]string) {})
	return cmd
}

// version is what the build knows of itself: the module's version, or the commit
// that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
		revision, modified := "", ""
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				revision = s.Value[:min(len(s.Value), 12)]
			case "vcs.modified":
				if s.Value == "true" {
					modified = ", modified"
				}
			}
		}
		if revision != "" {
			v += " (" + revision + modified + ")"
		}
	}
	return fmt.Sprintf("%s %s %s/%s", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// release is the version in one word, for servers.
func release() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
