package testserver

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/aegis"
	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// A Profile is whose behaviour a server has.
type Profile string

const (
	// Ours is what package server does.
	Ours Profile = ""

	// Aegis133 is an Aegis server of version 1.3.3, and Aegis066 one of version 0.6.6,
	// which is the newer one: their frames, headers, statuses and error bodies. There
	// is no sign of a run or of a gap, and no block with the newest id behind
	// connected; what was kept is the newest 50, whatever was asked; an id ahead of the
	// counter starts live; a stream stays open behind ended, and a new connection gets
	// 404; a frame may come twice where a replay ends, by the seed. The global stream
	// of 1.3.3 has no ids. 0.6.6 allows 10 streams and 600 requests a minute of an
	// address, has the old routes and the exchange of tokens, says shutdown, and ends a
	// stream cleanly behind three events that came while its client read nothing for a
	// second; 1.3.3 cuts it after 90 s. Kinds that the version does not send
	// are not sent. A session's id need not be a UUID, as theirs are.
	Aegis133 Profile = "aegis-1.3.3"
	Aegis066 Profile = "aegis-0.6.6"
)

func (p Profile) valid() bool { return p == Ours || p == Aegis133 || p == Aegis066 }

// version returns the version of Aegis; false if it is none.
func (p Profile) version() (aegis.Version, bool) {
	switch p {
	case Aegis133:
		return aegis.V133, true
	case Aegis066:
		return aegis.V066, true
	}
	return 0, false
}

// profile lets the hub do what the profile's server does.
func (o *Options) profile(cfg *hub.Config) {
	v, ok := o.Profile.version()
	if !ok {
		return
	}
	cfg.NoHijack = true
	cfg.Policy = hub.Policy{
		Frame: v.Frame, Refuse: v.Refuse,
		NoSigns: true, NoStart: true, NoCreated: true, NoShutdown: true, NoGlobalReplay: v == aegis.V133,
		AheadIsLive: true, LooseIDs: true, EndedStays: true, RawHTTP10: true,
	}
	header := aegis.StreamHeader.Clone()
	for key, values := range o.Header {
		header[http.CanonicalHeaderKey(key)] = values
	}
	cfg.Header = header
	if v == aegis.V066 {
		cfg.Policy.RefusedWrites = aegis.Refusals
		setDefault(&cfg.MaxConnsPerAddr, aegis.ConnsPerAddr)
	}
}

// seamRepeats is how probable it is that a frame comes twice where a replay ends.
const seamRepeats = 0.25

// repeatsAtSeam draws from the seed whether one does on a connection.
func (s *Server) repeatsAtSeam(visit int64) bool {
	if _, ok := s.opts.Profile.version(); !ok {
		return false
	}
	return rand.New(rand.NewPCG(uint64(s.opts.Seed), uint64(visit))).Float64() < seamRepeats
}

// serveAegis answers what the profile's server answers in another way, or not at all;
// false if it has not.
func (s *Server) serveAegis(v aegis.Version, w http.ResponseWriter, r *http.Request) bool {
	_, isStream := hub.StreamOf(r)
	switch {
	case isStream && r.Method == http.MethodHead: // it is never answered
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case isStream && r.Method != http.MethodGet && r.URL.Path != hub.PlainPath:
		v.NotFound(w, r)
	case r.URL.Path == session.TokenPath && v == aegis.V066:
		s.serveAegisToken(v, w, r)
	case isStream, r.URL.Path == session.ListPath:
		return false
	default:
		v.NotFound(w, r)
	}
	return true
}

// quotas are what addresses have left of their requests.
type quotas struct {
	mu     sync.Mutex
	of     map[string]*aegis.Quota
	resets time.Time // when all have all of them again
}

// take uses up a request; false if there is none left.
func (q *quotas) take(addr string) (left aegis.Quota, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if !now.Before(q.resets) {
		q.of, q.resets = make(map[string]*aegis.Quota), now.Add(time.Minute)
	}
	host, _ := hostPort(addr)
	of := q.of[host]
	if of == nil {
		of = &aegis.Quota{Left: aegis.Requests}
		q.of[host] = of
	}
	of.Reset = q.resets.Sub(now)
	if of.Left == 0 {
		return *of, false
	}
	of.Left--
	return *of, true
}

// reset gives all addresses all of their requests.
func (q *quotas) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.resets = time.Time{}
}

// refuseTooMany answers a request of an address that has made too many.
func (s *Server) refuseTooMany(v aegis.Version, w http.ResponseWriter, r *http.Request, quota aegis.Quota) {
	e := s.book.aside(r)
	v.TooManyRequests(w, r, quota)
	s.book.finish(e, http.StatusTooManyRequests, "too many requests of one address")
}

func (s *Server) serveAegisToken(v aegis.Version, w http.ResponseWriter, r *http.Request) {
	key := hub.Bearer(r)
	switch {
	case r.Method != http.MethodPost:
		v.NotFound(w, r)
		return
	case !s.hub.Trusts(key):
		v.Refuse(w, r, &hub.Refusal{Status: http.StatusUnauthorized})
		return
	}
	token, expires, err := s.hub.IssueToken(key, aegis.TokensPerKey)
	if err != nil {
		v.TooManyTokens(w, r)
		return
	}
	v.Token(w, r, token, expires)
}

// oldRoute returns the request that one by an old route of the profile's server stands
// for.
func oldRoute(v aegis.Version, r *http.Request) *http.Request {
	path := v.Route(r.URL.Path)
	if path == "" {
		return r
	}
	moved := r.Clone(r.Context())
	moved.URL = &url.URL{Path: path, RawQuery: r.URL.RawQuery}
	return moved
}

// shutdown is how the profile's server ends: 1.3.3 at once, 0.6.6 with a word on the
// global stream, and its streams stay open for a while although the port is free.
func (s *Server) shutdownAegis(ctx context.Context, v aegis.Version) error {
	for _, p := range s.allPorts() {
		p.Close()
	}
	if v == aegis.V066 {
		global := func(id hub.StreamID) bool { return id == hub.GlobalID }
		s.hub.Write(global, v.Shutdown(nil, time.Now()))
		ctx, cancel := context.WithTimeout(ctx, aegis.ShutdownTime)
		defer cancel()
		s.hub.Idle(ctx)
	}
	s.Close()
	return nil
}
