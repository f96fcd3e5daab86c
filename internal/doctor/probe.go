package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/origin"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// Options of a [Probe].
type Options struct {
	Transport http.RoundTripper
	Proxy     func(*http.Request) (*url.URL, error) // the transport's; may be nil
	Method    string                                // GET if it is empty
	Body      []byte
	Prepare   func(context.Context, *http.Request) error // before each request; may be nil
	Header    http.Header
	For       time.Duration            // how long to listen; 0: until the context ends
	Mask      func(*url.URL) string    // a URL without secrets
	Progress  func(left time.Duration) // while it listens; may be nil. Negative: there is no end
}

// How long the second and third requests may take.
const (
	openTime   = 15 * time.Second
	replayTime = 3 * time.Second
	maxHops    = 10
)

// errDone ends a listening that has lasted as long as it should.
var errDone = errors.New("doctor: done")

// Probe observes the stream at a URL. It listens, and then makes a few more
// requests: to see whether the server goes on after an event, how far back it can,
// and whether it compresses. A request that is no GET may do something, so it is
// made once. When the context ends, what was seen so far counts.
func Probe(ctx context.Context, u *url.URL, o Options) *Observation {
	_, isSession := session.IDOf(u.EscapedPath())
	if o.Method == "" {
		o.Method = http.MethodGet
	}
	obs := &Observation{URL: o.Mask(u), Method: o.Method, Session: isSession || u.Path == session.GlobalPath}
	p := &prober{Options: o, url: u, obs: obs}
	if !p.listen(ctx) || ctx.Err() != nil || o.Method != http.MethodGet {
		return obs
	}
	p.replay(ctx)
	p.compression(ctx)
	return obs
}

type prober struct {
	Options
	url *url.URL
	obs *Observation
}

// listen makes the first request, and listens to its stream if there is one.
func (p *prober) listen(ctx context.Context) (stream bool) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	obs := p.obs
	began := time.Now()
	trace := &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) {
			if obs.Addr == "" {
				obs.Addr, obs.Connected = c.Conn.RemoteAddr().String(), time.Since(began)
			}
		},
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			if err == nil {
				obs.TLS = tls.VersionName(s.Version)
			}
		},
	}
	obs.Proxy = p.proxy()
	limit := time.AfterFunc(openTime, func() { cancel(fmt.Errorf("no response within %v", openTime)) })
	resp, err := p.get(httptrace.WithClientTrace(ctx, trace), "", "identity", true)
	limit.Stop()
	obs.Header = time.Since(began)
	if err != nil {
		obs.Err = err
		if ctx.Err() != nil {
			obs.Err = context.Cause(ctx)
		}
		return false
	}
	defer resp.Body.Close()
	obs.Proto, obs.StatusCode, obs.Head = resp.Proto, resp.StatusCode, resp.Header
	if !isStream(resp) {
		obs.Body, _ = io.ReadAll(io.LimitReader(resp.Body, bodySample))
		return false
	}
	if p.For > 0 {
		stop := time.AfterFunc(p.For, func() { cancel(errDone) })
		defer stop.Stop()
	}
	p.hear(ctx, decoded(resp))
	return true
}

// proxy returns the address of the proxy that requests go over, without secrets.
func (p *prober) proxy() string {
	if p.Proxy == nil {
		return ""
	}
	u, err := p.Proxy(&http.Request{Method: p.Method, URL: p.url, Host: p.url.Host, Header: http.Header{}})
	if err != nil || u == nil {
		return ""
	}
	return p.Mask(&url.URL{Scheme: u.Scheme, Host: u.Host})
}

// get makes a request, and follows redirects as the client does: over to another
// origin without credentials.
func (p *prober) get(ctx context.Context, lastEventID, encoding string, note bool) (*http.Response, error) {
	u, foreign, method, body := p.url, false, p.Method, p.Body
	for range maxHops {
		req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if !foreign {
			maps.Copy(req.Header, p.Header)
			if user := p.url.User; user != nil && req.Header.Get("Authorization") == "" {
				password, _ := user.Password() // a transport leaves this to its client
				req.SetBasicAuth(user.Username(), password)
			}
			if p.Prepare != nil {
				if err := p.Prepare(ctx, req); err != nil {
					return nil, err
				}
			}
		}
		req.Header.Set("Accept", "text/event-stream")
		req.Header.Set("Cache-Control", "no-cache")
		req.Header.Set("Accept-Encoding", encoding)
		if lastEventID != "" {
			req.Header.Set("Last-Event-ID", lastEventID)
		}
		resp, err := p.Transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		location := resp.Header.Get("Location")
		if resp.StatusCode < 300 || resp.StatusCode > 399 || location == "" {
			return resp, nil
		}
		resp.Body.Close()
		next, err := u.Parse(location)
		if err != nil || next.Scheme != "http" && next.Scheme != "https" {
			return nil, errors.New("a redirect leads to something else than an http or https URL")
		}
		foreign = foreign || !origin.Same(next, p.url)
		if code := resp.StatusCode; foreign || code < 307 && method != http.MethodHead { // Fetch, section 4.4
			body = nil
			if code < 307 {
				method = http.MethodGet
			}
		}
		if note {
			p.obs.Hops, p.obs.OtherSite = append(p.obs.Hops, p.Mask(next)), foreign
		}
		u = next
	}
	return nil, fmt.Errorf("more than %d redirects", maxHops)
}
