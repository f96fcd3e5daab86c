package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/internal/proc"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// tokenTime is how long --token-cmd may take.
const tokenTime = 30 * time.Second

// A tokenSource returns the token for one attempt.
type tokenSource func(context.Context) (string, error)

// tokens returns where a target's token comes from; nil for nowhere. The token of
// the environment is for one server (see Options.EnvToken), one that a flag names
// for all targets of this command line.
func (a *Access) tokens(t target.Target) tokenSource {
	switch {
	case a.opts.TokenFile != "":
		return func(context.Context) (string, error) { return readToken(a.opts.TokenFile) }
	case a.opts.TokenCmd != nil:
		return func(ctx context.Context) (string, error) { return runTokenCmd(ctx, a.opts.TokenCmd) }
	case a.opts.EnvToken != "" && a.trusts(t):
		return func(context.Context) (string, error) { return a.opts.EnvToken, nil }
	}
	return nil
}

func runTokenCmd(ctx context.Context, argv []string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tokenTime, fmt.Errorf("not done within %v", tokenTime))
	defer cancel()
	out, err := proc.Command(ctx, argv).Output()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		said, _, _ := strings.Cut(strings.TrimSpace(string(e.Stderr)), "\n")
		return "", fmt.Errorf("--token-cmd: %w: %s", err, said)
	}
	if err != nil {
		return "", fmt.Errorf("--token-cmd: %w", err)
	}
	return firstLine("the output of --token-cmd", out)
}

// exchange gets a single-use token for one attempt.
func exchange(ctx context.Context, req *http.Request, source tokenSource, t target.Target, hc *http.Client) error {
	key, err := source(ctx)
	if err != nil {
		return err
	}
	base := t.Base
	if base == "" {
		base = t.Origin
	}
	tokens, err := session.NewTokenSource(base, key, hc)
	if err != nil {
		return backoff.Permanent(err)
	}
	return tokens.Prepare(ctx, req)
}

// readToken reads a token's file, whose first line it is.
func readToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return firstLine(path, b)
}

func firstLine(from string, b []byte) (string, error) {
	line, _, _ := bytes.Cut(bytes.TrimSpace(b), []byte("\n"))
	token := strings.TrimSpace(string(line))
	switch {
	case token == "":
		return "", fmt.Errorf("no token in %s", from)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7F }):
		return "", errors.New("a token has no blanks and no control characters, and that in " + from + " does")
	}
	return token, nil
}
