package testserver

import (
	"cmp"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"
)

// delay lets slow headers be slow; false if the client left, or the server
// ended, before.
func (h *hub) delay(r *http.Request, p *planted) bool {
	return p == nil || h.hold(r, time.Duration(p.fault.spec.For))
}

// hold waits for a time, or for good if it is 0; false if the request or the
// server ended before.
func (h *hub) hold(r *http.Request, d time.Duration) bool {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		return true
	case <-r.Context().Done(): // also the server's end
		return false
	}
}

// instead lets a fault answer in place of the stream.
func (h *hub) instead(w http.ResponseWriter, r *http.Request, entry *Request, p *planted) {
	status := p.kind.answer(h, w, r, &p.fault.spec)
	h.close(entry, status, "fault "+p.kind.name)
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
}

func answerNever(h *hub, _ http.ResponseWriter, r *http.Request, _ *spec) int {
	h.hold(r, 0)
	return 0
}

func answerStatus(_ *hub, w http.ResponseWriter, _ *http.Request, s *spec) int {
	setRetryAfter(w.Header(), time.Duration(s.RetryAfter))
	if s.ContentType != "" {
		w.Header().Set("Content-Type", s.ContentType)
	}
	w.WriteHeader(s.Status)
	io.WriteString(w, s.Body)
	return s.Status
}

func answerEmpty(h *hub, w http.ResponseWriter, _ *http.Request, _ *spec) int {
	h.mu.Lock()
	run := h.run
	h.mu.Unlock()
	maps.Copy(w.Header(), h.header(run))
	http.NewResponseController(w).Flush() // or net/http would announce a length of 0
	return http.StatusOK
}

func answerRedirect(h *hub, w http.ResponseWriter, r *http.Request, s *spec) int {
	if to := h.place(r, s.Location); to != "" {
		w.Header().Set("Location", to)
	}
	status := cmp.Or(s.Status, http.StatusTemporaryRedirect)
	w.WriteHeader(status)
	return status
}

// loopPath redirects to itself for ever.
const loopPath = "/_loop"

func serveLoop(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, loopPath, http.StatusTemporaryRedirect)
}

// place returns where a redirect to a named place, or to a URL, goes.
func (h *hub) place(r *http.Request, location string) string {
	u := *r.URL
	u.Scheme, u.Host = "http", r.Host
	switch location {
	case ToNone:
		return ""
	case ToLoop:
		return loopPath
	case ToSameOrigin:
		q := u.Query()
		q.Set("redirected", "1")
		u.RawQuery = q.Encode()
		return u.RequestURI()
	case ToOtherPort:
		host, _ := hostPort(r.Host)
		u.Host = net.JoinHostPort(host, h.secondPort())
	case ToOtherHost:
		u.Host = otherHost(r.Host)
	default:
		return location
	}
	return u.String()
}

func (h *hub) secondPort() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.second
}

// hostPort splits a Host header, whose port may be missing.
func hostPort(host string) (name, port string) {
	if name, port, err := net.SplitHostPort(host); err == nil {
		return name, port
	}
	return strings.Trim(host, "[]"), ""
}

// otherHost returns another name for the same host.
func otherHost(host string) string {
	name, port := hostPort(host)
	switch name {
	case memoryHost:
		name = "other." + memoryHost
	case "localhost":
		name = "127.0.0.1"
	default:
		name = "localhost"
	}
	if port == "" {
		return name
	}
	return net.JoinHostPort(name, port)
}

// An opening is a stream about to start, as faults may change it.
type opening struct {
	log       *eventLog
	asked     string // the Last-Event-ID
	run       string // that the client says it belongs to; "" if it does not say
	inclusive bool
	header    http.Header // over the stream's own; a key without value takes one away
}

func headType(_ *hub, o *opening, s *spec) {
	o.header["Content-Type"] = nil
	if s.ContentType != "" {
		o.header.Set("Content-Type", s.ContentType)
	}
}

func headInclusive(_ *hub, o *opening, _ *spec) { o.inclusive = true }

func headIgnore(_ *hub, o *opening, _ *spec) { o.asked = "" }

func headRestart(h *hub, _ *opening, _ *spec) { h.restartCounter() }

func headLose(_ *hub, o *opening, _ *spec) { o.log.clear() }

func headGzip(_ *hub, o *opening, _ *spec) { o.header.Set("Content-Encoding", "gzip") }
