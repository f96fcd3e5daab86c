package sse

import (
	"mime"
	"net/http"
)

// httpClient is the caller's, with the caller's validator.
func (s *subscription) httpClient() *http.Client {
	var hc http.Client
	if s.begun.connection != nil {
		hc = *s.begun.connection
	}
	hc.Transport = &validating{s: s, transport: hc.Transport}
	return &hc
}

// validating shows a subscription's responses to its ResponseValidator, and marks
// their bodies. They pass on the subscription's goroutine.
type validating struct {
	s         *subscription
	transport http.RoundTripper // nil: what is the default by then
}

// RoundTrip implements [http.RoundTripper].
func (v *validating) RoundTrip(req *http.Request) (*http.Response, error) {
	transport := v.transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req)
	if err != nil || isRedirect(resp) {
		return resp, err
	}
	if validate := v.s.now.validate; validate != nil {
		if err := validate(v.s.c, resp); err != nil {
			resp.Body.Close()
			return nil, err
		}
		resp = asStream(resp)
	} else if isEndless(resp) {
		resp.Body.Close()
		resp.Body = http.NoBody
	}
	resp.Body = &marking{ReadCloser: resp.Body}
	return resp, nil
}

// isEndless tells whether the engine will refuse a response for what it holds, and
// would wait for its beginning, which may not come.
func isEndless(resp *http.Response) bool {
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return resp.StatusCode == http.StatusOK && media != "text/event-stream" && resp.ContentLength < 0
}

// isRedirect tells whether it is the engine's to follow, or to refuse.
func isRedirect(resp *http.Response) bool { return resp.StatusCode/100 == 3 }

// asStream makes a response that the caller takes for the stream one that the
// engine takes for it too. 204 stays: it has no stream.
func asStream(resp *http.Response) *http.Response {
	if resp.StatusCode == http.StatusNoContent {
		return resp
	}
	stream := *resp
	stream.StatusCode, stream.Status = http.StatusOK, "200 OK"
	stream.Header = resp.Header.Clone()
	stream.Header.Set("Content-Type", "text/event-stream")
	return &stream
}
