package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/session"
)

func TestList(t *testing.T) {
	var asked []string
	pages := map[string]string{
		"/v1/sessions?x=1":        `{"sessions":[{"id":"a","windowName":"one","status":"idle","workDir":"/src","createdAt":1700000000000,"lastActivity":1700000001000}],"pagination":{"page":1,"totalPages":2}}`,
		"/v1/sessions?page=2&x=1": `{"sessions":[{"id":"b","windowName":"w","name":"two","createdAt":"2026-01-02T03:04:05Z"},{"status":"no id"}],"pagination":{"page":2,"totalPages":2}}`,
		"/old/v1/sessions":        `[{"id":"c"}]`,
		"/bad/v1/sessions":        `{"total":0}`,
		"/page/v1/sessions":       `<html>`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI+" "+r.Header.Get("Authorization"))
		body, ok := pages[r.RequestURI]
		switch {
		case r.URL.Path == "/moved/v1/sessions":
			http.Redirect(w, r, "/v1/sessions", http.StatusFound)
		case !ok:
			http.Error(w, `{"error":"who are you?"}`, http.StatusUnauthorized)
		default:
			w.Write([]byte(body))
		}
	}))
	defer srv.Close()
	header := http.Header{"Authorization": {"Bearer secret"}}

	got, err := session.List(t.Context(), srv.URL+"?x=1", header, nil)
	want := []session.Info{
		{ID: "a", Name: "one", Status: "idle", WorkDir: "/src", CreatedAt: time.UnixMilli(1700000000000).UTC(), LastActivity: time.UnixMilli(1700000001000).UTC()},
		{ID: "b", Name: "two", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"/v1/sessions?x=1 Bearer secret", "/v1/sessions?page=2&x=1 Bearer secret"}, asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if got, err := session.List(t.Context(), srv.URL+"/old/", nil, nil); err != nil || len(got) != 1 || got[0].ID != "c" {
		t.Errorf("an array: got %+v, %v", got, err)
	}
	for _, test := range []struct {
		base   string
		status int
		text   string
	}{
		{srv.URL + "/nowhere", 401, "server answered 401 Unauthorized"},
		{srv.URL + "/moved", 302, "server answered 302 Found"},
		{srv.URL + "/bad", 200, "no list of sessions"},
		{srv.URL + "/page", 200, "no list of sessions"},
		{"http://127.0.0.1:1/secret", 0, "refused"},
		{"nothing", 0, "not an http or https URL"},
	} {
		_, err := session.List(t.Context(), test.base, header, nil)
		e, ok := errors.AsType[*session.ListError](err)
		if !ok || e.StatusCode != test.status || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want status %d and %q", test.base, err, test.status, test.text)
		}
		if test.status == 401 && !strings.Contains(string(e.Body), "who are you?") {
			t.Errorf("body: got %q", e.Body)
		}
	}
}
