package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
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

func newServe(sys *system, p *problems) *cobra.Command {
	f := serveFlags{listen: strings.TrimPrefix(defaultServer, "http://"), heartbeat: session.HeartbeatInterval}
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Run the test server, with faults on demand",
		Long: `Run the test server: session streams and plain ones, replay, heartbeats, and
faults on demand. One JSON line on standard output says where everything is;
then it serves until it is interrupted.`,
		Example: `  sse-tail serve --demo                   sessions are played for ever
  sse-tail --all                          in another window: follow them
  sse-tail serve --listen 127.0.0.1:0     any free port; for scripts`,
		Args: noArgs(p),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), sys, f)
		},
	}
	g := group{name: "serve", fs: cmd.Flags(), problems: p}
	g.text(&f.listen, "listen", "", "where to listen, `HOST:PORT`; port 0 is any free one")
	g.text(&f.control, "control", "", "where the control API listens alone, `HOST:PORT`; no fault reaches it")
	g.toggle(&f.demo, "demo", "", "play sessions for ever")
	g.list(&f.sessions, "session", "", "create sessions, `ID,…`", splitSessions)
	g.duration(&f.heartbeat, "heartbeat", "between two heartbeats, `D`")
	cmd.Flags().SortFlags = false
	namesAllFlags(sys, cmd, p, func([]string) {})
	return cmd
}

// noArgs refuses arguments, and what is wrong with the flags.
func noArgs(p *problems) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			p.add("%s takes no arguments, and %q is one", cmd.Name(), args[0])
		}
		return p.err()
	}
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
func serve(ctx context.Context, sys *system, f serveFlags) error {
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
	if _, err := fmt.Fprintf(sys.out, "%s\n", line); err != nil {
		return err
	}
	if sys.errTTY {
		serveHints(sys, srv, f)
	}
	if f.demo {
		playForEver(ctx, srv)
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
func serveHints(sys *system, srv *testserver.Server, f serveFlags) {
	_, paint := sys.paints("auto")
	c := console.New(console.Options{Err: sys.err})
	say := func(text string) { c.Say(paint.Text(console.Dim, prefix) + text) }
	from := ""
	if srv.URL != defaultServer {
		from = " -s " + srv.URL
	}
	say("serving; in another window: sse-tail" + from + " --all")
	say("events and faults on demand: " + srv.ControlURL())
	if !f.demo {
		say("no session is played; for some: sse-tail serve --demo")
	}
}
