package access

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// proxies returns which proxy a request goes through: that of the options for all,
// or what the environment says, in which ALL_PROXY stands for HTTP_PROXY and
// HTTPS_PROXY where they are not set. Nil means the standard library's own.
func proxies(o Options) (func(*http.Request) (*url.URL, error), error) {
	if o.Proxy == nil {
		return fromEnvironment(o.NoProxy)
	}
	if *o.Proxy == "" { // none, whatever the environment says
		return func(*http.Request) (*url.URL, error) { return nil, nil }, nil
	}
	u, err := proxyURL("-x, --proxy", *o.Proxy)
	return func(req *http.Request) (*url.URL, error) {
		if isExcepted(o.NoProxy, req.URL) {
			return nil, nil
		}
		return u, nil
	}, err
}

// fromEnvironment adds ALL_PROXY and the exceptions of a flag to what the standard
// library takes from the environment.
func fromEnvironment(except string) (func(*http.Request) (*url.URL, error), error) {
	all := env("ALL_PROXY")
	if except == "" && all == "" {
		return nil, nil
	}
	var rest *url.URL
	var err error
	if all != "" {
		rest, err = proxyURL("ALL_PROXY", all)
	}
	return func(req *http.Request) (*url.URL, error) {
		switch own := env(strings.ToUpper(req.URL.Scheme) + "_PROXY"); {
		case except != "" && isExcepted(except, req.URL):
			return nil, nil
		case own != "" || rest == nil:
			return http.ProxyFromEnvironment(req)
		case isLoopback(req.URL.Hostname()) || isExcepted(env("NO_PROXY"), req.URL):
			return nil, nil
		}
		return rest, nil
	}, err
}

// env is a variable that goes by both of its spellings.
func env(name string) string { return cmp.Or(os.Getenv(name), os.Getenv(strings.ToLower(name))) }

// proxyURL reads the address of a proxy. The error does not repeat it: it may hold a
// password.
func proxyURL(from, address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errors.New(from + ": not the URL of a proxy, such as http://127.0.0.1:3128")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	}
	return nil, errors.New(from + ": " + u.Scheme + " is none of http, https, socks5, socks5h")
}

// isExcepted tells whether a URL's host is on a list: * for all, names with all
// below them, addresses and networks, any of them with a port.
func isExcepted(list string, u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	addr, _ := netip.ParseAddr(host)
	for entry := range strings.SplitSeq(strings.ToLower(list), ",") {
		entry = strings.TrimSpace(entry)
		if name, port, err := net.SplitHostPort(entry); err == nil {
			if port != u.Port() {
				continue
			}
			entry = name
		}
		entry = strings.TrimPrefix(strings.TrimPrefix(entry, "*."), ".")
		if network, err := netip.ParsePrefix(entry); err == nil && addr.IsValid() && network.Contains(addr) {
			return true
		}
		if entry == "*" || entry != "" && (host == entry || strings.HasSuffix(host, "."+entry)) {
			return true
		}
	}
	return false
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
