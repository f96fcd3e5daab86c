package main

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// A talker is a transport that says what goes over it, for --verbose, with
// secrets masked.
type talker struct {
	http.RoundTripper
	say func(text string)
}

func (t *talker) RoundTrip(req *http.Request) (*http.Response, error) {
	t.say("> " + req.Method + " " + maskURL(req.URL))
	t.headers("> ", req.Header)
	resp, err := t.RoundTripper.RoundTrip(req)
	if err == nil {
		t.say("< " + termsafe.Line(resp.Proto+" "+resp.Status))
		t.headers("< ", resp.Header)
	}
	return resp, err
}

func (t *talker) headers(direction string, h http.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			t.say(direction + termsafe.Line(name+": "+maskValue(name, v)))
		}
	}
}

const mask = "***"

// secretWords are found in the names of headers and parameters that hold secrets.
var secretWords = []string{"auth", "token", "secret", "key", "cookie", "password", "passwd", "signature", "sig", "session", "credential"}

func isSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

// addressHeaders hold URLs, which may hold secrets.
var addressHeaders = []string{"Location", "Content-Location", "Referer"}

// maskValue leaves of a secret header the scheme alone, and of an address what
// [maskURL] does.
func maskValue(name, v string) string {
	if slices.Contains(addressHeaders, http.CanonicalHeaderKey(name)) {
		u, err := url.Parse(v)
		if err != nil {
			return mask
		}
		return maskURL(u)
	}
	if !isSecret(name) {
		return v
	}
	if scheme, _, ok := strings.Cut(v, " "); ok && strings.HasSuffix(strings.ToLower(name), "authorization") {
		return scheme + " " + mask
	}
	return mask
}

// maskURL leaves out what a URL may hold of secrets.
func maskURL(u *url.URL) string {
	c := *u
	c.User = nil
	pairs := strings.Split(c.RawQuery, "&")
	for i, pair := range pairs {
		name, _, ok := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if ok && (err != nil || isSecret(plain)) {
			pairs[i] = name + "=" + mask
		}
	}
	c.RawQuery = strings.Join(pairs, "&")
	return termsafe.Line(c.String())
}
