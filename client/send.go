package client

import (
	"crypto/tls"
	"errors"
	"net/http"
)

// send sends one request, as the Do of Options.HTTPClient would, but that redirects
// are [run.fetch]'s and time limits the watchdog's. It is done here because of the
// stack: what Do has on it more would double that of each goroutine that ranges.
func (r *run) send(c *conn, req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		return nil, errNoURL
	}
	sent := r.withCredentials(c, req)
	resp, err := r.transport(c, sent).RoundTrip(sent)
	return r.received(c, sent, resp, err)
}

var (
	errNoURL      = errors.New("client: request has no URL")
	errNoResponse = errors.New("client: HTTPClient's transport returned neither a response nor an error")
)

// jar returns the jar for the attempt's requests: none once they have left the
// stream's origin.
func (r *run) jar(c *conn) http.CookieJar {
	if c.crossed {
		return nil
	}
	return r.opts.HTTPClient.Jar
}

// withCredentials returns the request with the jar's cookies and with what its URL
// says of a user. The request itself stays as it is.
func (r *run) withCredentials(c *conn, req *http.Request) *http.Request {
	user, jar := req.URL.User, r.jar(c)
	if user != nil && req.Header.Get("Authorization") != "" {
		user = nil
	}
	if user == nil && jar == nil {
		return req
	}
	sent := req.WithContext(req.Context())
	sent.Header = req.Header.Clone()
	if user != nil {
		password, _ := user.Password()
		sent.SetBasicAuth(user.Username(), password)
	}
	if jar != nil {
		for _, cookie := range jar.Cookies(req.URL) {
			sent.AddCookie(cookie)
		}
	}
	return sent
}

// transport returns what sends the request: where that is one of net/http's, on a
// lane to the request's origin. Of another one, an attempt behind a timeout asks for
// a connection of its own, which is all that can be done.
func (r *run) transport(c *conn, req *http.Request) http.RoundTripper {
	rt := r.opts.HTTPClient.Transport
	if rt == nil {
		if r.shared == nil {
			r.shared = transportFor(r.opts.Timeouts.Connect)
		}
		rt = r.shared
	}
	if base, ok := rt.(*http.Transport); ok {
		c.leaveLane(false) // that of the hop before
		c.lane = enter(base, req.URL, !r.leftBase)
		return c.lane.transport
	}
	if c.fresh {
		r.opts.HTTPClient.CloseIdleConnections() // now, for the attempt that was cancelled needed a moment to leave its own
		req.Close, c.fresh = true, false
	}
	return rt
}

// received takes what a transport has returned.
func (r *run) received(c *conn, req *http.Request, resp *http.Response, err error) (*http.Response, error) {
	switch {
	case err != nil:
		return nil, readable(err)
	case resp == nil:
		return nil, errNoResponse
	}
	if c.lane != nil && resp.ProtoMajor == 1 {
		c.leaveLane(false) // its connection is its own, and ends with it
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if jar := r.jar(c); jar != nil {
		if cookies := resp.Cookies(); len(cookies) > 0 {
			jar.SetCookies(req.URL, cookies)
		}
	}
	return resp, nil
}

// readable says in words what a TLS handshake fails at that meets plain HTTP.
func readable(err error) error {
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && string(e.RecordHeader[:]) == "HTTP/" {
		return http.ErrSchemeMismatch
	}
	return err
}
