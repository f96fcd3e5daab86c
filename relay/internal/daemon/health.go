package daemon

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/OneStepAt4time/resilient-sse/relay"
)

// watchers adds what is for those who watch the process.
func (d *Daemon) watchers(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", d.serveReady)
	mux.HandleFunc("GET /metrics", d.serveMetrics)
}

func (d *Daemon) serveReady(w http.ResponseWriter, _ *http.Request) {
	err := d.ready()
	if err == nil {
		say(w, http.StatusOK, "ready\n")
		return
	}
	var b strings.Builder
	b.WriteString("not ready\n")
	for _, err := range each(err) {
		b.WriteString(strings.TrimPrefix(err.Error(), "relay: "))
		if hint := d.hint(err); hint != "" {
			b.WriteString("\n  hint: " + hint)
		}
		b.WriteByte('\n')
	}
	say(w, http.StatusServiceUnavailable, b.String())
}

// hint says what to do about something that is not well; "" if nothing is known.
func (d *Daemon) hint(err error) string {
	if e, ok := errors.AsType[*relay.StoreError](err); ok && isFull(e.Err) {
		return "it has no room: give it more (--store-limit, the servers' JetStream limits, the disk), or keep less (--max-age, --max-bytes, --max-events with --update-store)"
	}
	if e, ok := errors.AsType[*relay.OutageError](err); ok && d.opts.Hint != nil {
		return d.opts.Hint(e.Err)
	}
	return ""
}

// ready says all that is not well; nil if nothing is.
func (d *Daemon) ready() error {
	p := d.phase.Load()
	switch {
	case p.why != nil:
		return p.why
	case p.relay == nil:
		return errors.New("starting")
	}
	return errors.Join(p.store(), p.relay.Ready())
}

// each takes apart what [errors.Join] has joined.
func each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var list []error
	for _, err := range joined.Unwrap() {
		list = append(list, each(err)...)
	}
	return list
}

// serveMetrics serves the process's metrics and, once there is one, the relay's.
func (d *Daemon) serveMetrics(w http.ResponseWriter, r *http.Request) {
	g := prometheus.Gatherers{d.reg}
	if m := d.phase.Load().metrics; m != nil {
		g = append(g, m)
	}
	promhttp.HandlerFor(g, promhttp.HandlerOpts{ErrorLog: promLog{d}}).ServeHTTP(w, r)
}

type promLog struct{ d *Daemon }

func (l promLog) Println(v ...any) { l.d.log.Warn("metrics", "err", fmt.Sprint(v...)) }

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the asker may be gone
}

// serveStreams serves readers, once there is something to serve.
func (d *Daemon) serveStreams(w http.ResponseWriter, r *http.Request) {
	p := d.phase.Load()
	if p.relay == nil {
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, "starting\n")
		return
	}
	if d.tokens != nil {
		var done func()
		r, done = d.tokens.enter(r)
		defer done()
	}
	p.relay.ServeHTTP(w, r)
}
