package sessions_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/sessions"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

const list = `{"sessions":[
	{"id":"demo-1","status":"idle","windowName":"one","workDir":"/src/a/very/long/folder/that/does/not/fit/a/terminal/of/eighty","createdAt":1700000000000},
	{"id":"demo-2","status":"wor\u001b[2Jking","windowName":"two","createdAt":1700000002000,"lastActivity":1700000003000},
	{"id":"b","createdAt":1700000001000}]}`

// serve returns the way to a server, and its address.
func serve(t *testing.T, h http.HandlerFunc) (*access.Access, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	a, err := access.New(access.Options{EnvToken: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return a, srv.URL
}

func lists(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/sessions" || r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, body)
	}
}

func TestRun(t *testing.T) {
	a, url := serve(t, lists(list))
	for _, test := range []struct {
		name    string
		options sessions.Options
		tty     bool
		want    string // a regular expression
	}{
		{"for programs, newest first", sessions.Options{}, false, `\Ademo-2\twor\\x1b\[2Jking\t2023-11-14T22:13:22.000Z\t2023-11-14T22:13:23.000Z\ttwo\t\nb\t\t[^\t]+\t\t\t\ndemo-1\tidle\t`},
		{"a pattern", sessions.Options{Pattern: "demo-[13]"}, false, `\Ademo-1\t.*\n\z`},
		{"JSON", sessions.Options{JSON: true, Pattern: "b"}, false, `\A\{"id":"b","created_at":"2023-11-14T22:13:21.000Z"\}\n\z`},
		{"JSON on a terminal", sessions.Options{JSON: true, Pattern: "demo-2"}, true, `"status":"wor\\u001b\[2Jking"`},
		{"a table", sessions.Options{}, true, `\AID +STATUS +CREATED +ACTIVE +NAME +FOLDER\ndemo-2 +wor\\x1b\[2Jking +\S+ ago +\S+ ago +two\n`},
		{"an empty table", sessions.Options{Pattern: "nothing"}, true, `(?m)^no sessions$`},
	} {
		var out bytes.Buffer
		test.options.System = &system.System{Out: &out, Err: io.Discard, OutTTY: test.tty, Columns: func() int { return 80 }, Env: func(string) string { return "" }}
		test.options.Color = "never"
		if err := sessions.Run(t.Context(), a, url, test.options); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if !regexp.MustCompile(test.want).MatchString(out.String()) {
			t.Errorf("%s: got\n%s\nwant %s", test.name, out.String(), test.want)
		}
		for line := range strings.Lines(out.String()) {
			if w := termsafe.Width(strings.TrimSuffix(line, "\n")); test.tty && !test.options.JSON && w > 80 {
				t.Errorf("%s: %d columns: %s", test.name, w, line)
			}
		}
	}
}

func TestNoList(t *testing.T) {
	a, url := serve(t, http.NotFound)
	err := sessions.Run(t.Context(), a, url, sessions.Options{System: &system.System{Out: io.Discard, Err: io.Discard, Env: func(string) string { return "" }}})
	if err == nil || !strings.Contains(explain.Hint(err), "is it a server of sessions?") {
		t.Errorf("got %v, hint %q", err, explain.Hint(err))
	}
	if ids := sessions.IDs(t.Context(), a, url, ""); ids != nil {
		t.Errorf("got %q", ids)
	}
}

// TestIDs: a shell that completes gets nothing that its terminal would obey.
func TestIDs(t *testing.T) {
	a, url := serve(t, lists(strings.ReplaceAll(list, `"id":"b"`, `"id":"demo-\u001b[2J"`)))
	want := []string{"demo-2\ttwo", "demo-1\tone"}
	if got := sessions.IDs(t.Context(), a, url, "demo-"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
