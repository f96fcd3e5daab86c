package client

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// decode makes a response plain that a server or proxy has compressed although
// nobody asked for it. The transport does that itself where it has asked.
func decode(resp *http.Response) {
	if !strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		return
	}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.Body = &gunzip{body: resp.Body}
}

// gunzip decodes a body as it comes: its header is read with the first bytes, and not
// waited for before.
type gunzip struct {
	body io.ReadCloser
	z    *gzip.Reader
	err  error
}

func (g *gunzip) Read(b []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	if g.z == nil {
		if g.z, g.err = gzip.NewReader(g.body); g.err != nil {
			return 0, g.err
		}
	}
	n, err := g.z.Read(b)
	g.err = err
	return n, err
}

func (g *gunzip) Close() error { return g.body.Close() }
