package client

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Query parameters that are not shown in a target, by their names in lower case.
var (
	// Credentials may change while the stream is the same: they are left out.
	credentials = []string{"token", "access_token", "api_key", "apikey", "api-key", "signature", "sig", "secret", "password", "jwt"}

	// These are credentials or tell one stream from another: a digest stands for
	// them.
	perhapsSecret = []string{"key", "auth"}
)

// targetName is the target of a request. The query is taken apart by hand, since
// net/url drops what it can't parse, which is as much a part of the name.
func targetName(u *url.URL, method string, body []byte) string {
	t := *u
	t.User = nil
	var pairs []string
	for pair := range strings.SplitSeq(t.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if s, err := url.QueryUnescape(name); err == nil {
			name = s
		}
		switch name = strings.ToLower(name); {
		case slices.Contains(credentials, name):
		case slices.Contains(perhapsSecret, name):
			pairs = append(pairs, name+"="+digest([]byte(value)))
		default:
			pairs = append(pairs, pair)
		}
	}
	t.RawQuery = strings.Join(pairs, "&")
	name := t.String()
	if method != http.MethodGet || len(body) > 0 {
		name = method + " " + name + " " + digest(body)
	}
	return name
}

// digest is short and stands for something longer or secret.
func digest(b []byte) string { return fmt.Sprintf("sha256:%.6x", sha256.Sum256(b)) }
