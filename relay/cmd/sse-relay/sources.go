package main

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// sources are the options of what is followed.
type sources struct {
	access *access.Access
	plain  map[string]target.Target // by URL

	mu       sync.Mutex
	breakers map[string]*backoff.Breaker // by origin: in an outage one source at a time asks
}

// waits are those of an upstream that is out of reach: a relay never gives up.
var waits = backoff.Policy{Initial: time.Second, Max: 30 * time.Second, GiveUp: backoff.Never}

// options returns those of one source of the upstream, or of a plain stream.
func (s *sources) options(url string) (client.Options, error) {
	t, ok := s.plain[url]
	if !ok {
		t = target.All(url)
	}
	o := client.Options{Backoff: waits}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.breakers[t.Origin]
	if b == nil {
		var err error
		if b, err = backoff.NewBreaker(waits, nil); err != nil {
			return o, err
		}
		s.breakers[t.Origin] = b
	}
	o.Breaker = b
	return o, s.access.Apply(&o, t)
}

// hint says what to do about an error of the upstream.
func hint(err error) string {
	status := 0
	if e, ok := errors.AsType[*client.ResponseError](err); ok {
		status = e.StatusCode
	}
	if e, ok := errors.AsType[*session.TokenError](err); ok {
		status = e.StatusCode
	}
	switch status {
	case http.StatusUnauthorized:
		return "upstream wants to know who asks: set SSE_RELAY_TOKEN, or use --token-file, --token-cmd or --sse-token; a file is read for each attempt"
	case http.StatusForbidden:
		return "upstream knows the token, and does not let it follow this"
	}
	return explain.Hint(err)
}
