package doctor_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/doctor"
	"github.com/OneStepAt4time/resilient-sse/internal/memnet"
)

// A patient is a server as there are many: what it does to one request.
type patient func(t *testing.T, w http.ResponseWriter, r *http.Request)

// examine has a patient in a bubble looked at, and returns the findings. The
// options are those of the probe, but for what the network needs.
func examine(t *testing.T, p patient, address string, o doctor.Options) (checks []doctor.Check, code int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen("sse.test:80")
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p(t, w, r) })}
		served := make(chan struct{})
		go func() { defer close(served); srv.Serve(l) }()
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		o.Transport, o.Mask = transport, (*url.URL).Redacted
		checks = doctor.Diagnose(doctor.Probe(t.Context(), u, o))
		transport.CloseIdleConnections()
		srv.Close()
		<-served
		time.Sleep(time.Hour) // handlers that sleep find out
	})
	return checks, doctor.ExitCode(checks)
}

// stream answers with an event stream.
func begin(w http.ResponseWriter) func(format string, args ...any) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	rc.Flush()
	return func(format string, args ...any) {
		fmt.Fprintf(w, format, args...)
		rc.Flush()
	}
}

// paced sends an event every so often, and stops when nobody reads any more.
func paced(r *http.Request, pause time.Duration, send func(n int)) {
	for n := 1; ; n++ {
		select {
		case <-time.After(pause):
			send(n)
		case <-r.Context().Done():
			return
		}
	}
}

// aegis is a session of an Aegis server that is busy: an event every half second since
// it began, a window of 50 without any sign of what fell out of it, and frames that
// come twice where replay meets live.
func aegis(window int, replayPause time.Duration) patient {
	began := time.Time{}
	return func(t *testing.T, w http.ResponseWriter, r *http.Request) {
		if began.IsZero() {
			began = time.Now()
		}
		const pause = 497 * time.Millisecond // never at the end of a listening
		frame := func(n int) string {
			at := began.Add(time.Duration(n) * pause).UTC()
			return fmt.Sprintf("id: %d\ndata: {\"event\":\"hook\",\"sessionId\":\"s\",\"timestamp\":%q,\"data\":{\"hookEvent\":\"Stop\"},\"emittedAt\":%d,\"id\":%d}\n\n",
				n, at.Format("2006-01-02T15:04:05.000Z"), at.UnixMilli(), n)
		}
		send := begin(w)
		send("data: {\"event\":\"connected\",\"sessionId\":\"s\",\"timestamp\":%q}\n\n", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
		newest := int(time.Since(began) / pause)
		if asked, err := strconv.Atoi(r.Header.Get("Last-Event-ID")); err == nil {
			for n := max(asked+1, newest-window+1); n <= newest; n++ {
				time.Sleep(replayPause)
				send("%s", frame(n))
			}
			if newest > asked {
				send("%s", frame(newest))
			}
		}
		time.Sleep(time.Until(began.Add(time.Duration(newest+1) * pause)))
		for n := newest + 1; r.Context().Err() == nil; n++ {
			send("%s", frame(n))
			time.Sleep(pause)
		}
	}
}

// nginx stands before a server that sends no timestamps: it strips the header that
// asks it not to gather, and gathers or not.
func nginx(gathers, size int) patient {
	return func(t *testing.T, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "nginx/1.27.0")
		send := begin(w)
		held := ""
		paced(r, 2*time.Second, func(n int) {
			held += fmt.Sprintf("id: %d\ndata: %0*d\n\n", n, size, n)
			if n%gathers == 0 {
				send("%s", held)
				held = ""
			}
		})
	}
}

func events(w http.ResponseWriter, r *http.Request) {
	send := begin(w)
	paced(r, time.Second, func(n int) { send("id: %d\ndata: %d\n\n", n, n) })
}

// TestWorld has the findings of the servers that people have.
func TestWorld(t *testing.T) {
	const session = "http://sse.test/v1/sessions/s/events"
	refused := func(status int, contentType, body string) patient {
		return func(_ *testing.T, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	zipped := func(asked bool, flush bool) patient {
		return func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			if asked && !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				events(w, r)
				return
			}
			w.Header().Set("Content-Encoding", "gzip")
			send := begin(w)
			z := gzip.NewWriter(w)
			paced(r, time.Second, func(n int) {
				fmt.Fprintf(z, "id: %d\ndata: %d\n\n", n, n)
				if flush {
					z.Flush()
					send("")
				}
			})
		}
	}
	large := func(end string) patient {
		return func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			send := begin(w)
			send("data: ")
			piece := strings.Repeat("x", 1<<20)
			for range 20 {
				if _, err := io.WriteString(w, piece); err != nil {
					return
				}
			}
			send("%s", end)
			<-r.Context().Done()
		}
	}
	for _, test := range []struct {
		name    string
		patient patient
		url     string
		options doctor.Options
		code    int // -1: whatever it is
		check   string
		state   doctor.State
		says    string
	}{
		{"a busy Aegis", aegis(50, 0), session, doctor.Options{}, 0, "replay", doctor.OK,
			"sent the 10 that followed, in order; its replay goes back to 50 of the 69 that were heard"},
		{"an Aegis with frames that come twice", aegis(50, 0), session, doctor.Options{}, 0, "ids", doctor.OK, "on each of"},
		{"an Aegis whose events come as they happen", aegis(50, 0), session, doctor.Options{}, 0, "buffering", doctor.OK, "none"},
		{"a slow replay", aegis(50, 600*time.Millisecond), session, doctor.Options{}, 0, "replay", doctor.Unknown, "was still at it after 3s"},
		{"a short window without a sign", aegis(3, 0), session, doctor.Options{}, 1, "replay", doctor.Warning, "of the 10 that followed|its replay is short, and it does not say so"},

		{"basic auth in the URL", func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); user != "u" || password != "p w" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			events(w, r)
		}, "http://u:p%20w@sse.test/", doctor.Options{}, -1, "status", doctor.OK, "200 OK"},
		{"a header stands above it", func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer x" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			events(w, r)
		}, "http://u:p@sse.test/", doctor.Options{Header: http.Header{"Authorization": {"Bearer x"}}}, -1, "status", doctor.OK, "200 OK"},

		{"nginx that does not gather", nginx(1, 10), "http://sse.test/", doctor.Options{}, -1, "buffering", doctor.OK, "behind a pause"},
		{"nginx that gathers", nginx(5, 1000), "http://sse.test/", doctor.Options{}, -1, "buffering", doctor.Warning, "nginx is in between, and up to 5"},

		{"gzip, flushed", zipped(true, true), "http://sse.test/", doctor.Options{}, -1, "compression", doctor.OK, "events came through it, and "},
		{"gzip, not flushed", zipped(true, false), "http://sse.test/", doctor.Options{}, 2, "compression", doctor.Fault, "0 events came through it, and "},
		{"gzip that nobody asked for", zipped(false, true), "http://sse.test/", doctor.Options{}, -1, "compression", doctor.Warning, "which was not asked for"},
		{"gzip that nobody asked for, not flushed", zipped(false, false), "http://sse.test/", doctor.Options{}, 2, "compression", doctor.Fault, "nothing of the stream has come out of it"},

		{"a large event", large("\n\n"), "http://sse.test/", doctor.Options{}, 2, "format", doctor.Fault, "an event of 21.0 MB|clients limit"},
		{"an event without end", large(""), "http://sse.test/", doctor.Options{}, 2, "format", doctor.Fault, "and no end of it"},
		{"retry: 0", func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			send := begin(w)
			send("retry: 0\n\n")
			paced(r, time.Second, func(n int) { send("id: %d\ndata: x\n\n", n) })
		}, "http://sse.test/", doctor.Options{}, -1, "retry", doctor.Warning, "retry: 0 (milliseconds)"},

		{"a model's endpoint, asked with GET", refused(405, "application/json", `{"error":{"message":"Not allowed to GET on /v1/chat/completions.","type":"invalid_request_error"}}`),
			"http://sse.test/v1/chat/completions", doctor.Options{}, 2, "status", doctor.Fault, "ask with -X POST, or with -d DATA"},
		{"a model's endpoint", func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Method != http.MethodPost || string(body) != `{"stream":true}` || r.Header.Get("Last-Event-ID") != "" {
				t.Errorf("got %s with %q", r.Method, body)
			}
			send := begin(w)
			for _, word := range []string{"a", "b", "c", "d", "[DONE]"} {
				time.Sleep(200 * time.Millisecond)
				send("data: %s\n\n", word)
			}
		}, "http://sse.test/v1/chat/completions", doctor.Options{Method: "POST", Body: []byte(`{"stream":true}`)}, -1, "replay", doctor.Unknown, "it was made once"},

		{"Aegis 0.6.6 and an id that is none", refused(400, "application/json; charset=utf-8",
			`{"code":"VALIDATION_ERROR","message":"Invalid session ID — must be a UUID","requestId":"e56fef57-266d-4be6-8622-28db6d92895a","error":"Invalid session ID — must be a UUID"}`),
			session, doctor.Options{}, 2, "status", doctor.Fault, "400 Bad Request: Invalid session ID — must be a UUID|"},
		{"a refusal in text", refused(400, "text/plain", "no such stream\x1b[2J\n"), session, doctor.Options{}, 2, "status", doctor.Fault, `400 Bad Request: no such stream\x1b[2J|`},
		{"a refusal as a page", refused(502, "text/html", "<html>…"), session, doctor.Options{}, 2, "status", doctor.Fault, "502 Bad Gateway|"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.options.For == 0 {
				test.options.For = 35 * time.Second
			}
			checks, code := examine(t, test.patient, test.url, test.options)
			found := test.code < 0 || code == test.code
			for _, c := range checks {
				if c.Name == test.check {
					found = found && c.State == test.state && strings.Contains(c.Seen+"|"+c.Means+"|"+c.Change, test.says)
				}
			}
			if !found {
				t.Errorf("exit code %d, want %d; want %s of %s that says %q:", code, test.code, test.state, test.check, test.says)
				for _, c := range checks {
					t.Logf("%-8s%-13s%s | %s | %s", c.State, c.Name, c.Seen, c.Means, c.Change)
				}
			}
		})
	}
}

// TestProxy blames the proxy for what is the proxy's.
func TestProxy(t *testing.T) {
	proxy := func(*http.Request) (*url.URL, error) { return url.Parse("http://user:secret@proxy.test:3128") }
	u, _ := url.Parse("http://sse.test/")
	obs := doctor.Probe(t.Context(), u, doctor.Options{
		Transport: &http.Transport{
			Proxy: proxy,
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			},
		},
		Proxy: proxy, For: time.Second, Mask: (*url.URL).String,
	})
	c := doctor.Diagnose(obs)[0]
	if c.State != doctor.Fault || !strings.Contains(c.Means, "the proxy http://proxy.test:3128 can't be reached") || strings.Contains(fmt.Sprint(c), "secret") {
		t.Errorf("got %+v", c)
	}
}

// TestUntilTheEnd listens for as long as the stream goes on.
func TestUntilTheEnd(t *testing.T) {
	checks, _ := examine(t, func(t *testing.T, w http.ResponseWriter, r *http.Request) {
		send := begin(w)
		for n := range 5 {
			time.Sleep(time.Minute)
			send("id: %d\ndata: x\n\n", n)
		}
	}, "http://sse.test/", doctor.Options{})
	for _, c := range checks {
		if c.Name == "idle cut" && !strings.Contains(c.Seen, "the response ended after 5m") {
			t.Errorf("got %+v", c)
		}
	}
}
