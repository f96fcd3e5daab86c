package testserver_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
)

var profiles = map[ts.Profile]string{ts.Aegis133: "1.3.3", ts.Aegis066: "0.6.6"}

// A recorded is a frame as a real server has sent it.
type recorded struct {
	ID   string          `json:"id"`
	Data json.RawMessage `json:"data"`
}

// recording reads one of the repository's recordings.
func recording(t *testing.T, version, stream string) (frames []recorded) {
	t.Helper()
	b, err := os.ReadFile("../session/testdata/aegis/" + version + "-" + stream + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var r recorded
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, r)
	}
	return frames
}

// What differs from one run to the next.
var (
	frameID   = regexp.MustCompile(`^id: \d+\n`)
	memberID  = regexp.MustCompile(`,"id":\d+}\n\n$`)
	timestamp = regexp.MustCompile(`"timestamp":"[^"]*"`)
	emittedAt = regexp.MustCompile(`,"emittedAt":\d+`)
	sessionID = regexp.MustCompile(`"sessionId":"[^"]+"`)
)

// alikeFrame returns a frame without what differs: members, their order, and what is in
// them stay.
func alikeFrame(frame string) string {
	frame = frameID.ReplaceAllString(frame, "id: N\n")
	frame = memberID.ReplaceAllString(frame, ",\"id\":N}\n\n")
	frame = timestamp.ReplaceAllString(frame, `"timestamp":T`)
	frame = emittedAt.ReplaceAllString(frame, `,"emittedAt":T`)
	return sessionID.ReplaceAllString(frame, `"sessionId":S`)
}

func (r *recorded) frame() string {
	frame := "data: " + string(r.Data) + "\n\n"
	if r.ID != "" {
		frame = "id: " + r.ID + "\n" + frame
	}
	return alikeFrame(frame)
}

// TestProfileFrames publishes what a real server has published, and compares what comes
// with the recording, member for member.
func TestProfileFrames(t *testing.T) {
	for profile, version := range profiles {
		t.Run(version, func(t *testing.T) {
			srv := ts.NewInMemory(t, &ts.Options{Profile: profile})
			s := srv.Session("abc")
			mine, all := getRaw(t, srv, s.URL()), getRaw(t, srv, srv.GlobalURL())
			mine.head(t)
			all.head(t)
			srv.For(t).Conns(2)
			var want, wantGlobal []string
			global := recording(t, version, "global")
			for _, r := range recording(t, version, "session") {
				var env session.Envelope
				if err := json.Unmarshal(r.Data, &env); err != nil {
					t.Fatal(err)
				}
				want = append(want, r.frame())
				if env.Kind == session.Connected {
					continue
				}
				s.Emit(env.Kind, env.Data)
				// The same event on the global stream has the same time and data.
				i := slices.IndexFunc(global, func(g recorded) bool {
					var other session.Envelope
					return json.Unmarshal(g.Data, &other) == nil && other.Timestamp.Equal(env.Timestamp) && bytes.Equal(other.Data, env.Data)
				})
				if i < 0 {
					wantGlobal = append(wantGlobal, "") // it was not recorded there
					continue
				}
				wantGlobal = append(wantGlobal, global[i].frame())
			}
			compareFrames(t, "session", want, framesOf(t, mine, len(want)))
			got := framesOf(t, all, len(wantGlobal)+1)[1:] // behind connected
			for i := range got {
				if wantGlobal[i] == "" {
					got[i] = ""
				}
			}
			compareFrames(t, "global", wantGlobal, got)
		})
	}
}

func compareFrames(t *testing.T, stream string, want, got []string) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s stream (-recorded +got):\n%s", stream, diff)
	}
}

// framesOf reads so many frames from a chunked body, whatever the chunks.
func framesOf(t *testing.T, c *rawConn, n int) (frames []string) {
	t.Helper()
	body := bufio.NewReader(&unchunker{in: c.in})
	for frame := ""; len(frames) < n; {
		line, err := body.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d of %d frames: %v", len(frames), n, err)
		}
		if frame += line; line == "\n" {
			frames, frame = append(frames, alikeFrame(frame)), ""
		}
	}
	return frames
}

// An unchunker reads a chunked body that may not end.
type unchunker struct {
	in   *bufio.Reader
	left int
}

func (u *unchunker) Read(b []byte) (int, error) {
	if u.left == 0 {
		if _, err := fmt.Fscanf(u.in, "%x\r\n", &u.left); err != nil || u.left == 0 {
			return 0, cmp.Or(err, io.EOF)
		}
	}
	n, err := u.in.Read(b[:min(len(b), u.left)])
	if u.left -= n; u.left == 0 && err == nil {
		_, err = u.in.Discard(2)
	}
	return n, err
}

// A captured is a response as curl saw it.
type captured struct {
	status int
	header http.Header
	body   string
}

// captures reads the responses of a version, by the name of their request.
func captures(t *testing.T, version string) map[string]captured {
	t.Helper()
	b, err := os.ReadFile("testdata/aegis/http-" + version + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]captured)
	for _, section := range strings.Split(string(b), "#### ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		head, body, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n")
		c := captured{header: http.Header{}, body: strings.TrimSpace(body)}
		lines := strings.Split(head, "\n")
		fmt.Sscanf(lines[0], "HTTP/1.1 %d", &c.status)
		for _, line := range lines[1:] {
			key, value, _ := strings.Cut(line, ": ")
			c.header.Set(key, value)
		}
		all[name] = c
	}
	return all
}

// What of a header differs from one run to the next.
var changing = []string{"Date", "X-Request-Id", "X-Ratelimit-Remaining", "Transfer-Encoding"}

var (
	requestID = regexp.MustCompile(`"requestId":"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"`)
	anyToken  = regexp.MustCompile(`"token":"sse_[0-9a-f]{64}","expiresAt":\d{13}`)
)

// TestProfileResponses compares answers with captured ones: status, header, body.
func TestProfileResponses(t *testing.T) {
	const unknown, known = "6a8c7ed8-3d28-401f-8dc2-f735a6d0191c", "a745e7d0-e0b5-41de-9cfd-47de509893f9"
	requests := map[string][3]string{ // method, path, Last-Event-ID
		"404":              {"GET", "/v1/sessions/nope/events", ""},
		"404uuid":          {"GET", "/v1/sessions/" + unknown + "/events", ""},
		"global":           {"GET", "/v1/events", ""},
		"global.lei0":      {"GET", "/v1/events", "0"},
		"session":          {"GET", "/v1/sessions/" + known + "/events", ""},
		"session.lei0":     {"GET", "/v1/sessions/" + known + "/events", "0"},
		"session.lei99999": {"GET", "/v1/sessions/" + known + "/events", "99999"},
		"session.leixyz":   {"GET", "/v1/sessions/" + known + "/events", "xyz"},
		"legacystream":     {"GET", "/v1/sessions/" + known + "/stream", ""},
		"stream":           {"GET", "/v1/sessions/" + known + "/stream", ""},
		"post":             {"POST", "/v1/sessions/" + known + "/events", ""},
		"route404":         {"GET", "/nowhere", ""},
		"ssetoken":         {"POST", "/v1/auth/sse-token", ""},
		"legacy":           {"GET", "/sessions/" + known + "/events", ""}, // beyond the limit of streams, on 0.6.6
	}
	for profile, version := range profiles {
		captures := captures(t, version)
		for name, r := range requests {
			t.Run(version+"/"+name, func(t *testing.T) {
				want, ok := captures[name]
				if !ok {
					t.Fatal("not captured")
				}
				srv := ts.New(t, &ts.Options{Profile: profile})
				srv.Session(known)
				if want.status == http.StatusTooManyRequests {
					for range 10 {
						open(t, srv, srv.GlobalURL(), "")
					}
					srv.For(t).Conns(10)
				}
				req, err := http.NewRequestWithContext(t.Context(), r[0], srv.URL+r[1], nil)
				if err != nil {
					t.Fatal(err)
				}
				if r[2] != "" {
					req.Header.Set("Last-Event-ID", r[2])
				}
				compareResponse(t, srv, req, want)
			})
		}
	}
}

func compareResponse(t *testing.T, srv *ts.Server, req *http.Request, want captured) {
	t.Helper()
	c := getRaw(t, srv, req.URL.String(), "Last-Event-ID: "+req.Header.Get("Last-Event-ID"))
	if req.Method != "GET" {
		c = dialRaw(t, srv)
		fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", req.Method, req.URL.RequestURI())
	}
	resp := c.head(t)
	for _, key := range changing {
		resp.Header.Del(key)
		want.header.Del(key)
	}
	if diff := gocmp.Diff(want.header, resp.Header); resp.StatusCode != want.status || diff != "" {
		t.Errorf("status %d, want %d; header (-captured +got):\n%s", resp.StatusCode, want.status, diff)
	}
	if want.status == http.StatusOK {
		want.body, _, _ = strings.Cut(want.body+"\n\n", "\n\n")
		if got := framesOf(t, &rawConn{Conn: c.Conn, in: c.in}, 1)[0]; got != alikeFrame(want.body+"\n\n") {
			t.Errorf("first frame %q, want %q", got, alikeFrame(want.body+"\n\n"))
		}
		return
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	norm := func(s string) string {
		return anyToken.ReplaceAllString(requestID.ReplaceAllString(s, `"requestId":R`), "TOKEN")
	}
	if got := norm(string(b)); got != norm(want.body) {
		t.Errorf("body %s, want %s", got, norm(want.body))
	}
}

// TestProfileHTTP10: a client of HTTP/1.0 gets a head of HTTP/1.1, and a body that ends
// with the connection.
func TestProfileHTTP10(t *testing.T) {
	const known = "a745e7d0-e0b5-41de-9cfd-47de509893f9"
	for profile, version := range profiles {
		t.Run(version, func(t *testing.T) {
			srv := ts.New(t, &ts.Options{Profile: profile})
			want := captures(t, version)["http10"]
			c := dialRaw(t, srv)
			fmt.Fprintf(c, "GET %s HTTP/1.0\r\nHost: x\r\n\r\n", session.EventsPath(srv.Session(known).ID()))
			resp := c.head(t)
			resp.Header.Del("Date")
			want.header.Del("Date")
			if resp.Proto != "HTTP/1.1" || resp.StatusCode != want.status {
				t.Errorf("got %s %s", resp.Proto, resp.Status)
			}
			if diff := gocmp.Diff(want.header, resp.Header); diff != "" {
				t.Errorf("header (-captured +got):\n%s", diff)
			}
			got := make([]byte, len(want.body)+2) // what comes then is none of it
			if _, err := io.ReadFull(c.in, got); err != nil || alikeFrame(string(got)) != alikeFrame(want.body+"\n\n") {
				t.Errorf("body %q, %v, want %q", got, err, want.body)
			}
			srv.Drop()
			if rest, end := c.rest(); rest != "" || end != "cut" {
				t.Errorf("then %q, %s", rest, end)
			}
		})
	}
}

// TestProfileSlowReader: 0.6.6 ends the stream of who does not read cleanly, behind the
// third event that comes meanwhile; 1.3.3 goes on, and cuts it after 90 s.
func TestProfileSlowReader(t *testing.T) {
	for profile, tt := range map[ts.Profile]struct{ ids, end string }{
		ts.Aegis066: {"1 2 3 4", "clean"},
		ts.Aegis133: {"1 2 3 4 5 6", "cut"},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := ts.NewInMemory(t, &ts.Options{Profile: profile})
			s := srv.Session("abc")
			c := getRaw(t, srv, s.URL())
			c.head(t)
			srv.For(t).Conns(1)
			s.Message("assistant", strings.Repeat("x", 1<<20))
			synctest.Wait()
			for range 5 { // 2 to 6
				time.Sleep(time.Second)
				s.Message("assistant", "x")
			}
			time.Sleep(time.Second)
			defer time.AfterFunc(time.Minute, func() { srv.Drop() }).Stop()
			dec := sse.NewDecoder(&unchunker{in: c.in}, nil)
			var got []string
			var err error
			for err == nil {
				var ev sse.Event
				if ev, err = dec.Next(); err == nil && ev.HasID {
					got = append(got, ev.ID)
				}
			}
			end := "cut"
			if rest, _ := io.ReadAll(c.in); errors.Is(err, io.EOF) && string(rest) == "\r\n" {
				end = "clean"
			}
			if ids := strings.Join(got, " "); ids != tt.ids || end != tt.end {
				t.Errorf("%s: got %s and a %s end (%v), want %s and a %s one", profile, ids, end, err, tt.ids, tt.end)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t, &ts.Options{Profile: ts.Aegis133})
		s := srv.Session("abc")
		getRaw(t, srv, s.URL()).head(t)
		srv.For(t).Conns(1)
		start := time.Now()
		s.Message("assistant", strings.Repeat("x", 1<<20))
		srv.For(t).Conns(0)
		if d := time.Since(start); d != 90*time.Second {
			t.Errorf("1.3.3: a reader that never reads was cut after %v", d)
		}
	})
}

// TestProfileQuota: 0.6.6 takes 600 requests a minute of an address, and says how many
// are left; what is no route does not count.
func TestProfileQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t, &ts.Options{Profile: ts.Aegis066})
		ask := func(path string) *http.Response {
			t.Helper()
			resp, err := srv.Client().Get(srv.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { resp.Body.Close() })
			return resp
		}
		const unknown = "/v1/sessions/6a8c7ed8-3d28-401f-8dc2-f735a6d0191c/events"
		for n := range 600 {
			resp := ask(unknown)
			resp.Body.Close()
			if got := resp.Header.Get("X-Ratelimit-Remaining"); resp.StatusCode != 404 || got != itoa(int64(599-n)) {
				t.Fatalf("request %d: %s, %s left", n+1, resp.Status, got)
			}
		}
		time.Sleep(20 * time.Second)
		for path, want := range map[string]int{unknown: 429, "/v1/events": 429, "/v1/sessions": 429, "/nowhere": 404, "/v1/sessions/no-uuid/events": 400} {
			if resp := ask(path); resp.StatusCode != want {
				t.Errorf("%s: %s, want %d", path, resp.Status, want)
			}
		}
		resp := ask(unknown)
		b, _ := io.ReadAll(resp.Body)
		if h := resp.Header; h.Get("Retry-After") != "40" || h.Get("X-Ratelimit-Reset") != "40" || !strings.Contains(string(b), `{"code":"RATE_LIMITED","message":`) {
			t.Errorf("got %v %s", h, b)
		}
		if r := srv.Requests(); r[len(r)-1].Status != 429 || r[len(r)-1].Why != "too many requests of one address" {
			t.Errorf("journal: %s", r[len(r)-1])
		}
		time.Sleep(40 * time.Second)
		if resp := ask(unknown); resp.StatusCode != 404 {
			t.Errorf("a minute later: %s", resp.Status)
		}
	})
}

// TestProfileResumes: the window without a sign, what is ahead starts live, and what
// JavaScript reads as a number is one.
func TestProfileResumes(t *testing.T) {
	for profile, version := range profiles {
		t.Run(version, func(t *testing.T) {
			srv := ts.NewInMemory(t, &ts.Options{Profile: profile, Seed: 1})
			s := srv.Session("abc")
			for range 60 {
				s.Message("assistant", "x")
			}
			for _, tt := range []struct {
				url, asked, first string
			}{
				{s.URL(), "0", "11"}, {s.URL(), "3", "11"}, {s.URL(), "58", "59"}, {s.URL(), "12abc", "13"},
				{s.URL(), "99999", ""}, {s.URL(), "xyz", ""}, {s.URL(), "60", ""},
				{srv.GlobalURL(), "58", map[ts.Profile]string{ts.Aegis066: "59"}[profile]},
			} {
				resp := open(t, srv, tt.url, tt.asked)
				if resp.Header.Get("Last-Event-ID") != "" || resp.Header.Get("Sse-Run") != "" {
					t.Errorf("%s behind %s: a sign: %v", tt.url, tt.asked, resp.Header)
				}
				if requests := srv.Requests(); tt.first == "" {
					if got := requests[len(requests)-1].Start; got != "60" {
						t.Errorf("%s behind %s: starts behind %q, want live", tt.url, tt.asked, got)
					}
					continue
				}
				if got := ids(t, decode(resp), 1); got != tt.first {
					t.Errorf("%s behind %s: begins with %s, want %s", tt.url, tt.asked, got, tt.first)
				}
			}
		})
	}
}

// TestProfileRepeatsAtTheSeam now and then, by the seed, and only there.
func TestProfileRepeatsAtTheSeam(t *testing.T) {
	repeated := func(seed int64) (pattern string) {
		srv := ts.NewInMemory(t, &ts.Options{Profile: ts.Aegis133, Seed: seed})
		s := srv.Session("abc")
		for range 40 {
			last := s.Message("assistant", "x")
			resp := open(t, srv, s.URL(), itoa(last-1))
			dec := decode(resp)
			replayed := ids(t, dec, 1)
			s.Message("assistant", "live")
			pattern += map[bool]string{true: "r", false: "."}[ids(t, dec, 1) == replayed]
			resp.Body.Close()
		}
		return pattern
	}
	first := repeated(1)
	if n := strings.Count(first, "r"); n == 0 || n == 40 {
		t.Errorf("%d of 40 connections had a repeat", n)
	}
	if again := repeated(1); again != first {
		t.Errorf("the same seed repeated\n%s, then\n%s", first, again)
	}
}

// TestProfileEnded: the stream stays open and heartbeats go on; a new connection finds
// no session.
func TestProfileEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t, &ts.Options{Profile: ts.Aegis066})
		s := srv.Session("6a8c7ed8-3d28-401f-8dc2-f735a6d0191c")
		dec := decode(open(t, srv, s.URL(), ""))
		s.Ended("killed")
		start := time.Now()
		kinds := []session.Kind{envelope(t, dec).Kind, envelope(t, dec).Kind, envelope(t, dec).Kind, envelope(t, dec).Kind}
		if want := []session.Kind{session.Connected, session.Ended, session.Heartbeat, session.Heartbeat}; !slices.Equal(kinds, want) || time.Since(start) != time.Minute {
			t.Errorf("got %v after %v", kinds, time.Since(start))
		}
		if status := statusOf(t, srv, "GET", s.URL()); status != 404 {
			t.Errorf("a new connection: %d", status)
		}
	})
}

// TestProfileShutdown: 0.6.6 says it on the global stream, and streams stay for 15 s.
func TestProfileShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t, &ts.Options{Profile: ts.Aegis066})
		c := getRaw(t, srv, srv.GlobalURL())
		c.head(t)
		srv.For(t).Conns(1)
		start := time.Now()
		down := make(chan error)
		go func() { down <- srv.Shutdown(context.Background()) }()
		if got, want := framesOf(t, c, 2)[1], `data: {"event":"shutdown","sessionId":"","timestamp":T,"data":{}}`+"\n\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if _, err := srv.Dial(t.Context()); err == nil {
			t.Error("the port is not free")
		}
		if err := <-down; err != nil || time.Since(start) != 15*time.Second {
			t.Errorf("down after %v: %v", time.Since(start), err)
		}
	})
}

// TestProfileTokens: five may wait for a key; HEAD is never answered.
func TestProfileTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ts.NewInMemory(t, &ts.Options{Profile: ts.Aegis066, Tokens: []string{"key"}, SSETokens: true})
		s := srv.Session("abc")
		var token string
		for i := range 6 {
			req, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL+session.TokenPath, nil)
			req.Header.Set("Authorization", "Bearer key")
			resp, err := srv.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			var answer struct{ Token, Code, Message, RequestID, Error string }
			if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			const full = "SSE token limit reached (5 outstanding)" // what the server says
			if i < 5 && resp.StatusCode != 201 || i == 5 && (resp.StatusCode != 429 || answer.Code != "RATE_LIMITED" || answer.Message != full || answer.Error != full) {
				t.Errorf("token %d: %s %+v", i+1, resp.Status, answer)
			}
			token = cmp.Or(token, answer.Token)
		}
		if status := statusOf(t, srv, "GET", s.URL()+"?token="+token); status != 200 {
			t.Errorf("with a token: %d", status)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "HEAD", s.URL(), nil)
		if resp, err := srv.Client().Do(req); err == nil {
			t.Errorf("HEAD: %s", resp.Status)
		}
	})
}

// TestListOfSessions as Aegis has it, on all profiles.
func TestListOfSessions(t *testing.T) {
	for _, profile := range []ts.Profile{ts.Ours, ts.Aegis133, ts.Aegis066} {
		srv := ts.NewInMemory(t, &ts.Options{Profile: profile, Tokens: []string{"key"}})
		srv.Session("abc")
		srv.Session("gone").Ended("done")
		req, _ := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/v1/sessions", nil)
		req.Header.Set("Authorization", "Bearer key")
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Sessions   []struct{ ID string }
			Pagination struct{ Total int }
		}
		if err := json.NewDecoder(resp.Body).Decode(&list); err != nil || len(list.Sessions) != 1 || list.Sessions[0].ID != "abc" || list.Pagination.Total != 1 {
			t.Errorf("%q: %+v, %v", profile, list, err)
		}
		resp.Body.Close()
		if status := statusOf(t, srv, "GET", srv.URL+"/v1/sessions"); status != 401 {
			t.Errorf("%q without a token: %d", profile, status)
		}
	}
}
