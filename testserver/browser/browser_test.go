// Package browser_test follows the test server with a real browser's EventSource.
package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// following is a page that follows a stream with the browser's EventSource, and keeps
// the ids that it has seen.
const following = `<!doctype html><meta charset="utf-8"><script>
var seen = [], source = new EventSource(%q);
source.onmessage = m => { if (m.lastEventId && JSON.parse(m.data).id) seen.push(m.lastEventId) };
</script>`

// newBrowser starts a headless Chromium, which the test's end stops.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("there is no Chromium; .ci/run installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestAPageOnAnotherPortFollows a session through cuts: CORS lets it, and the browser
// resumes by itself.
func TestAPageOnAnotherPortFollows(t *testing.T) {
	srv := testserver.New(t)
	s := srv.Session("abc")
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, following, s.URL())
	}))
	defer pages.Close()
	h := srv.Inject(fault.CutInsideEvent().AfterEvents(1), fault.Cut().AfterEvents(1).Conn(2), fault.LineEnds("crlf").Conn(2), fault.BOM().Conn(3))
	srv.Write("abc", []byte("retry: 10\n\n"))
	ctx := newBrowser(t)
	if _, err := chromedp.Run(ctx, chromedp.Navigate(pages.URL)); err != nil {
		t.Fatal(err)
	}
	srv.For(t).Conns(1)
	srv.Write("abc", []byte("retry: 10\n\n")) // or the browser waits for seconds
	var want []string
	for range 4 {
		want = append(want, fmt.Sprint(s.Message("assistant", "grüße")))
	}
	seen, err := chromedp.Run(ctx, chromedp.Poll[string](fmt.Sprintf(`seen.length >= %d && seen.join(" ")`, len(want))))
	if err != nil {
		t.Fatalf("%v\n%s", err, srv.Journal())
	}
	if seen != strings.Join(want, " ") {
		t.Errorf("the page saw %s, want %v", seen, want)
	}
	if h.Fired() != 4 {
		t.Errorf("%d faults struck, want 4", h.Fired())
	}
}

// TestThePage shows sessions and connections, follows a stream, and its buttons work.
func TestThePage(t *testing.T) {
	srv := testserver.New(t, &testserver.Options{ControlAddr: "127.0.0.1:0"})
	srv.Session("abc")
	ctx := newBrowser(t)
	if _, err := chromedp.Run(ctx, chromedp.Navigate(strings.TrimSuffix(srv.ControlURL(), "_ctl/"))); err != nil {
		t.Fatal(err)
	}
	// eval waits until an expression is true, and returns it.
	eval := func(expression string) string {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Poll[string](expression))
		if err != nil {
			t.Fatalf("%s: %v\n%s", expression, err, srv.Journal())
		}
		return got
	}
	eval(`document.querySelector("#conns").innerText.includes("*") && "listed"`)
	eval(`(document.querySelector("#publish button").click(), "pressed")`)
	events := eval(`document.querySelector("#events").innerText.includes("hello") && document.querySelector("#events").innerText`)
	eval(`(b => b && (b.click(), "pressed"))([...document.querySelectorAll("#conns button")].find(b => b.textContent === "cut"))`)
	if !strings.Contains(events, "session_message") {
		t.Errorf("live events: %s", events)
	}
	srv.For(t).Requests(2) // it was cut, and came again
}
