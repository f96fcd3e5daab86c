package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// Requests are sent as an http.Client would: with the cookies that its jar has and
// gets, and with the URL's user, but not where the caller's header says otherwise.
func TestRequestsAreSentAsByAClient(t *testing.T) {
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization")+"|"+r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "served", Value: "yes"})
		if r.URL.Path == "/first" {
			http.Redirect(w, r, "/second", http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(srv.Close)
	withUser := strings.Replace(srv.URL, "http://", "http://ann:secret@", 1) + "/first"
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	home, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(home, []*http.Cookie{{Name: "kept", Value: "1"}})
	for _, opts := range []client.Options{
		{HTTPClient: &http.Client{Jar: jar}},
		{Request: client.Request{Header: http.Header{"Authorization": {"Bearer x"}, "Cookie": {"own=1"}}}},
	} {
		if _, err := collect(t, mustNew(t, withUser, opts)); err != nil {
			t.Error(err)
		}
	}
	const user = "Basic YW5uOnNlY3JldA=="
	equal(t, "requests", got, []string{user + "|kept=1", user + "|kept=1; served=yes", "Bearer x|own=1", "Bearer x|own=1"})
}

// What a transport or a Prepare must not do is an error, and no panic.
func TestWhatIsNoRequestAndNoResponse(t *testing.T) {
	answer := func(resp *http.Response, err error) *http.Client {
		return &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return resp, err })}
	}
	noBody := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}}
	for name, tt := range map[string]struct {
		opts client.Options
		want string
	}{
		"neither response nor error": {client.Options{HTTPClient: answer(nil, nil)}, "neither a response nor an error"},
		"no body":                    {client.Options{HTTPClient: answer(noBody, nil)}, client.ErrEnded.Error()},
		"an error":                   {client.Options{HTTPClient: answer(noBody, io.ErrUnexpectedEOF)}, io.ErrUnexpectedEOF.Error()},
		"no URL": {client.Options{Request: client.Request{Prepare: func(_ context.Context, r *http.Request) error {
			r.URL = nil
			return nil
		}}}, "no URL"},
	} {
		tt.opts.Retryable = func(error, bool) bool { return false }
		if _, err := collect(t, mustNew(t, streamURL, tt.opts)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// A Prepare may leave no header at all, which an http.Client takes for an empty one.
func TestPrepareMayDropTheHeader(t *testing.T) {
	srv := newScript(t, events("data: x\n\n"))
	es := mustNew(t, srv.URL, client.Options{FailFast: true, Request: client.Request{Prepare: func(_ context.Context, r *http.Request) error {
		r.Header = nil
		return nil
	}}})
	for ev, err := range es.Events(t.Context()) {
		if err != nil || ev.Data != "x" {
			t.Errorf("got %q, %v", ev.Data, err)
		}
		break
	}
}

// An https URL of a server that speaks plain HTTP is named in words.
func TestPlainServerBehindHTTPS(t *testing.T) {
	srv := newScript(t, events("data: x\n\n"))
	_, err := collect(t, mustNew(t, strings.Replace(srv.URL, "http://", "https://", 1), client.Options{FailFast: true}))
	if !errors.Is(err, http.ErrSchemeMismatch) {
		t.Errorf("got %v, want %v", err, http.ErrSchemeMismatch)
	}
}
