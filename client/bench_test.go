package client_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// roundTripper answers without a network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// endless repeats a text for as long as somebody reads.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		c := copy(p[n:], e.text[e.at:])
		n, e.at = n+c, (e.at+c)%len(e.text)
	}
	return n, nil
}

func (e *endless) Close() error { return nil }

// BenchmarkEvents is what the loop costs beside the decoding, per event of 1 KiB.
func BenchmarkEvents(b *testing.B) {
	text := "id: 123456\ndata: " + strings.Repeat("x", 1<<10) + "\n\n"
	for _, kind := range []string{"decoder alone", "plain stream", "session stream"} {
		b.Run(kind, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			body := &endless{text: text}
			if kind == "decoder alone" {
				dec := sse.NewDecoder(body, nil)
				for b.Loop() {
					if _, err := dec.Next(); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			opts := &client.Options{HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(body), Request: r}, nil
			})}, RepeatWindow: -1}
			es, err := client.New("http://stream.test/", opts)
			if kind == "session stream" {
				es, err = client.Session("http://stream.test/", "abc", opts)
			}
			if err != nil {
				b.Fatal(err)
			}
			for _, err := range es.Events(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				if !b.Loop() {
					break
				}
			}
		})
	}
}
