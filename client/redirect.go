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
	hc := *r.opts.HTTPClient
	if hc.Timeout > 0 { // it would end the stream; the watchdog has it
		c.openBy = time.Now().Add(hc.Timeout)
		hc.Timeout = 0
	}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	home := req.URL
	var via []*http.Request
	for {
		sent := req.WithContext(c.armed())
		if hc.Jar != nil {
			sent.Header = req.Header.Clone() // the jar adds its cookies to what it is given
		}
		hc.Transport = r.transport(c, sent)
		resp, err := hc.Do(sent)
		if err != nil || !isRedirect(resp.StatusCode) {
			return resp, err
		}
		resp.Body.Close()
		refuse := func(reason string, err error) (*http.Response, error) {
			return nil, &RedirectError{StatusCode: resp.StatusCode, Reason: reason, Err: err}
		}
		if via = append(via, req); len(via) > maxRedirects {
			return refuse(fmt.Sprintf("more than %d redirects", maxRedirects), nil)
		}
		location := resp.Header.Get("Location")
		if location == "" {
			return refuse("no Location", nil)
		}
		to, err := req.URL.Parse(location)
		if err != nil || (to.Scheme != "http" && to.Scheme != "https") || to.Host == "" {
			return refuse("Location is not an http or https URL", nil)
		}
		if req.URL.Scheme == "https" && to.Scheme == "http" {
			return refuse("from https to http", nil)
		}
		if !origin.Same(home, to) {
			c.crossed, hc.Jar = true, nil
		}
		if req, err = hop(req, resp.StatusCode, to, c.crossed); err != nil {
			return refuse("body can't be sent again", err)
		}
		req.Response = resp // for CheckRedirect, as net/http has it
		if check := r.opts.HTTPClient.CheckRedirect; check != nil {
			if err := check(req, via); err != nil {
				return refuse("refused by CheckRedirect", err)
			}
		}
	}
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
