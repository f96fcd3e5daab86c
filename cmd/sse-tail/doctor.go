package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/doctor"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/mask"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// listenTime is long enough for the heartbeats that servers send every 30 s.
const listenTime = 35 * time.Second

func newDoctor(sys *system.System, p *cmdline.Problems) *cobra.Command {
	var f *flags
	listen, format := listenTime, "text"
	cmd := &cobra.Command{
		Use:   "doctor [flags] URL|SESSION-ID",
		Short: "Find out why a stream does not arrive as it should",
		Long: `Listen to a stream for some time, and say of everything that can be wrong with
one what was seen, what it means and what to change: the way there, status,
content type, buffering, compression, heartbeat, ids, replay, idle timeouts.

Ctrl-C ends the listening; what was seen so far is judged.
Exit codes: 0 nothing found, 1 warnings, 2 faults.`,
		Example: `  sse-tail doctor https://example.com/events
  sse-tail doctor --for 2m -s http://127.0.0.1:9100 abc  finds idle timeouts too`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := newDiagnosis(sys, f, args)
			if err != nil {
				return err
			}
			d.probe.For, d.json = listen, format == "json"
			return d.run(cmd.Context())
		},
	}
	f = newFlags(cmd.Flags(), p, sys.Env)
	f.addAccess()
	f.addRequest()
	g := f.group("doctor")
	g.Duration(&listen, "for", "how long to listen, `D`; 0: until Ctrl-C or the end")
	g.Choice(&format, "output", "o", "`FORM` of the findings: text or json", "text", "json")
	cmdline.NamesAllFlags(cmd, p, sys.Args, func(args []string) { newDiagnosis(sys, f, args) })
	return cmd
}

// A diagnosis is one run of doctor.
type diagnosis struct {
	sys   *system.System
	url   *url.URL
	probe doctor.Options
	json  bool
}

func newDiagnosis(sys *system.System, f *flags, args []string) (*diagnosis, error) {
	f.configure(sys)
	targets := f.targets(args)
	f.ownTransport = true
	a := f.access(sys.Env)
	if len(targets) > 1 {
		f.problems.Add("doctor looks at one stream at a time")
	}
	body := f.readData()
	opts := client.Options{Request: client.Request{Header: f.requestHeader(a, body)}}
	d := &diagnosis{sys: sys}
	if len(targets) == 1 {
		f.problems.AddError(a.Apply(&opts, targets[0]))
		var err error
		if d.url, err = targets[0].Address(); err != nil {
			f.problems.AddError(err)
		} else if d.url.Scheme != "http" && d.url.Scheme != "https" {
			f.problems.Add("%q is neither http nor https", d.url.Scheme)
		}
	}
	d.probe = doctor.Options{
		Transport: a.Transport(), Header: opts.Request.Header, Prepare: opts.Request.Prepare, Mask: mask.URL,
		Proxy: a.Transport().Proxy, Method: f.method, Body: body,
	}
	if f.given("data") && f.method == "" {
		d.probe.Method = http.MethodPost
	}
	return d, f.problems.Err()
}

// run probes and says what was found.
func (d *diagnosis) run(ctx context.Context) error {
	_, errPaint := d.sys.Paints("auto")
	c := d.sys.Console(nil)
	said := false
	d.probe.Progress = func(left time.Duration) {
		text := prefix + "listening"
		if left >= 0 {
			text += " for another " + explain.Duration(max(left, time.Second).Round(time.Second))
		}
		text += "; Ctrl-C: judge what was seen so far"
		c.Live(text, errPaint.Painter(console.Dim))
		if !said && !d.sys.ErrTTY {
			c.Say(text)
		}
		said = true
	}
	o := doctor.Probe(ctx, d.url, d.probe)
	if t, ok := d.probe.Transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	if o.Err != nil && ctx.Err() != nil { // nothing was seen yet
		return context.Cause(ctx)
	}
	checks := doctor.Diagnose(o)
	c.Live("", nil)
	code := doctor.ExitCode(checks)
	if d.json {
		d.printJSON(c, o, checks, code)
	} else {
		d.printText(c, checks)
	}
	if err := c.Flush(); err != nil || code == 0 {
		return err
	}
	return &cmdline.Said{Code: code}
}

func (d *diagnosis) printJSON(c *console.Console, o *doctor.Observation, checks []doctor.Check, code int) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	enc.Encode(struct { // strings and numbers have no errors
		URL    string         `json:"url"`
		Checks []doctor.Check `json:"checks"`
		Exit   int            `json:"exit"`
	}{o.URL, checks, code})
	c.Print(termsafe.AppendJSON(nil, b.String()))
}

var stateStyles = map[doctor.State]console.Style{
	doctor.OK: console.Green, doctor.Unknown: console.Dim, doctor.Warning: console.Yellow, doctor.Fault: console.Red,
}

// printText prints each check with what it means and what to change below it.
func (d *diagnosis) printText(c *console.Console, checks []doctor.Check) {
	paint, _ := d.sys.Paints("auto")
	columns := 0
	if d.sys.OutTTY {
		columns = c.Columns()
	}
	found := map[doctor.State]int{}
	for _, check := range checks {
		found[check.State]++
		head := fmt.Sprintf("%-8s", check.State)
		b := []byte(paint.Text(stateStyles[check.State], head) + fmt.Sprintf("%-13s", check.Name))
		const indent = 8 + 13
		b = paint.Layout(b, []console.Span{{Text: check.Seen}}, indent, columns)
		for _, more := range []struct{ word, text string }{{"means", check.Means}, {"change", check.Change}} {
			if more.text != "" {
				b = append(b, "\n"+strings.Repeat(" ", indent-7)...)
				b = append(b, paint.Text(console.Dim, fmt.Sprintf("%6s ", more.word))...)
				b = paint.Layout(b, []console.Span{{Text: more.text}}, indent, columns)
			}
		}
		c.Print(append(b, '\n'))
	}
	if d.sys.OutTTY {
		c.Print([]byte("\n" + explain.Count(found[doctor.Fault], "fault") + ", " + explain.Count(found[doctor.Warning], "warning") + "\n"))
	}
}
