// Package command is what "sse-tail certify" does: it chooses scenarios, runs the
// client through them, says how far it is, and writes the reports.
package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/catalogue"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/report"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

// Options are what the command line says.
type Options struct {
	Suite   string   // the version of the program
	Command []string // the client
	Only    string   // a regular expression of names; "" is all
	Skip    string   // and one of those left out
	Classes string   // separated by commas; "" is all
	List    bool     // list the chosen scenarios, and run none
	Jobs    int
	Page    string // the folder of the page; "" is none
	JSON    string // files; "" is none
	JUnit   string

	chosen []*scenario.Scenario
}

// DefaultJobs is how many scenarios run at once: they mostly wait.
func DefaultJobs() int { return 2 * runtime.NumCPU() }

// Check adds what is wrong with the options, and chooses the scenarios.
func (o *Options) Check(p *cmdline.Problems) {
	all, err := catalogue.All()
	p.AddError(err)
	only, skip := pattern(p, "only", o.Only), pattern(p, "skip", o.Skip)
	classes := scenario.Classes
	if o.Classes != "" {
		classes = nil
		for name := range strings.SplitSeq(o.Classes, ",") {
			class := scenario.Class(strings.TrimSpace(name))
			if !slices.Contains(scenario.Classes, class) {
				p.Add("--class: %q is none of standard, robust, safe", name)
			}
			classes = append(classes, class)
		}
	}
	o.chosen = nil
	for _, s := range all {
		if slices.Contains(classes, s.Class) && (only == nil || only.MatchString(s.Name)) && (skip == nil || !skip.MatchString(s.Name)) {
			o.chosen = append(o.chosen, s)
		}
	}
	if len(o.Command) == 0 && !o.List {
		p.Add("no client to run: sse-tail certify [flags] -- CMD ARG…")
	}
	if len(o.chosen) == 0 && !p.Any() {
		p.Add("no scenario is chosen; --list without --only, --skip and --class shows all")
	}
}

// pattern reads a regular expression; nil for none.
func pattern(p *cmdline.Problems, flag, text string) *regexp.Regexp {
	if text == "" {
		return nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		p.Add("--%s: %v", flag, err)
	}
	return re
}

// Run runs what Check has chosen and tells whether all of it passes.
func Run(ctx context.Context, sys *system.System, o Options) (passed bool, err error) {
	if o.List {
		for _, s := range o.chosen {
			fmt.Fprintf(sys.Out, "%-9s %s\n", s.Class, s.Name)
		}
		return true, nil
	}
	say := newProgress(sys, len(o.chosen))
	start := time.Now()
	client := &certify.Client{Command: o.Command, Jobs: o.Jobs, Told: say.told}
	results, err := client.Certify(ctx, o.chosen)
	say.clear()
	if err != nil {
		return false, err
	}
	r := report.New(o.Suite, o.Command, start, client.Bounds(), results)
	paint, _ := sys.Paints("auto")
	columns := 0
	if sys.OutTTY && sys.Columns != nil {
		columns = sys.Columns()
	}
	if _, err := sys.Out.Write(r.Table(paint, columns)); err != nil {
		return false, err
	}
	return r.Passed(), o.write(sys, r)
}

// write writes the reports that were asked for.
func (o *Options) write(sys *system.System, r *report.Report) error {
	page := ""
	if o.Page != "" {
		if err := os.MkdirAll(o.Page, 0o755); err != nil {
			return err
		}
		page = filepath.Join(o.Page, "index.html")
	}
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{{page, r.HTML}, {o.JSON, r.JSON}, {o.JUnit, r.JUnit}} {
		if f.path == "" {
			continue
		}
		file, err := os.Create(f.path)
		if err != nil {
			return err
		}
		if err := f.write(file); err != nil {
			file.Close()
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
		fmt.Fprintf(sys.Err, "%swrote %s\n", prefix, f.path)
	}
	return nil
}
