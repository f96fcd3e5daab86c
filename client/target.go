package client

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// targetName is the target of a request. The query is taken apart by hand, since
// net/url drops what it can't parse, which is as much a part of the name.
func targetName(u *url.URL, method string, body []byte) string {
	t := *u
	t.User = nil
	t.RawQuery = withoutSecrets(t.RawQuery)
	name := t.String()
	if method != http.MethodGet || len(body) > 0 {
		name = method + " " + name + " " + digest(body)
	}
	return name
}

// A secrecy says what a target has of a query parameter.
type secrecy int

const (
	shown      secrecy = iota // it as it is
	perhaps                   // a digest of its value, which may be secret and may tell streams apart
	credential                // nothing: it may change while the stream is the same
)

// withoutSecrets returns a query as a target has it.
func withoutSecrets(query string) string {
	var pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if s, err := url.QueryUnescape(name); err == nil {
			name = s
		}
		switch secrecyOf(name) {
		case shown:
			pairs = append(pairs, pair)
		case perhaps:
			if !isDigest.MatchString(value) { // a target's query may be asked again
				value = digest([]byte(value))
			}
			pairs = append(pairs, strings.ToLower(name)+"="+value)
		}
	}
	return strings.Join(pairs, "&")
}

// Names of parameters, without case and without what separates their words.
var (
	// Nobody tells streams apart by these, alone or with one of the owners before.
	credentials = []string{"token", "accesstoken", "authtoken", "secret", "secretkey", "clientsecret", "password", "passwd", "pwd", "pass",
		"passphrase", "apikey", "accesskey", "accesskeyid", "keypairid", "signature", "sig", "hmac", "jwt", "bearer", "authorization", "credential", "credentials"}
	owners = []string{"x", "my", "user", "client", "session", "id", "refresh", "bearer", "api", "app", "sse", "stream", "security",
		"csrf", "xsrf", "oauth", "service", "private", "shared", "web", "login"}

	// What a URL is signed with changes as a whole (S3, Google Cloud Storage).
	signed = []string{"xamz", "xgoog"}

	// These words are found in the names of secrets, and in others: page_token.
	secretWords = []string{"token", "secret", "passw", "apikey", "signature", "credential", "jwt", "auth", "cookie"}

	// And these are such names.
	perhapsSecret = []string{"key", "code", "ticket", "otp", "pin", "nonce", "state", "sid", "sessid", "sessionid", "jsessionid", "phpsessid", "hash", "sas", "magic", "invite", "access"}

	separators = strings.NewReplacer("-", "", "_", "", ".", "", "[", "", "]", "", " ", "")
	isDigest   = regexp.MustCompile(`^sha256:[0-9a-f]{12}$`)
)

func secrecyOf(name string) secrecy {
	name = separators.Replace(strings.ToLower(name))
	contains := func(word string) bool { return strings.Contains(name, word) }
	begins := func(word string) bool { return strings.HasPrefix(name, word) }
	owned := func(owner string) bool {
		rest, ok := strings.CutPrefix(name, owner)
		return ok && slices.Contains(credentials, rest)
	}
	switch {
	case slices.Contains(credentials, name), slices.ContainsFunc(owners, owned), slices.ContainsFunc(signed, begins):
		return credential
	case slices.Contains(perhapsSecret, name), slices.ContainsFunc(secretWords, contains):
		return perhaps
	}
	return shown
}

// renamed returns the target that an entry of a cursor has now: earlier versions
// knew fewer secrets, and had them in it.
func renamed(target string) string {
	before, query, ok := strings.Cut(target, "?")
	if !ok {
		return target
	}
	body := ""
	if i := strings.LastIndex(query, " "); i >= 0 && isDigest.MatchString(query[i+1:]) {
		query, body = query[:i], query[i:]
	}
	if query = withoutSecrets(query); query != "" {
		before += "?"
	}
	return before + query + body
}

// digest is short and stands for something longer or secret.
func digest(b []byte) string { return fmt.Sprintf("sha256:%.6x", sha256.Sum256(b)) }

// withoutQuotes leaves out what an error quotes of a URL, which may be a password.
func withoutQuotes(text string) string {
	before, quoted, ok := strings.Cut(text, `"`)
	if !ok {
		return text
	}
	after := quoted[strings.LastIndexByte(quoted, '"')+1:]
	return strings.Join(strings.Fields(before+" "+after), " ")
}
