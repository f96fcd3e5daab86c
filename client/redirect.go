package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/origin"
)

const maxRedirects = 10

// fetch sends the request and follows redirects, each time anew from the
// original URL. net/http's own rule forwards a caller's headers to other ports
// of a host, and unknown ones to other hosts; ours withholds all of them, and
// cookies and the body, from any other origin, on that hop and every later one,
// also if it leads back (CVE-2022-1650, CVE-2024-45336). Last-Event-ID and the
// run that it belongs to stay: they are the stream's.
func (r *run) fetch(c *conn, req *http.Request) (*http.Response, error) {
	if limit := r.opts.HTTPClient.Timeout; limit > 0 {
		c.openBy = time.Now().Add(limit)
	}
	c.arm()
	resp, err := r.send(c, req)
	if err != nil || !isRedirect(resp.StatusCode) {
		return resp, err
	}
	return r.redirected(c, req, resp)
}

// redirected follows a response that is a redirect, as far as it leads.
func (r *run) redirected(c *conn, req *http.Request, resp *http.Response) (_ *http.Response, err error) {
	home := req.URL
	var via []*http.Request
	for isRedirect(resp.StatusCode) {
		resp.Body.Close()
		via = append(via, req)
		if req, err = r.redirect(c, resp, home, via); err != nil {
			return nil, err
		}
		c.arm()
		if resp, err = r.send(c, req); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// redirect returns the request that a response leads to. Via are those before, home
// is where the first of them went.
func (r *run) redirect(c *conn, resp *http.Response, home *url.URL, via []*http.Request) (*http.Request, error) {
	refuse := func(reason string, err error) (*http.Request, error) {
		return nil, &RedirectError{StatusCode: resp.StatusCode, Reason: reason, Err: err}
	}
	if len(via) > maxRedirects {
		return refuse(fmt.Sprintf("more than %d redirects", maxRedirects), nil)
	}
	location := resp.Header.Get("Location")
	if location == "" {
		return refuse("no Location", nil)
	}
	last := via[len(via)-1]
	to, err := last.URL.Parse(location)
	if err != nil || (to.Scheme != "http" && to.Scheme != "https") || to.Host == "" {
		return refuse("Location is not an http or https URL", nil)
	}
	if last.URL.Scheme == "https" && to.Scheme == "http" {
		return refuse("from https to http", nil)
	}
	c.crossed = c.crossed || !origin.Same(home, to)
	req, err := hop(last, resp.StatusCode, to, c.crossed)
	if err != nil {
		return refuse("body can't be sent again", err)
	}
	req.Response = resp // for CheckRedirect, as net/http has it
	if check := r.opts.HTTPClient.CheckRedirect; check != nil {
		if err := check(req, via); err != nil {
			return refuse("refused by CheckRedirect", err)
		}
	}
	return req, nil
}

// errNoSecondBody refuses a redirect of a request whose body Prepare has set
// without a way to get it again.
var errNoSecondBody = errors.New("request has a body and no GetBody")

// hop returns the request for the next hop. The method and the body change as
// the Fetch standard says (section 4.4).
func hop(req *http.Request, status int, to *url.URL, crossed bool) (*http.Request, error) {
	next := req.Clone(req.Context())
	next.URL = to
	if crossed {
		next.Host = ""
	} else if to.User == nil {
		to.User = req.URL.User
	}
	asGet := becomesGet(req.Method, status)
	if asGet {
		next.Method = http.MethodGet
	}
	switch {
	case asGet || crossed:
		next.Body, next.GetBody, next.ContentLength = nil, nil, 0
	case req.GetBody != nil:
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		next.Body = body
	case req.Body != nil && req.Body != http.NoBody:
		return nil, errNoSecondBody
	}
	if crossed {
		next.Header = http.Header{}
		for _, name := range []string{lastEventID, sseRun} {
			if v := req.Header[name]; v != nil {
				next.Header[name] = v
			}
		}
		setOwn(next.Header)
	}
	if next.Body == nil {
		next.Header.Del("Content-Type")
	}
	return next, nil
}

// becomesGet tells whether a request of the method is repeated as a GET.
func becomesGet(method string, status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound:
		return method == http.MethodPost
	case http.StatusSeeOther:
		return method != http.MethodGet && method != http.MethodHead
	}
	return false
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}
