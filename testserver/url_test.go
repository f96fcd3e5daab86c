package testserver

import "testing"

func TestURLOfAnAddress(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80", "0.0.0.0:80": "http://127.0.0.1:80", "[::]:80": "http://127.0.0.1:80",
		"[::1]:80": "http://[::1]:80", "192.0.2.1:80": "http://192.0.2.1:80",
	} {
		if got := urlOf("http://", addr); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
}
