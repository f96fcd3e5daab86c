package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/session"
)

const apiKey = "k-3f9c0d"

// roundTrip is a transport without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering returns a client whose server answers each request alike.
func answering(status int, body string, header ...string) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(body))}
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	})}
}

func newTokenSource(t *testing.T, base string, hc *http.Client) *session.TokenSource {
	t.Helper()
	src, err := session.NewTokenSource(base, apiKey, hc)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func newRequest(t *testing.T, rawURL string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, rawURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestTokenSourcePrepare(t *testing.T) {
	n := 0
	var asked []string
	hc := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		n++
		asked = append(asked, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization"))
		reply := fmt.Sprintf(`{"token":"sse_%d+/","expiresAt":"2026-01-02T15:04:05.000Z"}`, n)
		return &http.Response{StatusCode: http.StatusCreated, Body: io.NopCloser(strings.NewReader(reply))}, nil
	})}
	src := newTokenSource(t, "https://h.example/aegis/", hc)

	for i, tt := range []struct{ url, want string }{
		{"https://h.example/aegis/v1/events", "https://h.example/aegis/v1/events?token=sse_1%2B%2F"},
		{"https://H.example:443/v1/events?b=%20&token=old&a;c", "https://H.example:443/v1/events?b=%20&a;c&token=sse_2%2B%2F"},
		{"https://h.example/v1/events?token", "https://h.example/v1/events?token=sse_3%2B%2F"},
	} {
		req := newRequest(t, tt.url)
		req.Header.Set("Authorization", "Bearer stale")
		if err := src.Prepare(t.Context(), req); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if got := req.URL.String(); got != tt.want {
			t.Errorf("Prepare(%s): got %s, want %s", tt.url, got, tt.want)
		}
		if got := req.Header.Get("Authorization"); got != "" {
			t.Errorf("Prepare(%s): Authorization %q was left, which servers read before the token", tt.url, got)
		}
	}
	one := "POST https://h.example/aegis/v1/auth/sse-token Bearer " + apiKey
	if diff := cmp.Diff([]string{one, one, one}, asked); diff != "" {
		t.Errorf("exchanges, one for each connection (-want +got):\n%s", diff)
	}
}

func TestTokenSourceRefusesAnotherOrigin(t *testing.T) {
	src := newTokenSource(t, "https://h.example", &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a token was asked for")
		return nil, errors.New("unused")
	})})
	for _, u := range []string{"http://h.example/v1/events", "https://h.example:8443/v1/events", "https://other.example/v1/events"} {
		req := newRequest(t, u)
		err := src.Prepare(t.Context(), req)
		if e, ok := errors.AsType[*session.TokenError](err); !ok || e.StatusCode != 0 || e.Err != nil {
			t.Errorf("Prepare(%s): got %v, want a *TokenError without status and cause", u, err)
		}
		if got := req.URL.String(); got != u {
			t.Errorf("Prepare(%s) changed the URL to %s", u, got)
		}
	}
}

func TestTokenSourceRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"unauthorized", 401, `{"error":"key k-3f9c0d is unknown"}`, "session: token was refused: server answered 401 Unauthorized"},
		{"forbidden", 403, "", "session: token was refused: server answered 403 Forbidden"},
		{"busy", 429, "", "session: token was refused: server answered 429 Too Many Requests"},
		{"redirect", 307, "", "session: token was refused: server answered 307 Temporary Redirect"},
		{"not JSON", 201, "sse_secret", "session: token is missing in the answer: server answered 201 Created"},
		{"no token", 201, `{"expiresAt":"x"}`, "session: token is missing in the answer: server answered 201 Created"},
		{"token of another type", 200, `{"token":12}`, "session: token is missing in the answer: server answered 200 OK"},
		{"endless", 201, `{"token":"` + strings.Repeat("s", 1<<20) + `"}`, "session: token is missing in the answer: server answered 201 Created"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := newTokenSource(t, "https://h.example", answering(tt.status, tt.body,
				"Retry-After", "7", "Location", "https://h.example/elsewhere"))
			_, err := src.Token(t.Context())
			e, ok := errors.AsType[*session.TokenError](err)
			if !ok {
				t.Fatalf("got %v, want a *TokenError", err)
			}
			if e.StatusCode != tt.status || e.Header.Get("Retry-After") != "7" {
				t.Errorf("got status %d, header %v; want %d and Retry-After 7", e.StatusCode, e.Header, tt.status)
			}
			if e.Error() != tt.want {
				t.Errorf("got %q, want %q", e, tt.want)
			}
		})
	}
}

func TestTokenSourceNetworkError(t *testing.T) {
	reset := errors.New("connection reset")
	src := newTokenSource(t, "https://h.example/?token=sse_old", &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, reset
	})})
	_, err := src.Token(t.Context())
	if !errors.Is(err, reset) {
		t.Errorf("got %v, want one that wraps %v", err, reset)
	}
	if want := "session: token exchange failed: connection reset"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		t.Errorf("%#v holds a *url.Error, and with it a URL", err)
	}
}

// silent never answers.
var silent = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
})}

func TestTokenSourceTime(t *testing.T) {
	t.Run("an exchange has 15 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, err := newTokenSource(t, "https://h.example", silent).Token(t.Context())
			if got := time.Since(began); got != 15*time.Second {
				t.Errorf("gave up after %v, want 15s", got)
			}
			if want := "session: token exchange failed: no answer within 15s"; err == nil || err.Error() != want {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	})
	t.Run("the context ends it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			enough := errors.New("enough")
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, enough)
			defer cancel()
			began := time.Now()
			_, err := newTokenSource(t, "https://h.example", silent).Token(ctx)
			if !errors.Is(err, enough) || time.Since(began) != time.Second {
				t.Errorf("got %v after %v, want %v after 1s", err, time.Since(began), enough)
			}
		})
	})
	t.Run("so does it while the answer comes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			src := newTokenSource(t, "https://h.example", &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusCreated, Body: stuckBody{r.Context()}}, nil
			})})
			if _, err := src.Token(t.Context()); err == nil || !strings.HasSuffix(err.Error(), "no answer within 15s") {
				t.Errorf("got %v, want no answer within 15s", err)
			}
		})
	})
}

type stuckBody struct{ ctx context.Context }

func (b stuckBody) Read([]byte) (int, error) { <-b.ctx.Done(); return 0, b.ctx.Err() }
func (stuckBody) Close() error               { return nil }

func TestNewTokenSourceErrors(t *testing.T) {
	for _, tt := range []struct{ base, key string }{
		{"https://h.example", ""},
		{"https://h.example", "k-secret\n"},
		{"https://h.example", "k-sec ret"},
		{"https://h.example", "k-secrét"},
		{"", "k-secret"},
		{"h.example:1", "k-secret"},
		{"ftp://h.example", "k-secret"},
		{"https://", "k-secret"},
		{"https://h.example/%zz?token=k-secret", "k-secret"},
	} {
		_, err := session.NewTokenSource(tt.base, tt.key, nil)
		if err == nil {
			t.Errorf("NewTokenSource(%q, %q): no error", tt.base, tt.key)
		} else if strings.Contains(err.Error(), "k-") {
			t.Errorf("NewTokenSource(%q, %q): %q shows the key", tt.base, tt.key, err)
		}
	}
}

// A key gets into a log most easily by way of fmt.
func TestTokenSourcePrintsNoKey(t *testing.T) {
	src := newTokenSource(t, "https://h.example", nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, src) + fmt.Sprintf(verb, *src); strings.Contains(s, apiKey) {
			t.Errorf("%s prints the key: %s", verb, s)
		}
	}
}

// Both Aegis' and our own servers' answers.
func TestTokenExpiry(t *testing.T) {
	at := time.Date(2026, 11, 24, 14, 33, 33, 195e6, time.UTC)
	for _, tt := range []struct {
		reply string
		want  time.Time
	}{
		{`"expiresAt":1795530813195`, at},
		{`"expiresAt":1.795530813195e12`, at},
		{`"expiresAt":"2026-11-24T14:33:33.195Z"`, at},
		{`"expiresAt":"2026-11-24T15:33:33.195+01:00"`, at},
		{`"expiresAt":"soon"`, time.Time{}},
		{`"expiresAt":1e300`, time.Time{}},
		{`"expiresAt":-5`, time.Time{}},
		{`"expiresAt":null`, time.Time{}},
		{`"expiresAt":{}`, time.Time{}},
		{`"other":1`, time.Time{}},
	} {
		token, err := newTokenSource(t, "https://h.example", answering(201, `{"token":"sse_1",`+tt.reply+`}`)).Token(t.Context())
		if err != nil || token.Value != "sse_1" || !token.ExpiresAt.Equal(tt.want) {
			t.Errorf("%s: got %q until %v, %v; want sse_1 until %v", tt.reply, token.Value, token.ExpiresAt, err, tt.want)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if s := fmt.Sprintf(verb+verb, token, &token); strings.Contains(s, "sse_1") {
				t.Errorf("%s prints the token: %s", verb, s)
			}
		}
	}
}
