package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/demo"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// serveFlags are those of serve.
type serveFlags struct {
	listen    string
	control   string
	demo      bool
	sessions  []string
	heartbeat time.Duration
}

// addresses is the line that serve writes once it can be reached.
type addresses struct {
	URL      string `json:"url"`
	Sessions string `json:"sessions"` // {id} stands for a session's
	Global   string `json:"global"`
	Streams  string `json:"streams"` // {name} stands for a plain stream's
	Control  string `json:"control"`
}

func newServe(sys *system.System, p *cmdline.Problems) *cobra.Command {
	f := serveFlags{listen: strings.TrimPrefix(target.DefaultServer, "http://"), heartbeat: session.HeartbeatInterval}
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Run the test server, with faults on demand",
		Long: `Run the test server: session streams and plain ones, replay, heartbeats, and
faults on demand. One JSON line on standard output says where everything is;
then it serves until it is interrupted.`,
		Example: `  sse-tail serve --demo                   sessions are played for ever
  sse-tail --all                          in another window: follow them
  sse-tail serve --listen 127.0.0.1:0     any free port; for scripts`,
		Args: cmdline.NoArgs(p),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), sys, f)
		},
	}
	g := cmdline.Group{Name: "serve", Flags: cmd.Flags(), Problems: p}
	g.Text(&f.listen, "listen", "", "where to listen, `HOST:PORT`; port 0 is any free one")
	g.Text(&f.control, "control", "", "where the control API listens alone, `HOST:PORT`; no fault reaches it")
	g.Toggle(&f.demo, "demo", "", "play sessions for ever")
	g.List(&f.sessions, "session", "", "create sessions, `ID,…`", splitSessions)
	g.Duration(&f.heartbeat, "heartbeat", "between two heartbeats, `D`")
	cmd.Flags().SortFlags = false
	cmdline.NamesAllFlags(cmd, p, sys.Args, func([]string) {})
	return cmd
}

func splitSessions(s string) ([]string, error) {
	ids := strings.Split(s, ",")
	for _, id := range ids {
		if err := session.CheckID(id); err != nil {
			return nil, fmt.Errorf("%q: %s", s, strings.TrimPrefix(err.Error(), "session: "))
		}
	}
	return ids, nil
}

// stopTime is how long open connections may take to end when the server stops.
const stopTime = 2 * time.Second

// serve runs the server until the context is done, which is its wanted end.
func serve(ctx context.Context, sys *system.System, f serveFlags) error {
	srv, err := testserver.Start(&testserver.Options{Addr: f.listen, ControlAddr: f.control, Heartbeat: f.heartbeat})
	if err != nil {
		return err
	}
	defer srv.Close()
	for _, id := range f.sessions {
		srv.Session(id)
	}
	line, err := json.Marshal(addresses{
		URL: srv.URL, Global: srv.GlobalURL(), Control: srv.ControlURL(),
		Sessions: srv.URL + "/v1/sessions/{id}/events", Streams: srv.URL + "/events?stream={name}",
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(sys.Out, "%s\n", line); err != nil {
		return err
	}
	if sys.ErrTTY {
		serveHints(sys, srv, f)
	}
	if f.demo {
		demo.PlayForEver(ctx, srv)
	}
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := srv.Shutdown(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// serveHints tells a person what to do with the server.
func serveHints(sys *system.System, srv *testserver.Server, f serveFlags) {
	_, paint := sys.Paints("auto")
	c := sys.Console(nil)
	say := func(text string) { c.Say(paint.Text(console.Dim, prefix) + text) }
	from := ""
	if srv.URL != target.DefaultServer {
		from = " -s " + srv.URL
	}
	say("serving; in another window: sse-tail" + from + " --all")
	say("events and faults on demand: " + srv.ControlURL())
	if !f.demo {
		say("no session is played; for some: sse-tail serve --demo")
	}
}
