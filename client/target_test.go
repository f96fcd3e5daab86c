package client_test

import (
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// A target shows no credential, also of a query that net/url can't parse.
func TestTargetShowsNoSecret(t *testing.T) {
	for _, u := range []string{
		"http://user:s3cret@h/", "http://h/?token=s3cret", "http://h/?a=1&Access_Token=s3cret&b=2", "http://h/?to%6Ben=s3cret",
		"http://h/?access-token=s3cret", "http://h/?auth_token=s3cret", "http://h/?session_token=s3cret", "http://h/?id_token=s3cret",
		"http://h/?client_secret=s3cret", "http://h/?X-Amz-Signature=s3cret&X-Amz-Date=s3cret", "http://h/?code=s3cret", "http://h/?ticket=s3cret",
		"http://h/?apiKey=s3cret", "http://h/?x-api-key=s3cret", "http://h/?sessionid=s3cret", "http://h/?Authorization=s3cret", "http://h/?a[token]=s3cret",
		"http://h/?token=s3cret;x", "http://h/?token=s3cret%zz", "http://h/?key=s3cret", "http://h/?auth=s3cret",
	} {
		if got := mustNew(t, u, client.Options{}).Target(); strings.Contains(got, "s3cret") {
			t.Errorf("target of %s: %s", u, got)
		}
	}
}

// Two streams have two targets, and one stream has one whatever its token is.
func TestTargetTellsStreamsApart(t *testing.T) {
	target := func(u string, opts client.Options) string { return mustNew(t, u, opts).Target() }
	post := func(body string) client.Options {
		return client.Options{Request: client.Request{Method: "POST", Body: []byte(body)}}
	}
	targets := map[string]bool{}
	all := []string{
		target("http://h/?x=1&stream=a;b", client.Options{}), target("http://h/?x=1&stream=a;c", client.Options{}),
		target("http://h/?key=a", client.Options{}), target("http://h/?key=b", client.Options{}),
		target("http://h/?code=a", client.Options{}), target("http://h/?code=b", client.Options{}),
		target("http://h/?ticket=a", client.Options{}), target("http://h/?ticket=b", client.Options{}),
		target("http://h/?page_token=a", client.Options{}), target("http://h/?page_token=b", client.Options{}),
		target("http://h/?session=a", client.Options{}), target("http://h/?session=b", client.Options{}),
		target("http://h/", client.Options{}), target("http://h/", post("a")), target("http://h/", post("b")),
	}
	for _, s := range all {
		targets[s] = true
	}
	if len(targets) != len(all) {
		t.Errorf("%d streams, %d targets: %q", len(all), len(targets), all)
	}
	for _, name := range []string{"token", "access-token", "auth_token", "session_token", "id_token", "refreshToken", "client_secret", "X-Amz-Signature", "X-Amz-Date", "sig"} {
		if a, b := target("http://h/?x=1&"+name+"=a", client.Options{}), target("http://h/?"+name+"=b&x=1", client.Options{}); a != b {
			t.Errorf("one stream, two targets: %s, %s", a, b)
		}
	}
	if got, want := target("http://h/v1/events?b=2&a=%20", client.Options{}), "http://h/v1/events?b=2&a=%20"; got != want {
		t.Errorf("target %s, want %s", got, want)
	}
}

// What can't be understood of a URL may be a password.
func TestErrorOfAURLShowsNoSecret(t *testing.T) {
	for _, u := range []string{"http://user:s3cret/x@h", "http://u:s3cret@h:port/", "http://h/%s3cret", "http://u:s3c\"ret@h:s3cret\"x/", "http://u:s3cret@[::1/", ":s3cret"} {
		_, err := client.New(u, nil)
		if err == nil || strings.Contains(err.Error(), "s3c") {
			t.Errorf("error %v", err)
		}
	}
}
