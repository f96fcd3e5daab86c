package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/claim"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/ingest"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/metrics"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/outlet"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// Options of a [Relay]. Zero fields mean the value that stands beside them.
type Options struct {
	// Upstream is the URL of the server whose sessions are followed, such as
	// https://aegis:9100; "" where only plain streams are.
	Upstream string

	// Name stands for the upstream in what is stored. All relays of one upstream give
	// the same, and keep it when its URL changes.
	Name string // "upstream"

	All      bool              // follow every session
	Sessions []string          // follow these
	Streams  map[string]string // follow plain streams: the URL by the name

	// UpstreamStreams is how many sessions are followed on streams of their own at once,
	// beside the global stream: real servers allow ten streams an address.
	UpstreamStreams int // 9

	// Client returns options for one source: what it takes to reach it. The URL is
	// Upstream, or that of a plain stream, so that a token goes nowhere else. Position
	// and observer are the relay's. Nil means none.
	Client func(url string) client.Options

	// List returns the ids of the upstream's sessions; it is asked now and again where
	// All is set, for an idle session is on no stream. Nil means GET /v1/sessions with
	// the header and the HTTP client of Client.
	List func(context.Context) ([]string, error)

	// JetStream is where events are kept. Prefix begins the names of all that the
	// relay makes there. The limits are those of retention, no limit where 0; all relays
	// on one prefix give the same.
	JetStream jetstream.JetStream
	Prefix    string // "sse"
	Replicas  int    // 1
	MaxAge    time.Duration
	MaxBytes  int64 // of the sessions' events, and of the plain streams', each
	MaxEvents int64 // of one session or plain stream

	// Update changes the limits and replicas of streams that are there already to
	// these. Without it New refuses what is there with others: a limit that is lower
	// deletes events.
	Update bool

	// Alone says that no other relay follows the upstream: then an event that follows
	// on a gap is not held back for what another may have. Held back is for HoleWait.
	Alone    bool
	HoleWait time.Duration // 5 s

	// ClaimLimit is how long another relay may be silent before this one follows the
	// plain streams that it had.
	ClaimLimit time.Duration // 15 s

	// Server are options for the server of the readers: tokens, Authorize, limits,
	// Origins, Window. Run and History are the relay's.
	Server server.Options

	Log     *slog.Logger          // none
	Metrics prometheus.Registerer // none
}

// A Relay follows an upstream, keeps its events in JetStream and serves them. It is an
// [http.Handler] for the routes of package server. Its methods are safe for concurrent
// use.
type Relay struct {
	in  *ingest.Ingest
	out *outlet.Outlet
	log *slog.Logger
}

// New returns a relay over a JetStream that is there: it makes the streams and the
// bucket that it needs, or finds them as they are to be. The upstream is not dialled.
// The error names all that is wrong with the options.
func New(ctx context.Context, o Options) (*Relay, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.defaults()
	m, err := metrics.New(o.Metrics)
	if err != nil {
		return nil, fmt.Errorf("relay: metrics: %w", err)
	}
	st, err := store.Open(ctx, o.JetStream, store.Options{
		Prefix: o.Prefix, Replicas: o.Replicas, MaxAge: o.MaxAge, MaxBytes: o.MaxBytes, MaxEvents: o.MaxEvents,
		Update: o.Update,
	})
	if err != nil {
		return nil, err
	}
	kv, err := o.JetStream.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: strings.ReplaceAll(o.Prefix, ".", "_") + "_claims", Replicas: o.Replicas,
		Description: "which relay follows which plain stream",
	})
	if err != nil {
		return nil, fmt.Errorf("relay: bucket of claims: %w", err)
	}
	tell := o.Server.Observer
	o.Server.Observer = func(a server.Activity) {
		observe(m, a)
		if tell != nil {
			tell(a)
		}
	}
	out, err := outlet.New(ctx, st, o.Server, o.Log, m)
	if err != nil {
		return nil, err
	}
	if err := m.Delivered(func() float64 { return float64(out.Server().Stats().Delivered) }); err != nil {
		return nil, fmt.Errorf("relay: metrics: %w", err)
	}
	in := ingest.Options{
		Name: o.Name, Base: o.Upstream, Sessions: o.Sessions, All: o.All, Streams: o.Streams, Max: o.UpstreamStreams,
		Client: o.Client, HoleWait: o.HoleWait, ListEvery: listEvery,
	}
	if o.Alone {
		in.HoleWait = 0
	}
	if o.All {
		in.List = o.List
	}
	return &Relay{in: ingest.New(in, st, claim.New(kv, o.ClaimLimit), o.Log, m), out: out, log: o.Log}, nil
}

// How often the upstream is asked for its sessions, and how long that may take.
const (
	listEvery   = 10 * time.Second
	listTimeout = 15 * time.Second
)

func (o *Options) defaults() {
	if o.Name == "" {
		o.Name = "upstream"
	}
	if o.UpstreamStreams == 0 {
		o.UpstreamStreams = 9
	}
	if o.Prefix == "" {
		o.Prefix = "sse"
	}
	if o.HoleWait == 0 {
		o.HoleWait = 5 * time.Second
	}
	if o.ClaimLimit == 0 {
		o.ClaimLimit = DefaultClaimLimit
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	o.Replicas = max(o.Replicas, 1)
	if o.List == nil {
		o.List = o.list
	}
}

// list asks the upstream for its sessions.
func (o *Options) list(ctx context.Context) ([]string, error) {
	var c client.Options
	if o.Client != nil {
		c = o.Client(o.Upstream)
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	infos, err := session.List(ctx, o.Upstream, c.Request.Header, c.HTTPClient)
	ids := make([]string, 0, len(infos))
	for _, info := range infos {
		ids = append(ids, info.ID)
	}
	return ids, err
}

// check says all that is wrong.
func (o *Options) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("relay: "+format, args...)) }
	if o.JetStream == nil {
		bad("JetStream is missing")
	}
	checkURL := func(what, s string) {
		if u, err := url.Parse(s); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
			bad("%s is no http or https URL", what)
		}
	}
	switch {
	case o.Upstream != "":
		checkURL("Upstream", o.Upstream)
		if !o.All && len(o.Sessions) == 0 {
			bad("nothing of Upstream is followed: give All or Sessions")
		}
	case o.All || len(o.Sessions) > 0:
		bad("sessions have no Upstream to come from")
	case len(o.Streams) == 0:
		bad("nothing is followed: give Upstream or Streams")
	}
	for _, id := range o.Sessions {
		if err := session.CheckID(id); err != nil {
			bad("session %q: %w", id, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Streams)) {
		if name == "" || name == "*" {
			bad("%q can't be the name of a stream", name)
		}
		checkURL("URL of stream "+name, o.Streams[name])
	}
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"UpstreamStreams", int64(o.UpstreamStreams)}, {"Replicas", int64(o.Replicas)}, {"MaxAge", int64(o.MaxAge)}, {"MaxBytes", o.MaxBytes},
		{"MaxEvents", o.MaxEvents}, {"HoleWait", int64(o.HoleWait)}, {"ClaimLimit", int64(o.ClaimLimit)},
	} {
		if n.value < 0 {
			bad("%s is negative", n.name)
		}
	}
	if o.ClaimLimit != 0 && o.ClaimLimit < minClaimLimit {
		bad("ClaimLimit is %v; it must be at least %v", o.ClaimLimit, minClaimLimit)
	}
	return errors.Join(errs...)
}

// Run follows the upstream and feeds the readers until the context is done. It goes on
// after every failure that may pass, of the upstream and of NATS. The error is the
// context's cause, or says what makes following impossible.
func (r *Relay) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { cancel(r.in.Run(ctx)) })
	wg.Go(func() { cancel(r.out.Feed(ctx)) })
	wg.Wait()
	return context.Cause(ctx)
}

// ServeHTTP serves the streams, as package server does.
func (r *Relay) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.out.ServeHTTP(w, req) }

// Stats returns the counts of the readers' server.
func (r *Relay) Stats() server.Stats { return r.out.Server().Stats() }

// Shutdown ends the readers' connections at an event boundary, so that they resume
// elsewhere. See [server.Server.Shutdown].
func (r *Relay) Shutdown(ctx context.Context) error { return r.out.Server().Shutdown(ctx) }

// observe counts what happens to readers.
func observe(m *metrics.Set, a server.Activity) {
	kind := map[server.StreamKind]string{server.OfSession: "session", server.OfAll: "global", server.Plain: "stream"}[a.Stream.Kind]
	switch a.What {
	case server.Opened:
		m.Opened(kind)
	case server.Ended:
		m.Ended(kind)
	case server.Refused:
		m.Refused(fmt.Sprint(a.Status))
	}
}
