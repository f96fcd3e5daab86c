package doctor

import (
	"compress/gzip"
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
	Prepare   func(context.Context, *http.Request) error // before each request; may be nil
	Header    http.Header
	For       time.Duration            // how long to listen
	Mask      func(*url.URL) string    // a URL without secrets
	Progress  func(left time.Duration) // while it listens; may be nil
}

// How long the second and third requests may take.
const (
	openTime   = 15 * time.Second
	replayTime = 3 * time.Second
	maxHops    = 10
)

// errDone ends a listening that has lasted as long as it should.
var errDone = errors.New("doctor: done")

// Probe observes the stream at a URL. It makes up to three requests: one to
// listen, one to see whether the server goes on after an event, and one to see
// whether it compresses. When the context ends, what was seen so far counts.
func Probe(ctx context.Context, u *url.URL, o Options) *Observation {
	_, isSession := session.IDOf(u.EscapedPath())
	obs := &Observation{URL: o.Mask(u), Session: isSession || u.Path == session.GlobalPath}
	p := &prober{Options: o, url: u, obs: obs}
	if !p.listen(ctx) || ctx.Err() != nil {
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
	stop := time.AfterFunc(p.For, func() { cancel(errDone) })
	defer stop.Stop()
	p.hear(ctx, resp.Body)
	return true
}

// get makes a request, and follows redirects as the client does: over to another
// origin without credentials.
func (p *prober) get(ctx context.Context, lastEventID, encoding string, note bool) (*http.Response, error) {
	u, foreign := p.url, false
	for range maxHops {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, err
		}
		if !foreign {
			maps.Copy(req.Header, p.Header)
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
		if note {
			p.obs.Hops, p.obs.OtherSite = append(p.obs.Hops, p.Mask(next)), foreign
		}
		u = next
	}
	return nil, fmt.Errorf("more than %d redirects", maxHops)
}

// replay asks to go on after the first event with an id.
func (p *prober) replay(ctx context.Context) {
	var ids []string
	for _, ev := range p.obs.Events {
		if ev.HasID && ev.ID != "" {
			ids = append(ids, ev.ID)
		}
	}
	if len(ids) < 2 || p.obs.Over {
		return
	}
	r := &Replay{Asked: ids[0], Want: ids[1:]}
	p.obs.Replay = r
	ctx, cancel := context.WithTimeoutCause(ctx, replayTime, errDone)
	defer cancel()
	resp, err := p.get(ctx, r.Asked, "identity", false)
	if err != nil {
		r.Err = err
		return
	}
	defer resp.Body.Close()
	r.Status = resp.StatusCode
	if !isStream(resp) {
		return
	}
	if gap := resp.Header.Get("Last-Event-ID"); gap != r.Asked {
		r.Gap = gap
	}
	r.Got = idsOf(resp.Body, len(r.Want))
}

// compression asks as a browser does, which allows compression.
func (p *prober) compression(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, replayTime, errDone)
	defer cancel()
	resp, err := p.get(ctx, "", "gzip, deflate, br", false)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	g := &Gzip{Encoding: resp.Header.Get("Content-Encoding")}
	p.obs.Gzip = g
	if g.Encoding != "gzip" {
		return
	}
	r, err := gzip.NewReader(resp.Body)
	if err == nil {
		_, err = r.Read(make([]byte, 1))
	}
	g.Silent = err != nil
}
