package mask

import (
	"net/url"
	"testing"
)

func TestMaskedHeaders(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"Authorization", "Bearer secret", "Bearer ***"},
		{"X-Api-Key", "secret", "***"},
		{"Server", "nginx", "nginx"},
		{"Location", "/events?token=secret&n=1", "/events?token=***&n=1"},
		{"Location", "https://me:secret@host/events", "https://host/events"},
		{"Content-Location", "/events?sig=secret", "/events?sig=***"},
		{"Referer", "http://host/?access_token=secret#top", "http://host/?access_token=***#top"},
		{"Location", "http://host:x/?token=secret", "***"}, // no URL, so it can't be looked into
	} {
		if got := Value(test.name, test.value); got != test.want {
			t.Errorf("%s: %s: got %q, want %q", test.name, test.value, got, test.want)
		}
	}
}

func TestMaskedURL(t *testing.T) {
	u, err := url.Parse("http://me:secret@host/p?token=secret&a=b&%74oken=secret")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := URL(u), "http://host/p?token=***&a=b&%74oken=***"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
