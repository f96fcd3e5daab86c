package hub_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// A writer that hides what the one below can do, but for Flush if it has one.
type plainWriter struct{ w http.ResponseWriter }

func (w plainWriter) Header() http.Header         { return w.w.Header() }
func (w plainWriter) WriteHeader(status int)      { w.w.WriteHeader(status) }
func (w plainWriter) Write(b []byte) (int, error) { return w.w.Write(b) }

type flushWriter struct{ plainWriter }

func (w flushWriter) Flush() { w.w.(http.Flusher).Flush() }

type unwrapWriter struct{ plainWriter }

func (w unwrapWriter) Unwrap() http.ResponseWriter { return w.w }

// Handlers around the hub: what they put into the header is sent, and a writer without
// Hijack gets its stream.
func TestBehindOtherHandlers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wrap   func(http.ResponseWriter) http.ResponseWriter
		status int
	}{
		{"the writer itself", func(w http.ResponseWriter) http.ResponseWriter { return w }, 200},
		{"one with Unwrap", func(w http.ResponseWriter) http.ResponseWriter { return unwrapWriter{plainWriter{w}} }, 200},
		{"one with Flush", func(w http.ResponseWriter) http.ResponseWriter { return flushWriter{plainWriter{w}} }, 200},
		{"one with neither", func(w http.ResponseWriter) http.ResponseWriter { return plainWriter{w} }, 500},
	} {
		for _, h2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %v", tt.name, h2), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h, err := hub.New(hub.Config{})
					if err != nil {
						t.Fatal(err)
					}
					s := serveHandler(t, h, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("X-Outer", "1")
						w.Header().Set("Content-Length", "7") // by one who has not thought of streams
						h.ServeHTTP(tt.wrap(w), r)
					}), h2)
					abc := s.session("abc")
					resp := s.get("/v1/sessions/abc/events")
					if resp.StatusCode != tt.status {
						t.Fatalf("got %s, want %d", resp.Status, tt.status)
					}
					if tt.status != 200 {
						return
					}
					if got := resp.Header.Get("X-Outer"); got != "1" {
						t.Errorf("X-Outer: got %q, want what the outer handler has set", got)
					}
					emit(t, abc, "hi")
					body := bufio.NewScanner(resp.Body)
					for body.Scan() && body.Text() != "id: 2" {
					}
					if err := body.Err(); err != nil || body.Text() != "id: 2" {
						t.Errorf("the event did not come: %v", err)
					}
				})
			})
		}
	}
}

// Limits of time that a server has for answers don't end a stream.
func TestServersTimeouts(t *testing.T) {
	for _, cfg := range []hub.Config{{}, {NoHijack: true}} {
		h, err := hub.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		hs := httptest.NewUnstartedServer(h)
		hs.Config.ReadTimeout, hs.Config.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
		hs.Start()
		st, err := h.Stream("s")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(hs.URL + "/events?stream=s")
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { // later than both
			send(t, st, "late")
			st.End()
		})
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "id: late\ndata: x\n\n" {
			t.Errorf("NoHijack %v: got %q, %v, want the event and a clean end", cfg.NoHijack, b, err)
		}
		resp.Body.Close()
		h.Close()
		hs.Close()
	}
}

// A recorder has Flush, and knows no deadlines.
func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := hub.New(hub.Config{})
		if err != nil {
			t.Fatal(err)
		}
		st, _ := h.Stream("s")
		send(t, st, "a")
		st.End()
		rec, req := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/events?stream=s", nil)
		req.Header.Set("Last-Event-ID", "0")
		h.ServeHTTP(rec, req)
		if got := rec.Body.String(); rec.Code != 200 || got != "id: a\ndata: x\n\n" {
			t.Errorf("got %d %q", rec.Code, got)
		}
		h.Close()
	})
}

func TestRoutesAndMethods(t *testing.T) {
	inAllWays(t, nil, func(t *testing.T, s *server) {
		s.session("abc")
		s.stream("s")
		for _, tt := range []struct {
			method, path string
			status       int
			allow        string
		}{
			{"GET", "/v1/sessions/xyz/events", 404, ""}, {"GET", "/events?stream=xyz", 404, ""}, {"GET", "/events", 404, ""},
			{"GET", "/sessions/abc/events", 404, ""}, {"GET", "/prefix/v1/sessions/abc/events", 404, ""}, {"GET", "/", 404, ""},
			{"POST", "/v1/sessions/abc/events", 405, "GET, HEAD"}, {"DELETE", "/v1/events", 405, "GET, HEAD"}, {"PUT", "/events?stream=s", 405, "GET, HEAD, POST"},
			{"POST", "/events?stream=s", 200, ""}, {"HEAD", "/v1/sessions/abc/events", 200, ""}, {"POST", "/v1/auth/sse-token", 404, ""},
		} {
			resp := s.do(tt.method, tt.path)
			if resp.StatusCode != tt.status || resp.Header.Get("Allow") != tt.allow {
				t.Errorf("%s %s: got %d, Allow %q, want %d, %q", tt.method, tt.path, resp.StatusCode, resp.Header.Get("Allow"), tt.status, tt.allow)
			}
			resp.Body.Close()
		}
	})
}

func TestTokens(t *testing.T) {
	inAllWays(t, func(c *hub.Config) { c.Tokens, c.SSETokens = []string{"key"}, true }, func(t *testing.T, s *server) {
		s.session("abc")
		issue := func() string {
			resp := s.do(http.MethodPost, "/v1/auth/sse-token", "Authorization", "bearer key")
			var got struct{ Token, ExpiresAt string }
			if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || resp.StatusCode != 201 || !strings.HasPrefix(got.Token, "sse_") {
				t.Fatalf("got %s, %+v, %v, want a token", resp.Status, got, err)
			}
			return got.Token
		}
		try := func(token string) int {
			resp := s.get("/v1/sessions/abc/events?token=" + token)
			defer resp.Body.Close()
			return resp.StatusCode
		}
		if resp := s.do(http.MethodPost, "/v1/auth/sse-token", "Authorization", "Bearer other"); resp.StatusCode != 401 {
			t.Errorf("a token for another key: got %s, want 401", resp.Status)
		}
		once, late := issue(), issue()
		for i, want := range []int{200, 401} {
			if got := try(once); got != want {
				t.Errorf("use %d of a single-use token: got %d, want %d", i+1, got, want)
			}
		}
		time.Sleep(time.Minute)
		if got := try(late); got != 401 {
			t.Errorf("a token after a minute: got %d, want 401", got)
		}
		if got := try("key"); got != 401 {
			t.Errorf("a token for good: got %d, want 401", got)
		}
		if _, _, err := s.IssueToken("k", 2); err != nil {
			t.Error(err)
		}
		s.IssueToken("k", 2)
		if _, _, err := s.IssueToken("k", 2); err == nil {
			t.Error("a third token for a key that may have two")
		}
	})
}

func TestAuthorize(t *testing.T) {
	var e endings
	no := errors.New("not for you")
	inAllWays(t, func(c *hub.Config) {
		e = endings{}
		c.Report = e.report
		c.Authorize = func(r *http.Request, id hub.StreamID) error {
			switch {
			case r.Header.Get("Who") == "":
				return hub.ErrUnauthorized
			case id.Kind == hub.OfAll || id.Name != "mine":
				return no
			}
			return nil
		}
	}, func(t *testing.T, s *server) {
		s.session("mine")
		for _, tt := range []struct {
			path, who string
			status    int
		}{
			{"/v1/sessions/mine/events", "", 401}, {"/v1/sessions/mine/events", "me", 200}, {"/v1/sessions/other/events", "me", 403},
			{"/v1/events", "me", 403}, {"/events?stream=mine", "me", 404},
		} {
			resp := s.get(tt.path, "Who", tt.who)
			if resp.StatusCode != tt.status {
				t.Errorf("%s as %q: got %s, want %d", tt.path, tt.who, resp.Status, tt.status)
			}
			if tt.status == 403 {
				if b, _ := io.ReadAll(resp.Body); strings.Contains(string(b), no.Error()) {
					t.Errorf("the client sees why: %s", b)
				}
			}
			resp.Body.Close()
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if r := e.all[1]; !errors.Is(r.Err, no) && !errors.Is(e.all[2].Err, no) {
			t.Errorf("the report does not have the error: %+v", e.all)
		}
	})
}

func TestLimits(t *testing.T) {
	inAllWays(t, func(c *hub.Config) { c.MaxConns, c.RetryAfter = 2, 1500*time.Millisecond }, func(t *testing.T, s *server) {
		r := s.read("/v1/events")
		s.read("/v1/events")
		resp := s.get("/v1/events")
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "2" {
			t.Errorf("the third: got %s, Retry-After %q, want 503, 2", resp.Status, resp.Header.Get("Retry-After"))
		}
		r.resp.Body.Close()
		synctest.Wait()
		s.read("/v1/events")
	})
	inAllWays(t, func(c *hub.Config) { c.MaxConnsPerAddr = 1 }, func(t *testing.T, s *server) {
		s.read("/v1/events")
		if resp := s.get("/v1/events"); resp.StatusCode != 429 {
			t.Errorf("the second of one address: got %s, want 429", resp.Status)
		}
	})
}

func TestCORS(t *testing.T) {
	for _, tt := range []struct {
		origins []string
		origin  string
		want    string
	}{{nil, "https://a.test", ""}, {[]string{"*"}, "https://a.test", "*"}, {[]string{"https://a.test"}, "https://a.test", "https://a.test"}, {[]string{"https://a.test"}, "https://b.test", ""}} {
		inAllWays(t, func(c *hub.Config) { c.Origins = tt.origins }, func(t *testing.T, s *server) {
			s.session("abc")
			for _, path := range []string{"/v1/sessions/abc/events", "/v1/sessions/xyz/events", "/v1/events"} {
				resp := s.get(path, "Origin", tt.origin)
				if got := resp.Header.Get("Access-Control-Allow-Origin"); got != tt.want {
					t.Errorf("%v, %s from %s: allowed is %q, want %q", tt.origins, path, tt.origin, got, tt.want)
				}
				if got := resp.Header.Get("Access-Control-Expose-Headers"); tt.want != "" && got != "Last-Event-ID, Retry-After, Sse-Run" {
					t.Errorf("exposed: %q", got)
				}
				resp.Body.Close()
			}
			resp := s.do(http.MethodOptions, "/v1/sessions/abc/events", "Origin", tt.origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "last-event-id,sse-run")
			allowed := resp.StatusCode == 204 && strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "Last-Event-ID") && strings.Contains(resp.Header.Get("Access-Control-Allow-Methods"), "GET")
			if allowed != (tt.want != "") {
				t.Errorf("%v: preflight from %s: %s %v", tt.origins, tt.origin, resp.Status, resp.Header)
			}
			if n := s.Stats().Requests; tt.want != "" && n != 3 {
				t.Errorf("%d requests for streams, want 3: a preflight is none", n)
			}
		})
	}
}

// Close and requests may come together, and no goroutine is left.
func TestCloseWhileRequestsCome(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, hub.Config{})
			s.session("abc")
			for range 20 {
				go func() {
					req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/sessions/abc/events", nil)
					if resp, err := s.client.Do(req); err == nil {
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
				}()
			}
			go s.Close()
			s.Close()
			if n := len(s.Conns()); n != 0 {
				t.Errorf("%d connections are left", n)
			}
			if err := s.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

// What a client sends to a stream is bounded, in size and in time.
func TestRequestBody(t *testing.T) {
	inAllWays(t, nil, func(t *testing.T, s *server) {
		s.stream("s")
		for _, tt := range []struct {
			body   io.Reader
			status int
		}{{strings.NewReader("small"), 200}, {strings.NewReader(strings.Repeat("x", 2<<20)), 413}} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/events?stream=s", tt.body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.client.Do(req)
			if err != nil {
				t.Errorf("%d: %v", tt.status, err)
				continue
			}
			if resp.StatusCode != tt.status {
				t.Errorf("got %s, want %d", resp.Status, tt.status)
			}
			resp.Body.Close()
		}
		time.Sleep(time.Second) // net/http waits for the client to read the refusal
	})
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		cfg   hub.Config
		field string
	}{
		{hub.Config{Window: -2}, "Window"}, {hub.Config{LagEvents: -1}, "LagEvents"}, {hub.Config{Heartbeat: -time.Second}, "Heartbeat"},
		{hub.Config{MaxAge: hub.Off}, "MaxAge"}, {hub.Config{Tokens: []string{""}}, "Tokens"}, {hub.Config{Origins: []string{""}}, "Origins"},
		{hub.Config{Run: "a\nb"}, "Run"}, {hub.Config{HistoryReaders: -1}, "HistoryReaders"},
	} {
		_, err := hub.New(tt.cfg)
		if e, ok := errors.AsType[*hub.OptionError](err); !ok || e.Field != tt.field {
			t.Errorf("%s: got %v, want an *OptionError", tt.field, err)
		}
	}
	// Off is none: no window, no heartbeat, no lingering, no retirement.
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, hub.Config{Window: hub.Off, Heartbeat: hub.Off, Linger: hub.Off, RetireAfter: hub.Off})
		abc := s.session("abc")
		emit(t, abc, "")
		resp := s.get("/v1/sessions/abc/events", "Last-Event-ID", "0")
		if gap := resp.Header.Get("Last-Event-ID"); gap != "2" {
			t.Errorf("Last-Event-ID: got %q, want 2", gap)
		}
		synctest.Wait()
		time.Sleep(time.Hour)
		abc.Emit("ended", nil)
		if b, err := io.ReadAll(resp.Body); err != nil || strings.Contains(string(b), "heartbeat") || !strings.Contains(string(b), "ended") {
			t.Errorf("got %q, %v", b, err)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if resp := s.get("/v1/sessions/abc/events", "Last-Event-ID", "3"); resp.StatusCode != 404 {
			t.Errorf("after the end: got %s, want 404", resp.Status)
		}
	})
}

// A stuckWriter is the response to a client that does not read.
type stuckWriter struct {
	http.ResponseWriter
	free chan struct{}
}

func (w stuckWriter) Write(b []byte) (int, error) {
	<-w.free
	return len(b), nil
}

// Close waits neither for a client that does not read an answer, nor for Authorize if
// that heeds its context.
func TestCloseWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, hub.Config{})
		w := stuckWriter{httptest.NewRecorder(), make(chan struct{})}
		go s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, session.ListPath, nil))
		synctest.Wait()
		s.Close()
		close(w.free)
	})
	for _, path := range []string{"/v1/events", session.ListPath} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, hub.Config{Authorize: func(r *http.Request, _ hub.StreamID) error {
				<-r.Context().Done()
				return context.Cause(r.Context())
			}})
			go s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
			synctest.Wait()
			s.Close()
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// What a client has sent for a stream is not kept while it reads.
func TestRequestBodyIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, hub.Config{})
		s.stream("s")
		heap := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before := heap()
		for range 50 {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/events?stream=s", io.LimitReader(zeros{}, 1<<20))
			resp, err := s.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
		}
		if grown := heap() - before; grown > 20<<20 {
			t.Errorf("50 streams hold %d MiB", grown>>20)
		}
	})
}
