//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sse-tail": main,
		"act":      act,
	})
}

// TestScripts runs the command as a person would. Each script has commands of
// its own; the server's methods are among them, and none of them waits on a clock:
//
//	server [KEY=VALUE…]          start one, or another one; its address is $URL (keys: token, window, heartbeat, sse-tokens, per-addr, profile)
//	stop                         stop it
//	session ID…                  create sessions
//	status|message|ended ID TEXT publish
//	emit ID KIND JSON            publish any kind
//	send STREAM ID TYPE TEXT     publish on a plain stream; TEXT with Go's escapes
//	numbers ID FROM TO           publish the messages n FROM … n TO
//	end STREAM                   end a plain stream
//	fault [N×]KIND [STREAM] [AFTER-EVENTS]
//	drop                         cut all connections
//	conns N                      wait until N streams are under way
//	requests N                   wait until the server has seen N requests
//	delivered STREAM ID          wait until an event was written
//	journal KEY=REGEXP…          find a request whose members match
//	code N CMD…                  run a command, which must exit with N
//	start NAME CMD…              start one
//	child NAME CMD…              start one whose standard input stays open until hangup
//	hangup NAME                  close it, as a parent that dies does
//	terminal NAME CMD…           start one on a terminal; what it shows there is its stdout (on Linux)
//	await NAME stdout|stderr RE [VAR]
//	                             wait until its output matches; VAR is what is in the parentheses
//	address NAME KEY VAR         set a variable to a member of the JSON line that it wrote
//	sig NAME INT|TERM|KILL|USR1  send it a signal
//	answer VAR FILE…             start a server that answers with files, see there
//	finish NAME N                wait for its end, with exit code N; its output is in NAME.stdout and NAME.stderr
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Values[stageKey{}] = &stage{processes: map[string]*process{}, vars: env.Vars}
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each process takes a second to end
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
			return nil
		},
		Cmds:                scriptCommands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// A stage is what one script has to play with.
type stage struct {
	srv       *testserver.Server
	processes map[string]*process
	vars      []string
}

type stageKey struct{}

// scriptTimeout bounds a wait for a fact that does not come.
const scriptTimeout = 30 * time.Second

// A command gets its arguments; the number of those it needs was checked.
type scriptCommand struct {
	least int
	run   func(ts *testscript.TestScript, st *stage, args []string) error
}

var scriptCommands = func() map[string]func(*testscript.TestScript, bool, []string) {
	cmds := map[string]func(*testscript.TestScript, bool, []string){}
	for name, c := range map[string]scriptCommand{
		"server": {0, startServer}, "stop": {0, stopServer}, "session": {1, createSessions},
		"status": {3, publishStatus}, "message": {2, publishMessage}, "ended": {1, publishEnded}, "emit": {3, publishEmit},
		"send": {4, publishSend}, "numbers": {3, publishNumbers}, "end": {1, endStream},
		"fault": {1, injectFault}, "drop": {0, drop}, "conns": {1, waitConns}, "requests": {1, waitRequests},
		"delivered": {2, waitDelivered}, "journal": {1, findRequest},
		"code": {2, runWithCode}, "start": {2, startProcess}, "child": {2, startChild}, "hangup": {1, hangUp}, "terminal": {2, startOnTerminal},
		"await": {3, awaitOutput}, "address": {3, setAddress}, "sig": {2, sendSignal}, "finish": {2, finishProcess}, "answer": {2, answer},
	} {
		cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if neg || len(args) < c.least {
				ts.Fatalf("%s: at least %d arguments and no !", name, c.least)
			}
			if err := c.run(ts, ts.Value(stageKey{}).(*stage), args); err != nil {
				ts.Fatalf("%s: %v", name, err)
			}
		}
	}
	return cmds
}()

func startServer(ts *testscript.TestScript, st *stage, args []string) error {
	var o testserver.Options
	if st.srv != nil {
		st.srv.Close()
	}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		var err error
		switch key {
		case "token":
			o.Tokens = append(o.Tokens, value)
		case "sse-tokens":
			o.SSETokens = true
		case "window":
			o.Window, err = strconv.Atoi(value)
		case "heartbeat":
			o.Heartbeat, err = time.ParseDuration(value)
		case "per-addr":
			o.MaxConnsPerAddr, err = strconv.Atoi(value)
		case "profile":
			o.Profile = profiles[value]
		default:
			err = errors.New("no such key: " + key)
		}
		if err != nil {
			return err
		}
	}
	srv, err := testserver.Start(&o)
	if err != nil {
		return err
	}
	st.srv = srv
	ts.Defer(srv.Close)
	ts.Setenv("URL", srv.URL)
	return nil
}

func stopServer(_ *testscript.TestScript, st *stage, _ []string) error {
	st.srv.Close()
	return nil
}

func createSessions(_ *testscript.TestScript, st *stage, args []string) error {
	for _, id := range args {
		st.srv.Session(id)
	}
	return nil
}

func text(args []string) string { return strings.Join(args, " ") }

func publishStatus(_ *testscript.TestScript, st *stage, args []string) error {
	st.srv.Session(args[0]).Status(args[1], text(args[2:]))
	return nil
}

func publishMessage(_ *testscript.TestScript, st *stage, args []string) error {
	st.srv.Session(args[0]).Message("assistant", text(args[1:]))
	return nil
}

func publishEnded(_ *testscript.TestScript, st *stage, args []string) error {
	st.srv.Session(args[0]).Ended(text(args[1:]))
	return nil
}

func publishEmit(_ *testscript.TestScript, st *stage, args []string) error {
	st.srv.Session(args[0]).Emit(session.Kind(args[1]), json.RawMessage(text(args[2:])))
	return nil
}

func publishNumbers(_ *testscript.TestScript, st *stage, args []string) error {
	from, err1 := strconv.Atoi(args[1])
	to, err2 := strconv.Atoi(args[2])
	for n := from; n <= to; n++ {
		st.srv.Session(args[0]).Message("assistant", "n "+strconv.Itoa(n))
	}
	return errors.Join(err1, err2)
}

func publishSend(_ *testscript.TestScript, st *stage, args []string) error {
	data, err := strconv.Unquote(`"` + strings.ReplaceAll(text(args[3:]), `"`, `\"`) + `"`)
	if err != nil {
		return err
	}
	return st.srv.Stream(args[0]).Send(sse.Event{ID: args[1], HasID: args[1] != "", Type: args[2], Data: data})
}

func endStream(_ *testscript.TestScript, st *stage, args []string) error {
	st.srv.Stream(args[0]).End()
	return nil
}

func injectFault(_ *testscript.TestScript, st *stage, args []string) error {
	times, kind, ok := strings.Cut(args[0], "x")
	n, err := strconv.Atoi(times)
	if !ok || err != nil {
		n, kind = 1, args[0]
	}
	f, ok := map[string]fault.Fault{
		"401":           fault.Status(401).Body(`{"error":"who are you?"}`),
		"403":           fault.Status(403),
		"404":           fault.Status(404),
		"410":           fault.Status(410),
		"503":           fault.Status(503),
		"204":           fault.Status(204),
		"page":          fault.Status(200).Body("<html>"),
		"cut":           fault.Cut(),
		"inside":        fault.CutInsideEvent(),
		"rst":           fault.RST(),
		"stall":         fault.Stall(),
		"end":           fault.End(),
		"no-answer":     fault.NoAnswer(),
		"accept-close":  fault.AcceptThenClose(),
		"retry-after-9": fault.Status(503).RetryAfter(9 * time.Second),
	}[kind]
	if !ok {
		return errors.New("no such fault: " + kind)
	}
	if len(args) > 1 {
		f = f.On(args[1])
	}
	if len(args) > 2 {
		after, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		f = f.AfterEvents(after)
	}
	st.srv.Inject(f.Times(n))
	return nil
}

func drop(_ *testscript.TestScript, st *stage, _ []string) error {
	st.srv.Drop()
	return nil
}

func waitConns(_ *testscript.TestScript, st *stage, args []string) error {
	return waitNumber(args[0], st.srv.WaitConns)
}

func waitRequests(_ *testscript.TestScript, st *stage, args []string) error {
	return waitNumber(args[0], st.srv.WaitRequests)
}

func waitNumber(arg string, wait func(context.Context, int) error) error {
	n, err := strconv.Atoi(arg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptTimeout)
	defer cancel()
	return wait(ctx, n)
}

func waitDelivered(_ *testscript.TestScript, st *stage, args []string) error {
	id, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptTimeout)
	defer cancel()
	return st.srv.WaitDelivered(ctx, args[0], id)
}

// act is a command for --exec: it appends its standard input and what the
// environment says of the event to a file, and fails where it is told to.
//
//	act FILE [FAIL-AT-ID [MARK]]
//
// With a mark it fails as long as that file does not exist, which it then makes.
func act() {
	in := new(strings.Builder)
	if _, err := io.Copy(in, os.Stdin); err != nil {
		os.Exit(3)
	}
	id := os.Getenv("SSE_ID")
	if len(os.Args) > 2 && os.Args[2] == id {
		if len(os.Args) == 3 {
			os.Exit(7)
		}
		if _, err := os.Stat(os.Args[3]); err != nil {
			os.WriteFile(os.Args[3], nil, 0o600)
			os.Exit(7)
		}
	}
	f, err := os.OpenFile(os.Args[1], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		os.Exit(3)
	}
	defer f.Close()
	f.WriteString(id + "|" + os.Getenv("SSE_EVENT") + "|" + os.Getenv("SSE_STREAM") + "|" + in.String() + "\n")
}

func runWithCode(ts *testscript.TestScript, _ *stage, args []string) error {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			return err
		}
		code = exit.ExitCode()
	}
	if code != want {
		return errors.New("exit code " + strconv.Itoa(code) + ", want " + args[0])
	}
	return nil
}
