package access

import (
	"net/http"
	"testing"
)

func TestProxies(t *testing.T) {
	flag, none := "proxy.test:3128", ""
	for _, test := range []struct {
		name string
		env  map[string]string
		opts Options
		url  string
		want string // "library": net/http's own choice; empty: no proxy
	}{
		{"nothing said", nil, Options{}, "http://h.test/", "library"},
		{"the flag", nil, Options{Proxy: &flag}, "https://h.test/", "http://proxy.test:3128"},
		{"the flag, for this machine too", nil, Options{Proxy: &flag}, "http://127.0.0.1/", "http://proxy.test:3128"},
		{"the flag above the environment", map[string]string{"ALL_PROXY": "socks5://s.test"}, Options{Proxy: &flag}, "http://h.test/", "http://proxy.test:3128"},
		{"no proxy", map[string]string{"ALL_PROXY": "socks5://s.test"}, Options{Proxy: &none}, "http://h.test/", ""},
		{"ALL_PROXY", map[string]string{"all_proxy": "socks5://s.test:1080"}, Options{}, "https://h.test/", "socks5://s.test:1080"},
		{"not for this machine", map[string]string{"ALL_PROXY": "s.test"}, Options{}, "http://localhost:9100/", ""},
		{"NO_PROXY", map[string]string{"ALL_PROXY": "s.test", "NO_PROXY": "a.test,10.0.0.0/8"}, Options{}, "http://10.1.2.3/", ""},
		{"below a name", map[string]string{"ALL_PROXY": "s.test"}, Options{NoProxy: "x, .a.test"}, "http://b.A.test/", ""},
		{"not below a name", map[string]string{"ALL_PROXY": "s.test"}, Options{NoProxy: "a.test"}, "http://ba.test/", "http://s.test"},
		{"a port", nil, Options{Proxy: &flag, NoProxy: "a.test:81"}, "http://a.test:82/", "http://proxy.test:3128"},
		{"the port", nil, Options{Proxy: &flag, NoProxy: "a.test:81"}, "http://a.test:81/", ""},
		{"all", nil, Options{Proxy: &flag, NoProxy: "*"}, "http://a.test/", ""},
	} {
		for _, name := range []string{"ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"} {
			t.Setenv(name, test.env[name])
		}
		choose, err := proxies(test.opts)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := "library"
		if choose != nil {
			req, err := http.NewRequest(http.MethodGet, test.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			got = ""
			if u, err := choose(req); err != nil {
				t.Errorf("%s: %v", test.name, err)
			} else if u != nil {
				got = u.String()
			}
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	for _, bad := range []string{"ftp://secret", "http://", "http://me:secret@h:x"} {
		if _, err := proxies(Options{Proxy: &bad}); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
