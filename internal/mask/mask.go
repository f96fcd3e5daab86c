package mask

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Mask stands where a secret is left out.
const Mask = "***"

// secretWords are found in the names of headers and parameters that hold secrets.
var secretWords = []string{"auth", "token", "secret", "key", "cookie", "password", "passwd", "signature", "sig", "session", "credential"}

// IsSecret tells whether a header or parameter of that name holds a secret.
func IsSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

// addressHeaders hold URLs, which may hold secrets.
var addressHeaders = []string{"Location", "Content-Location", "Referer"}

// Value leaves of a secret header the scheme alone, and of an address what
// [URL] does.
func Value(name, v string) string {
	if slices.Contains(addressHeaders, http.CanonicalHeaderKey(name)) {
		u, err := url.Parse(v)
		if err != nil {
			return Mask
		}
		return URL(u)
	}
	if !IsSecret(name) {
		return v
	}
	if scheme, _, ok := strings.Cut(v, " "); ok && strings.HasSuffix(strings.ToLower(name), "authorization") {
		return scheme + " " + Mask
	}
	return Mask
}

// URL leaves out what a URL may hold of secrets.
func URL(u *url.URL) string {
	c := *u
	c.User = nil
	pairs := strings.Split(c.RawQuery, "&")
	for i, pair := range pairs {
		name, _, ok := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if ok && (err != nil || IsSecret(plain)) {
			pairs[i] = name + "=" + Mask
		}
	}
	c.RawQuery = strings.Join(pairs, "&")
	return termsafe.Line(c.String())
}

// InQuery returns the names of a URL's parameters that hold secrets. A session's id
// is none.
func InQuery(u *url.URL) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(u.Query())) {
		if IsSecret(strings.ReplaceAll(strings.ToLower(name), "session", "")) {
			names = append(names, name)
		}
	}
	return names
}
