package sse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/OneStepAt4time/resilient-sse/backoff"
)

// target is the URL of a stream. The error does not repeat the URL, which may hold
// a token.
func target(rawURL, stream string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("sse: malformed URL: %w", errors.Unwrap(err))
	}
	if stream != "" {
		query := u.Query()
		query.Add("stream", stream)
		u.RawQuery = query.Encode()
	}
	return u, nil
}

// prepare brings the request up to what the client's fields have become since the
// subscription began.
func (s *subscription) prepare(ctx context.Context, req *http.Request) error {
	s.now = s.c.settings()
	if s.now.url != s.begun.url {
		u, err := target(s.now.url, s.stream)
		if err != nil {
			return backoff.Permanent(err)
		}
		req.URL, req.Host = u, ""
	}
	for k, v := range s.now.headers {
		if before, ok := s.begun.headers[k]; !ok || v != before {
			req.Header.Set(k, v)
		}
	}
	for k := range s.begun.headers {
		if _, ok := s.now.headers[k]; !ok {
			req.Header.Del(k)
		}
	}
	if s.tuned.Request.Prepare != nil {
		return s.tuned.Request.Prepare(ctx, req)
	}
	return nil
}
