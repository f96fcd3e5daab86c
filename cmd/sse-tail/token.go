package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// tokenTime is how long --token-cmd may take.
const tokenTime = 30 * time.Second

// A tokenSource returns the token for one attempt; empty for none.
type tokenSource func(context.Context) (string, error)

// tokens returns where a target's token comes from; nil for nowhere. The token of
// the environment is for one server (see trusts), one that a flag names for all
// targets of this command line.
func (f *flags) tokens(t target, env string) tokenSource {
	switch {
	case f.tokenFile != "":
		return func(context.Context) (string, error) { return readToken(f.tokenFile) }
	case f.tokenCmd != "":
		return func(ctx context.Context) (string, error) { return runTokenCmd(ctx, f.tokenArgv) }
	case env != "" && f.trusts(t):
		return func(context.Context) (string, error) { return env, nil }
	}
	return nil
}

// withheld tells whether there is a token in the environment that a target does
// not get.
func (f *flags) withheld(t target, env string) bool {
	return env != "" && f.tokenFile == "" && f.tokenCmd == "" && !f.trusts(t)
}

func runTokenCmd(ctx context.Context, argv []string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tokenTime, fmt.Errorf("not done within %v", tokenTime))
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	ownGroup(cmd)
	cmd.WaitDelay = killDelay
	out, err := cmd.Output()
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

// authorize puts a target's token into the options. A header of -H stands above
// it. One that never changes is a header like others, so that a 401 is final; a
// fresh one for each attempt is asked for ahead of it.
func (f *flags) authorize(o *client.Options, t target, env string) {
	source := f.tokens(t, env)
	switch {
	case source == nil || o.Header.Get("Authorization") != "":
		if f.sseToken {
			f.problems.add("--sse-token: exchanges a token, and there is none for %s; set SSE_TAIL_TOKEN, --token-file or --token-cmd", t.label)
		}
	case f.sseToken:
		o.Prepare = func(ctx context.Context, req *http.Request) error { return exchange(ctx, req, source, t, o.HTTPClient) }
	case f.tokenFile != "" || f.tokenCmd != "":
		o.Prepare = func(ctx context.Context, req *http.Request) error {
			token, err := source(ctx)
			if err == nil {
				req.Header.Set("Authorization", "Bearer "+token)
			}
			return err
		}
	default:
		o.Header.Set("Authorization", "Bearer "+env)
	}
}

// exchange gets a single-use token for one attempt.
func exchange(ctx context.Context, req *http.Request, source tokenSource, t target, hc *http.Client) error {
	key, err := source(ctx)
	if err != nil {
		return err
	}
	base := t.base
	if base == "" {
		base = t.origin
	}
	tokens, err := session.NewTokenSource(base, key, hc)
	if err != nil {
		return backoff.Permanent(err)
	}
	return tokens.Prepare(ctx, req)
}
