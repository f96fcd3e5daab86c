package testserver_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ts "github.com/OneStepAt4time/resilient-sse/testserver"
)

func TestTokens(t *testing.T) {
	srv := ts.NewInMemory(t, &ts.Options{Tokens: []string{"one", "two"}})
	s := srv.Session("abc")
	for _, tt := range []struct {
		url    string
		header []string
		status int
	}{
		{s.URL(), nil, 401},
		{s.URL() + "?token=", nil, 401},
		{s.URL() + "?token=three", nil, 401},
		{s.URL() + "?token=two", nil, 200},
		{srv.GlobalURL() + "?token=one", nil, 200},
		{s.URL(), []string{"Authorization", "Bearer one"}, 200},
		{s.URL(), []string{"Authorization", "bearer  one"}, 200},
		{s.URL(), []string{"Authorization", "Basic one"}, 401},
		{s.URL() + "?token=one", []string{"Authorization", "Bearer x"}, 401},
		{srv.SessionURL("nobody"), nil, 401}, // and doesn't tell whether there is one
		{srv.SessionURL("nobody"), []string{"Authorization", "Bearer one"}, 404},
	} {
		if status := statusOf(t, srv, "GET", tt.url, tt.header...); status != tt.status {
			t.Errorf("%s %v: %d, want %d", tt.url, tt.header, status, tt.status)
		}
	}
	for _, r := range srv.Requests() {
		if strings.Contains(r.URL, "two") {
			t.Errorf("the journal shows a token: %s", r.URL)
		}
	}
}

// sseToken asks for a single-use token.
func sseToken(t *testing.T, srv *ts.Server, key string) (token string, expires time.Time) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/v1/auth/sse-token", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var v struct {
		Token     string
		ExpiresAt time.Time
	}
	if err := json.Unmarshal(body, &v); err != nil || resp.StatusCode != 201 || !strings.HasPrefix(v.Token, "sse_") {
		t.Fatalf("%s %s, %v", resp.Status, body, err)
	}
	return v.Token, v.ExpiresAt
}

func TestSSETokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t, &ts.Options{Tokens: []string{"key"}, SSETokens: true})
		s := srv.Session("abc")
		token, expires := sseToken(t, srv, "key")
		if d := time.Until(expires); d != time.Minute {
			t.Errorf("it expires in %v, want 1m0s", d)
		}
		late, _ := sseToken(t, srv, "key")
		for _, tt := range []struct {
			name, token string
			wait        time.Duration
			status      int
		}{
			{"the key itself", "key", 0, 401},
			{"a fresh one", token, 59 * time.Second, 200},
			{"the same again", token, 0, 401},
			{"an expired one", late, time.Second, 401},
		} {
			time.Sleep(tt.wait)
			if status := statusOf(t, srv, "GET", s.URL()+"?token="+tt.token); status != tt.status {
				t.Errorf("%s: %d, want %d", tt.name, status, tt.status)
			}
		}
		token, _ = sseToken(t, srv, "key")
		if status := statusOf(t, srv, "GET", s.URL(), "Authorization", "Bearer "+token); status != 200 {
			t.Errorf("in the header: %d", status)
		}
		token, _ = sseToken(t, srv, "key")
		srv.Restart(ts.KeepLogs, 0)
		if status := statusOf(t, srv, "GET", s.URL()+"?token="+token); status != 401 {
			t.Errorf("one from before a restart: %d, want 401", status)
		}
	})
}

func TestSSETokenRefusals(t *testing.T) {
	with := ts.NewInMemory(t, &ts.Options{Tokens: []string{"key"}, SSETokens: true})
	without := ts.NewInMemory(t)
	const path = "/v1/auth/sse-token"
	for _, tt := range []struct {
		srv         *ts.Server
		method, key string
		status      int
	}{
		{with, "POST", "wrong", 401},
		{with, "GET", "key", 405},
		{without, "POST", "key", 404},
	} {
		if status := statusOf(t, tt.srv, tt.method, tt.srv.URL+path, "Authorization", "Bearer "+tt.key); status != tt.status {
			t.Errorf("%s with %s: %d, want %d", tt.method, tt.key, status, tt.status)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		opts   ts.Options
		status int
		after  string
	}{
		{"per address", ts.Options{MaxConnsPerAddr: 2}, 429, ""},
		{"in all", ts.Options{MaxConns: 2, RetryAfter: 1500 * time.Millisecond}, 503, "2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := ts.New(t, &tt.opts)
			s := srv.Session("abc")
			first := open(t, srv, s.URL(), "")
			open(t, srv, srv.GlobalURL(), "")
			if err := srv.WaitConns(t.Context(), 2); err != nil {
				t.Fatal(err)
			}
			resp := open(t, srv, s.URL(), "")
			if got := resp.Header.Get("Retry-After"); resp.StatusCode != tt.status || got != tt.after {
				t.Errorf("the third: %s, Retry-After %q, want %d, %q", resp.Status, got, tt.status, tt.after)
			}
			first.Body.Close()
			if err := srv.WaitConns(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			if resp := open(t, srv, s.URL(), ""); resp.StatusCode != 200 {
				t.Errorf("after one has left: %s", resp.Status)
			}
		})
	}
}

func TestBadOptions(t *testing.T) {
	for name, opts := range map[string]*ts.Options{
		"Window": {Window: -2}, "LagEvents": {LagEvents: -1}, "LagBytes": {LagBytes: -1}, "Heartbeat": {Heartbeat: -2},
		"WriteTimeout": {WriteTimeout: -1}, "MaxConns": {MaxConns: -1}, "RetryAfter": {RetryAfter: -1},
		"Journal": {Journal: -1}, "Tokens": {Tokens: []string{""}},
	} {
		if srv, err := ts.Start(opts); err == nil || !strings.Contains(err.Error(), "Options."+name) {
			t.Errorf("%s: %v, %v", name, srv, err)
		}
	}
	if _, err := ts.Start(&ts.Options{Addr: "127.0.0.1:99999"}); err == nil {
		t.Error("an address that can't be was taken")
	}
	if _, err := ts.Start(&ts.Options{ControlAddr: "127.0.0.1:99999"}); err == nil {
		t.Error("a control address that can't be was taken")
	}
}
