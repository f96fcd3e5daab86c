package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/OneStepAt4time/resilient-sse/relay"
)

// Options of a [Daemon].
type Options struct {
	// Relay says what is followed and kept. JetStream, Log, Metrics and
	// Server.Authorize are set here.
	Relay relay.Options

	Listen string // of the readers, host:port
	Admin  string // of /metrics, /healthz and /readyz; "": with the readers

	Cert, Key string // files of the readers' TLS, read again on SIGHUP; "": plain HTTP
	Tokens    string // file of the readers' tokens, read again on SIGHUP; "": nobody is asked

	Folder   Folder        // where there is no NATS
	NATS     NATS          // servers of a JetStream that others may share
	OpenWait time.Duration // how long the store may take to be there

	Drain time.Duration // how long readers may take to end

	Log *slog.Logger

	// Hint says what to do about an error of the upstream; "" if nothing is known.
	Hint func(error) string
}

// A Daemon is a relay as a process.
type Daemon struct {
	opts   Options
	log    *slog.Logger
	tokens *tokens // nil: nobody is asked
	cert   *certificate
	reg    *prometheus.Registry
	phase  atomic.Pointer[phase]
}

// New reads the files that the options name. The error names all that is wrong with
// them.
func New(o Options) (*Daemon, error) {
	d := &Daemon{opts: o, log: o.Log, reg: prometheus.NewRegistry()}
	var errs []error
	if o.Tokens != "" {
		d.tokens = &tokens{path: o.Tokens}
		if err := d.tokens.read(); err != nil {
			errs = append(errs, fmt.Errorf("--reader-tokens: %w", err))
		}
	}
	if o.Cert != "" {
		d.cert = &certificate{cert: o.Cert, key: o.Key}
		if err := d.cert.read(); err != nil {
			errs = append(errs, fmt.Errorf("--tls-cert: %w", err))
		}
	}
	if len(o.NATS.URLs) > 0 {
		errs = append(errs, d.opts.NATS.read())
	}
	d.enter(&phase{why: errors.New("starting")})
	d.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "sse_relay", Name: "ready", Help: "1 if /readyz says so, else 0.",
		}, func() float64 {
			if d.ready() == nil {
				return 1
			}
			return 0
		}))
	return d, errors.Join(errs...)
}

// A phase is what the daemon can do now.
type phase struct {
	relay   *relay.Relay // nil until the store is there
	metrics prometheus.Gatherer
	store   func() error // tells whether the store's connection is up
	why     error        // not ready whatever else; nil: the others say
}

func (d *Daemon) enter(p *phase) { d.phase.Store(p) }

// Run runs until the context is done, and ends the readers then. The error is nil, or
// says what makes running impossible.
func (d *Daemon) Run(ctx context.Context) error {
	go d.reloadOnHangup(ctx)
	web, err := d.listen()
	if err != nil {
		return err
	}
	defer web.close()
	open, err := d.openStore(ctx)
	if err != nil {
		return ended(ctx, err)
	}
	defer open.close()
	r, metrics, err := d.newRelay(ctx, open)
	if err != nil {
		return ended(ctx, err)
	}
	d.enter(&phase{relay: r, metrics: metrics, store: open.up})

	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- r.Run(run) }()
	d.log.Info("serving", "url", web.url, "store", open.where, "upstream", d.upstream())
	var broken error
	select {
	case <-ctx.Done():
	case broken = <-web.failed:
	case broken = <-failed:
		failed <- broken
	case <-open.lost:
		broken = errors.New("connection to NATS was closed for good")
	}
	d.drain(r, web, broken)
	stop()
	<-failed // what is known of positions is saved
	return broken
}

// drain ends the readers at an event boundary.
func (d *Daemon) drain(r *relay.Relay, web *web, broken error) {
	p := *d.phase.Load()
	p.why = errors.New("ending")
	d.enter(&p)
	d.log.Info("ending", "readers", r.Stats().Open)
	end, cancel := context.WithTimeout(context.Background(), d.opts.Drain)
	defer cancel()
	if err := errors.Join(r.Shutdown(end), web.shutdown(end)); err != nil && broken == nil {
		d.log.Warn("readers were cut: they resume all the same", "err", err, "drain", d.opts.Drain)
	}
	s := r.Stats()
	d.log.Info("ended", "events", s.Events, "delivered", s.Delivered)
}

// ended returns nil where the end was asked for.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// upstream is what is followed, for the log.
func (d *Daemon) upstream() string {
	if d.opts.Relay.Upstream == "" {
		return fmt.Sprintf("%d plain streams", len(d.opts.Relay.Streams))
	}
	return d.opts.Relay.Name
}

// newRelay makes the relay as soon as the store answers. Each try has metrics of its
// own: a name is registered once.
func (d *Daemon) newRelay(ctx context.Context, open *opened) (r *relay.Relay, m prometheus.Gatherer, err error) {
	o := d.opts.Relay
	o.JetStream, o.Log = open.js, d.log
	if d.tokens != nil {
		o.Server.Authorize = d.tokens.authorize
	}
	err = d.untilOpen(ctx, open.where, func(ctx context.Context) (err error) {
		reg := prometheus.NewRegistry()
		o.Metrics, m = reg, reg
		r, err = relay.New(ctx, o)
		return err
	})
	return r, m, err
}

// web is what listens.
type web struct {
	url     string
	servers []*http.Server
	failed  chan error
}

func (d *Daemon) listen() (*web, error) {
	w := &web{failed: make(chan error, 2)}
	readers, err := net.Listen("tcp", d.opts.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	w.url = "http://" + readers.Addr().String()
	main := http.NewServeMux()
	main.HandleFunc("/", d.serveStreams)
	if d.opts.Admin == "" {
		d.watchers(main)
	} else {
		admin, err := net.Listen("tcp", d.opts.Admin)
		if err != nil {
			readers.Close()
			return nil, fmt.Errorf("--admin: %w", err)
		}
		mux := http.NewServeMux()
		d.watchers(mux)
		w.serve(d.server(mux), admin)
		d.log.Info("watched", "url", "http://"+admin.Addr().String())
	}
	hs := d.server(main)
	if d.cert != nil {
		hs.TLSConfig = &tls.Config{GetCertificate: d.cert.get}
		w.url = "https://" + readers.Addr().String()
	}
	if host, ok := readers.Addr().(*net.TCPAddr); ok && !host.IP.IsLoopback() && d.tokens == nil {
		d.log.Warn("whoever reaches this address reads every stream: --reader-tokens says who may", "url", w.url)
	}
	w.serve(hs, readers)
	return w, nil
}

// headerTime is how long a request's header may take.
const headerTime = 20 * time.Second

func (d *Daemon) server(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: headerTime, ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug)}
}

func (w *web) serve(hs *http.Server, l net.Listener) {
	w.servers = append(w.servers, hs)
	go func() {
		var err error
		if hs.TLSConfig != nil {
			err = hs.ServeTLS(l, "", "")
		} else {
			err = hs.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			w.failed <- err
		}
	}()
}

// shutdown waits for requests that are under way, until the context is done.
func (w *web) shutdown(ctx context.Context) error {
	errs := make([]error, len(w.servers))
	var wg sync.WaitGroup
	for i, hs := range w.servers {
		wg.Go(func() { errs[i] = hs.Shutdown(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (w *web) close() {
	for _, hs := range w.servers {
		hs.Close()
	}
}
