package mask

import (
	"maps"
	"net/http"
	"slices"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// A Transport says what goes over it, with secrets masked.
type Transport struct {
	http.RoundTripper
	Say func(text string) // told of each line, which is safe to show
}

func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.Say("> " + req.Method + " " + URL(req.URL))
	t.headers("> ", req.Header)
	resp, err := t.RoundTripper.RoundTrip(req)
	if err == nil {
		t.Say("< " + termsafe.Line(resp.Proto+" "+resp.Status))
		t.headers("< ", resp.Header)
	}
	return resp, err
}

func (t *Transport) headers(direction string, h http.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			t.Say(direction + termsafe.Line(name+": "+Value(name, v)))
		}
	}
}
