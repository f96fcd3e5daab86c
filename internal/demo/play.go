package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// A scene is one event of a session that is played.
type scene struct {
	kind session.Kind
	data any
}

func working(detail string) scene {
	return scene{session.Status, session.StatusData{Status: "working", Detail: detail}}
}

func says(role, text string) scene {
	return scene{session.Message, session.MessageData{Role: role, Text: text}}
}

func assistant(text string) scene { return says("assistant", text) }

// hook is what a session tells ahead of a tool, or behind it.
func hook(event, command string) scene {
	return scene{session.Hook, map[string]any{
		"hookEvent": event, "hook_event_name": event, "tool_name": "Bash", "tool_input": map[string]string{"command": command},
	}}
}

func verified(summary string) scene {
	return scene{session.Verification, map[string]any{"ok": true, "steps": []any{}, "totalDurationMs": 4200, "summary": summary}}
}

// plays are sessions, each from its first event to the one before ended.
var plays = [][]scene{
	{
		{session.System, session.MessageData{Role: "system", Text: "session started in ~/src/parser"}},
		says("user", "TestDecode fails one time in ten. Find out why, and fix it."),
		working("reading decode_test.go"),
		assistant("The test splits the input at a random byte, so it must be the place of the split."),
		working("reading decode.go"),
		assistant("There it is: a CR at the very end of a read is taken for a line end, and the LF that begins the next read for another one."),
		hook("PreToolUse", "go test -run TestDecode -count 200"),
		working("go test -run TestDecode -count 200"),
		assistant("Reproduced with seed 41: the split lies between CR and LF."),
		{session.SubagentStart, map[string]string{"agentName": "searcher"}},
		working("searching for '\\r' in 14 files"),
		assistant("While that runs I write the test down as a table, so that each split is tried and not a random one."),
		working("editing decode_test.go"),
		{session.SubagentStop, map[string]string{"agentName": "searcher"}},
		assistant("The fix: remember that the last byte was a CR, and skip one LF at the beginning of the next read."),
		{session.Approval, session.ApprovalData{Prompt: "Edit decode.go? (+6 −2)"}},
		says("user", "Yes."),
		working("editing decode.go"),
		hook("PostToolUse", "gofmt -l ."),
		working("go test -count 200 ./..."),
		assistant("200 of 200 pass. Before the change it was 181."),
		verified("go vet ./..."),
		verified("go test -race ./..."),
		assistant("Done: a CRLF that is split over two reads is one line end now, and the test tries every split. – 行末は正しく数えられます ✅"),
	},
	{
		{session.System, session.MessageData{Role: "system", Text: "session started in ~/src/catalog"}},
		says("user", "The catalog page takes 900 ms. Cache what can be cached."),
		working("profiling GET /catalog"),
		assistant("820 of 900 ms are one query, and its result changes once an hour."),
		working("reading store.go"),
		assistant("I put a cache of one entry in front of it, with the time of the last change as its key."),
		{session.Approval, session.ApprovalData{Prompt: "Edit store.go? (+31 −4)"}},
		says("user", "Go ahead."),
		working("editing store.go"),
		working("go test ./store"),
		assistant("The page takes 70 ms now, and a change shows at once."),
		verified("go test -race ./..."),
	},
	{
		{session.System, session.MessageData{Role: "system", Text: "session started in ~/src/gateway"}},
		says("user", "Bring the dependencies up to date, one commit each."),
		working("go list -u -m all"),
		assistant("Four are behind. None of their changelogs speaks of a break."),
		working("go get example.com/router@v1.9.2"),
		hook("PreToolUse", "git commit -am 'router v1.9.2'"),
		working("go get example.com/log@v2.4.0"),
		{session.PermissionDenied, map[string]string{"toolName": "Bash(git push)", "reason": "pushing is not allowed in this session"}},
		assistant("Pushing is not allowed here, so the commits stay local."),
		verified("go build ./..."),
	},
}

// perform plays scenes, with a pause before each. Emitted, which may be nil, is
// told of each event. It returns early when the context is done.
func perform(ctx context.Context, s *server.Session, scenes []scene, pause func() time.Duration, emitted func(n int, id int64, sc scene)) error {
	for n, sc := range scenes {
		if err := pauseFor(ctx, pause()); err != nil {
			return err
		}
		id := s.Emit(sc.kind, sc.data)
		if emitted != nil {
			emitted(n, id, sc)
		}
	}
	return nil
}

func pauseFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// PlayForEver plays all plays beside each other as the sessions demo-1, demo-2
// and so on, and each again and again, until the context is done. A session that
// has ended is there again at once, so that its address always works.
func PlayForEver(ctx context.Context, srv *testserver.Server) {
	var wg sync.WaitGroup
	for i, scenes := range plays {
		wg.Go(func() {
			for {
				s := srv.Session(fmt.Sprintf("demo-%d", i+1))
				if perform(ctx, s, scenes, between(200*time.Millisecond, 1500*time.Millisecond), nil) != nil {
					return
				}
				s.Ended("completed")
			}
		})
	}
	wg.Wait()
}

// between returns random durations of a range.
func between(low, high time.Duration) func() time.Duration {
	return func() time.Duration { return low + rand.N(high-low) }
}
