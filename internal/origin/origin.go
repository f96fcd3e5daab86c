// Package origin compares the origins of URLs (standard HTML, "origin"): what a
// credential or a cookie may be sent to.
package origin

import (
	"net/url"
	"strings"
)

// Same tells whether two http or https URLs have one scheme, host and port.
func Same(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && Port(a) == Port(b)
}

// Of returns the origin in words, the same for two URLs that Same says it of.
func Of(u *url.URL) string {
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + Port(u)
}

// Port returns the port of an http or https URL, its scheme's own if it names
// none.
func Port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}
