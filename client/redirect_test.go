package client_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/google/go-cmp/cmp"
)

// hopLog is what arrived at the servers of a chain of redirects, in order.
type hopLog struct {
	mu   sync.Mutex
	hops []hop
}

// hop is one request: what of it could give something away.
type hop struct {
	At, Method, Auth, Cookie, APIKey, Referer, LastEventID, Body string
}

// origin starts a server that redirects by path, as "/301?to=URL" says, streams
// one event at /stream, and notes each request under its name.
func (l *hopLog) origin(t *testing.T, name string) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(l.handler(name))
	t.Cleanup(srv.Close)
	return srv
}

func (l *hopLog) handler(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		l.hops = append(l.hops, hop{
			At: name + r.URL.Path, Method: r.Method, Auth: r.Header.Get("Authorization"), Cookie: r.Header.Get("Cookie"),
			APIKey: r.Header.Get("X-Api-Key"), Referer: r.Header.Get("Referer"),
			LastEventID: r.Header.Get("Last-Event-ID"), Body: string(body),
		})
		l.mu.Unlock()
		if r.URL.Path == "/stream" {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: there\n\n")
			return
		}
		if r.URL.Path == "/loop" {
			http.Redirect(w, r, "/loop", http.StatusFound)
			return
		}
		var status int
		fmt.Sscanf(r.URL.Path, "/%d", &status)
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
		}
		w.WriteHeader(status)
	})
}

// via returns the URL that redirects with the status to another.
func via(srv *httptest.Server, status int, to string) string {
	return fmt.Sprintf("%s/%d?to=%s", srv.URL, status, url.QueryEscape(to))
}

// follow ranges until the first event and returns the loop's error.
func follow(t *testing.T, target string, opts client.Options) error {
	t.Helper()
	es, err := client.New(target, &opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range es.Events(t.Context()) {
		return err
	}
	return errors.New("the loop ended without an event")
}

// secretive returns options with everything that a redirect could carry away.
func secretive(t *testing.T, cookieFor string) client.Options {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(cookieFor)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(u, []*http.Cookie{{Name: "sid", Value: "c"}})
	return client.Options{
		HTTPClient:  &http.Client{Jar: jar},
		Request:     client.Request{Header: http.Header{"Authorization": {"Bearer s3cret"}, "X-Api-Key": {"s3cret"}}},
		LastEventID: "41",
		FailFast:    true,
	}
}

const bearer, apiKey = "Bearer s3cret", "s3cret"

// Every hop of every chain, header by header. The jar's cookies go by host name,
// without regard to ports, which is why they are withheld too.
func TestRedirectWithholdsSecretsFromOtherOrigins(t *testing.T) {
	var log hopLog
	home, other := log.origin(t, "home"), log.origin(t, "other")
	otherHost := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	full := hop{Method: "GET", Auth: bearer, Cookie: "sid=c", APIKey: apiKey, LastEventID: "41"}
	bare := hop{Method: "GET", LastEventID: "41"}
	at := func(h hop, where string) hop { h.At = where; return h }
	for _, tt := range []struct {
		name, url string
		want      []hop
	}{
		{"same origin", via(home, 302, "/stream"),
			[]hop{at(full, "home/302"), at(full, "home/stream")}},
		{"same origin, permanent, absolute", via(home, 308, home.URL+"/stream"),
			[]hop{at(full, "home/308"), at(full, "home/stream")}},
		{"other port", via(home, 307, other.URL+"/stream"),
			[]hop{at(full, "home/307"), at(bare, "other/stream")}},
		{"other host", via(home, 301, otherHost+"/stream"),
			[]hop{at(full, "home/301"), at(bare, "other/stream")}},
		{"away and home again (CVE-2024-45336)", via(home, 302, via(other, 302, home.URL+"/stream")),
			[]hop{at(full, "home/302"), at(bare, "other/302"), at(bare, "home/stream")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log.hops = nil
			if err := follow(t, tt.url, secretive(t, home.URL)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, log.hops); diff != "" {
				t.Errorf("what arrived (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRedirectRefused(t *testing.T) {
	var log hopLog
	home := log.origin(t, "home")
	secure := httptest.NewTLSServer(log.handler("secure"))
	t.Cleanup(secure.Close)
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}}}
	for _, tt := range []struct{ name, url, want string }{
		{"no Location", home.URL + "/302", "no Location"},
		{"loop", home.URL + "/loop", "more than 10 redirects"},
		{"other scheme", via(home, 302, "file:///etc/passwd"), "not an http or https URL"},
		{"https to http", via(secure, 302, home.URL+"/stream"), "from https to http"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log.hops = nil
			err := follow(t, tt.url, client.Options{HTTPClient: trusting})
			refused, ok := errors.AsType[*client.RedirectError](err)
			if !ok || !strings.Contains(refused.Reason, tt.want) {
				t.Errorf("got %v, want a RedirectError that says %q", err, tt.want)
			}
			for _, h := range log.hops {
				if h.At == "home/stream" {
					t.Error("the redirect was followed all the same")
				}
			}
		})
	}
}

func TestRedirectAsksTheUsersCheck(t *testing.T) {
	var log hopLog
	home := log.origin(t, "home")
	no := errors.New("no redirects here")
	hc := &http.Client{CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if req.Response == nil || req.Response.StatusCode != 302 || req.Response.Header.Get("Location") == "" {
			t.Errorf("CheckRedirect was given the response %v, want the redirect", req.Response)
		}
		if req.URL.Path == "/stream" && len(via) == 1 {
			return no
		}
		return nil
	}}
	if err := follow(t, via(home, 302, "/stream"), client.Options{HTTPClient: hc}); !errors.Is(err, no) {
		t.Errorf("got %v, want the error of CheckRedirect", err)
	}
}

// What a redirect does to method and body (Fetch, section 4.4, "HTTP-redirect
// fetch"), and that a body never reaches another origin.
func TestRedirectOfAPost(t *testing.T) {
	var log hopLog
	home, other := log.origin(t, "home"), log.origin(t, "other")
	for _, tt := range []struct {
		url, method, body string
	}{
		{via(home, 302, "/stream"), "GET", ""},
		{via(home, 303, "/stream"), "GET", ""},
		{via(home, 307, "/stream"), "POST", "q"},
		{via(home, 308, other.URL+"/stream"), "POST", ""},
	} {
		log.hops = nil
		if err := follow(t, tt.url, client.Options{Request: client.Request{Method: "POST", Body: []byte("q")}}); err != nil {
			t.Fatal(err)
		}
		last := log.hops[len(log.hops)-1]
		if last.Method != tt.method || last.Body != tt.body {
			t.Errorf("%s: arrived as %s with body %q, want %s with %q", tt.url, last.Method, last.Body, tt.method, tt.body)
		}
	}
}

// Redirects are followed from the original URL at each attempt: a target that
// was right yesterday is not clung to.
func TestRedirectStartsAnewAtEachAttempt(t *testing.T) {
	var log hopLog
	home := log.origin(t, "home")
	es, err := client.New(via(home, 301, "/stream"), &client.Options{Backoff: quick})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range es.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 2 {
			break
		}
	}
	var at []string
	for _, h := range log.hops {
		at = append(at, h.At)
	}
	if diff := cmp.Diff([]string{"home/301", "home/stream", "home/301", "home/stream"}, at); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestRedirectKeepsTheHostHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hosts []string
		w := newWorld(t, func(n int, rw http.ResponseWriter, r *http.Request) {
			hosts = append(hosts, r.Host)
			if n == 1 {
				rw.Header().Set("Location", "/next")
				rw.WriteHeader(302)
				return
			}
			rw.WriteHeader(204)
		})
		collect(t, w.source(client.Options{Request: client.Request{Header: http.Header{"Host": {"v.test"}}}}))
		equal(t, "hosts", hosts, []string{"v.test", "v.test"})
	})
}
