package stage

import (
	"bufio"
	"io"
	"net/http"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

const maxRequestBody = 1 << 20

// readRequest reads one request, with its body.
func readRequest(br *bufio.Reader) (*scenario.Request, error) {
	req, err := http.ReadRequest(br)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequestBody))
	if err != nil {
		return nil, err
	}
	header := req.Header
	header.Set("Host", req.Host)
	return &scenario.Request{Method: req.Method, Target: req.RequestURI, Proto: req.Proto, Header: header, Body: body}, nil
}
